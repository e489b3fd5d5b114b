/** Small things that readers of one-line records share. */

import type { AccessSink } from '../access-sink.ts';

const LINE_FEED = 10;
const QUOTE = 34;
const BACKSLASH = 92;

/** The same bytes as a Buffer, whose `indexOf` finds the end of a long tail about ten times as fast as a loop. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The line feed at or after `pos`; the caller sees to it that there is one. */
export function endOfLine(bytes: Uint8Array, pos: number): number {
  let at = pos;
  while (bytes[at] !== LINE_FEED) at++;
  return at;
}

/** Whether bytes [start, end) hold an odd number of quotes that no backslash precedes. */
export function hasOpenQuote(bytes: Uint8Array, start: number, end: number): boolean {
  let isOpen = false;
  for (let at = start; at < end; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) isOpen = !isOpen;
  }
  return isOpen;
}

/**
 * Refuses the line from `lineStart`, in which `at` does not hold what was expected, and gives where the next line starts.
 * A last line that has no line feed of its own and is short of something is a truncation: the rest may have been right.
 */
export function refuseLine(
  bytes: Uint8Array,
  lineStart: number,
  at: number,
  end: number,
  sink: AccessSink,
  line: number,
  isLast: boolean,
  expected: string,
): number {
  const lineEnd = endOfLine(bytes, lineStart);
  const column = Math.min(at, lineEnd) - lineStart + 1;
  if (isLast && lineEnd + 1 === end) sink.truncated({ line, column }, expected);
  else if (at >= lineEnd) sink.reject({ line, column }, expected, 'the end of the line');
  else
    sink.reject({ line, column }, expected, new TextDecoder().decode(bytes.subarray(at, Math.min(lineEnd, at + 100))));
  return lineEnd + 1;
}

/** The first lines of an input as text, for telling formats apart. */

const LINES_MAX = 20;
/** Where text is looked for. */
const LOOK_BYTES = 4096;

/** What is wrong with lines that end as they did on old Macs, and what may be done. */
export const BARE_RETURNS = "its lines end with a carriage return alone: tr '\\r' '\\n' < FILE | anteroom ... -";

/** Whether `head` is text whose lines end with a carriage return alone. */
export function hasBareReturns(head: Uint8Array): boolean {
  if (head.includes(10)) return false;
  const text = new TextDecoder().decode(head.subarray(0, LOOK_BYTES));
  return /\r[^\r]/.test(text) && !/[^\P{Cc}\t\r]/u.test(text);
}

/** Up to 20 non-empty whole lines of `head` without their ends; none when it is not text. A last line that may be cut is left out. */
export function headLines(head: Uint8Array, isWhole: boolean): string[] {
  if (head.subarray(0, LOOK_BYTES).includes(0)) return [];
  const lines: string[] = [];
  let from = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (from < head.length && lines.length < LINES_MAX) {
    const end = head.indexOf(10, from);
    if (end < 0 && !isWhole) break;
    const to = end < 0 ? head.length : end;
    const line = new TextDecoder().decode(head.subarray(from, to)).replace(/\r$/, '');
    if (line !== '') lines.push(line);
    from = to + 1;
  }
  return lines;
}

/** Share of `lines` that `pattern` matches; 0 when there are none. */
export function matchingShare(lines: readonly string[], pattern: RegExp): number {
  if (lines.length === 0) return 0;
  let matches = 0;
  for (const line of lines) if (pattern.test(line)) matches++;
  return matches / lines.length;
}

/** What a list of appends comes to: receipts, and what must be written together for them to be true. */

import { assert } from '../assert.ts';
import { AnteroomError } from '../errors.ts';
import { layEntry, UNITS_MAX } from './log-entry.ts';
import type { LogAppend, LogReceipt } from './log-store.ts';
import { checkOrigin, type ProducerWindows } from './producer-windows.ts';

export interface AppendPlan {
  readonly receipts: readonly LogReceipt[];
  /** Laid, not sealed. */
  readonly entries: readonly { readonly position: number; readonly bytes: Uint8Array<ArrayBuffer> }[];
  /** Position after the last entry. */
  readonly end: number;
  /** Bytes of all entries. */
  readonly bytes: number;
  /** Producers whose windows have changed, with what they were before; null = not remembered. */
  readonly before: ReadonlyMap<string, Uint8Array | null>;
}

/**
 * Plans appends to a log that spans [start, end), and notes their origins in `windows`: where the writing fails, `windows.restore`
 * takes that back.
 * @throws AnteroomError 'bad-usage' for an origin that is none; then nothing was noted.
 */
export function planAppends(
  appends: readonly LogAppend[],
  windows: ProducerWindows,
  start: number,
  end: number,
): AppendPlan {
  for (const { origin } of appends) if (origin !== null) checkOrigin(origin);
  const entries: { position: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
  const before = new Map<string, Uint8Array | null>();
  let at = end;
  let bytes = 0;
  const receipts = appends.map(({ origin, frames }): LogReceipt => {
    assert(frames.length > 0, 'an append has frames');
    const standing = origin === null ? 'new' : windows.standingOf(origin, start);
    if (standing === 'duplicate') return { kind: 'duplicate' };
    if (standing !== 'new') return { kind: 'refused', reason: standing };
    const from = at;
    for (const frame of frames) {
      assert(
        Number.isInteger(frame.units) && frame.units >= 1 && frame.units <= UNITS_MAX,
        `a frame has units, not ${frame.units}`,
      );
      const entry = layEntry(at, frame);
      entries.push({ position: at, bytes: entry });
      bytes += entry.length;
      at += frame.units;
    }
    if (origin !== null) {
      const { producer } = origin;
      if (!before.has(producer)) before.set(producer, windows.has(producer) ? windows.encode(producer) : null);
      const forgotten = windows.note(origin, at);
      if (forgotten !== null && !before.has(forgotten.producer)) before.set(forgotten.producer, forgotten.bytes);
    }
    return { kind: 'appended', from, to: at };
  });
  return { receipts, entries, end: at, bytes, before };
}

/** The error of a log that holds as much as it may. */
export function logFull(bytesMax: number, bytes: number): AnteroomError {
  return new AnteroomError(
    'disk-full',
    `the log holds as much as it may (${bytes} of ${bytesMax} bytes); it is trimmed at the next checkpoint`,
    { context: { bytesMax, bytes }, isRetryable: true },
  );
}

/** The error of a position that is not in the log. */
export function outOfLog(position: number, start: number, end: number): AnteroomError {
  return new AnteroomError('not-found', `position ${position} is not in the log, which holds ${start} to ${end}`, {
    context: { position, start, end },
  });
}

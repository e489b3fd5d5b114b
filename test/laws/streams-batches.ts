/** Random logs, random cuts of them into batches, and batches back to rows: what the laws of streams are stated over. */

import fc from 'fast-check';
import { AccessBatch } from '../../streams/access-batch.ts';

/** One access, as the tests write it. */
export interface Row {
  readonly timeMs: number;
  readonly segment: number;
  readonly consumer: number;
  readonly site: number;
  readonly op: number;
  readonly size: number;
  readonly weight: number;
}

/** Rows as one batch; of consumer, site, op, size and weight what is not given is as in `timedRow`. */
export function batchOf(rows: readonly (Pick<Row, 'timeMs' | 'segment'> & Partial<Row>)[], position = 0): AccessBatch {
  return new AccessBatch(position, {
    timeMs: Float64Array.from(rows, (row) => row.timeMs),
    segment: Uint32Array.from(rows, (row) => row.segment),
    consumer: Int32Array.from(rows, ({ consumer = -1 }) => consumer),
    site: Int32Array.from(rows, ({ site = -1 }) => site),
    op: Uint8Array.from(rows, ({ op = 0 }) => op),
    size: Float64Array.from(rows, ({ size = -1 }) => size),
    weight: Float64Array.from(rows, ({ weight = 1 }) => weight),
  });
}

/** Accesses of which only times and segments matter, from log position `position` on. */
export function accesses(position: number, rows: readonly (readonly [timeMs: number, segment: number])[]): AccessBatch {
  return batchOf(
    rows.map(([timeMs, segment]) => ({ timeMs, segment })),
    position,
  );
}

/** Rows of batches, in order. */
export function rowsOf(batches: Iterable<AccessBatch>): Row[] {
  const rows: Row[] = [];
  for (const batch of batches)
    for (let i = 0; i < batch.length; i++)
      rows.push({
        timeMs: batch.timeMs[i]!,
        segment: batch.segment[i]!,
        consumer: batch.consumer[i]!,
        site: batch.site[i]!,
        op: batch.op[i]!,
        size: batch.size[i]!,
        weight: batch.weight[i]!,
      });
  return rows;
}

/** Row `i` with only its time (and itself as segment) set. */
export function timedRow(timeMs: number, segment: number): Row {
  return { timeMs, segment, consumer: -1, site: -1, op: 0, size: -1, weight: 1 };
}

/** A log: times never decrease, some rows have none; gaps from none to many intervals. */
export const arbitraryLog: fc.Arbitrary<Row[]> = fc
  .array(
    fc.record({
      stepMs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 40 }),
        fc.double({ min: 0, max: 9, noNaN: true }),
        fc.integer({ min: 0, max: 5000 }),
      ),
      hasTime: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
      segment: fc.integer({ min: 0, max: 12 }),
      consumer: fc.integer({ min: -1, max: 4 }),
      site: fc.integer({ min: -1, max: 1 }),
      op: fc.integer({ min: 0, max: 3 }),
      size: fc.integer({ min: -1, max: 2 ** 40 }),
      weight: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 60 },
  )
  .chain((steps) =>
    fc.integer({ min: -100, max: 1000 }).map((start) => {
      let at = start;
      return steps.map(({ stepMs, hasTime, ...row }) => {
        at += stepMs;
        return { timeMs: hasTime ? at : Number.NaN, ...row };
      });
    }),
  );

/** Where to cut: lengths of batches, used in turn; 0 gives an empty batch. */
export const arbitraryCuts: fc.Arbitrary<number[]> = fc
  .array(fc.integer({ min: 0, max: 17 }), { minLength: 1, maxLength: 6 })
  .filter((cuts) => cuts.some((cut) => cut > 0));

/** A log cut into batches of the given lengths, in turn. */
export function cut(rows: readonly Row[], cuts: readonly number[], position = 0): AccessBatch[] {
  const whole = batchOf(rows, position);
  const batches: AccessBatch[] = [];
  let at = 0;
  for (let i = 0; at < rows.length; i++) {
    const end = Math.min(rows.length, at + cuts[i % cuts.length]!);
    batches.push(new AccessBatch(position + at, whole.slice(at, end)));
    at = end;
  }
  return batches;
}

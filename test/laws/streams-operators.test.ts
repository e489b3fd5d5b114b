import fc from 'fast-check';
import { firstValueFrom, from, Subject, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { BatchStage } from '../../streams/operators/batch-stage.ts';
import { bounded, type OverflowPolicy } from '../../streams/operators/bounded.ts';
import { Credits } from '../../streams/operators/credits.ts';
import { Deduplicator } from '../../streams/operators/deduplicate.ts';
import { FlowCounts } from '../../streams/operators/flow-counts.ts';
import { TimeOrderer } from '../../streams/operators/order-by-time.ts';
import { Rebatcher, rebatch } from '../../streams/operators/rebatch.ts';
import { Sampler } from '../../streams/operators/sample.ts';
import { BatchSplitter, type SplitEvent } from '../../streams/operators/split-at.ts';
import { type LatePolicy, type WatermarkEvent, Watermarker } from '../../streams/operators/watermark.ts';
import { Windower } from '../../streams/operators/windowed.ts';
import { arbitraryCuts, arbitraryLog, batchOf, cut, type Row, rowsOf, timedRow } from './streams-batches.ts';

function run<In, Out>(stage: BatchStage<In, Out>, inputs: readonly In[]): Out[] {
  return [...inputs.flatMap((input) => stage.push(input)), ...stage.end()];
}

/** A split log as rows and ticks in one list, so that two ways of cutting can be compared. */
function flat(events: readonly SplitEvent[]): unknown[] {
  return events.flatMap((event): unknown[] => (event.kind === 'tick' ? [event] : rowsOf([event.batch])));
}

describe('splitAt', () => {
  test('hands on every row once, and ticks where a row-by-row model does, whatever the batches', () => {
    fc.assert(
      fc.property(
        arbitraryLog,
        arbitraryCuts,
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        (rows, cuts, every, isByTime) => {
          const position = 7;
          const expected: unknown[] = [];
          let period = Number.NaN;
          rows.forEach((row, i) => {
            const now = isByTime ? row.timeMs : position + i;
            const next = Math.floor(now / every);
            if (next > period) expected.push({ kind: 'tick', at: next * every, skippedCount: next - period - 1 });
            if (!Number.isNaN(now) && !(next < period)) period = next;
            expected.push(row);
          });
          const splitter = new BatchSplitter(isByTime ? { everyMs: every } : { everyRows: every });
          expect(flat(run(splitter, cut(rows, cuts, position)))).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('windowed', () => {
  test('gives the windows that a filter over the whole log gives, and conserves rows', () => {
    fc.assert(
      fc.property(
        arbitraryLog,
        arbitraryCuts,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 4 }),
        (rows, cuts, everyMs, panes) => {
          const sizeMs = everyMs * panes;
          // A row without a time takes that of the row before it.
          const timed: { at: number; row: Row }[] = [];
          let at = Number.NaN;
          for (const row of rows) {
            if (!Number.isNaN(row.timeMs)) at = row.timeMs;
            if (!Number.isNaN(at)) timed.push({ at, row });
          }
          const starts = new Set<number>();
          for (const { at } of timed)
            for (let p = 0; p < panes; p++) starts.add((Math.floor(at / everyMs) - p) * everyMs);
          const expected = [...starts]
            .sort((a, b) => a - b)
            .map((startMs) => {
              const inside = timed.filter(({ at }) => at >= startMs && at < startMs + sizeMs).map(({ row }) => row);
              return { startMs, endMs: startMs + sizeMs, rowCount: inside.length, rows: inside };
            });
          const counts = new FlowCounts();
          const windows = run(new Windower({ sizeMs, everyMs, counts }), cut(rows, cuts));
          expect(
            windows.map(({ startMs, endMs, rowCount, batches }) => ({
              startMs,
              endMs,
              rowCount,
              rows: rowsOf(batches),
            })),
          ).toEqual(expected);
          expect([counts.inCount, counts.heldCount]).toEqual([rows.length, 0]);
          expect(counts.droppedCount).toBe(rows.length - timed.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('rebatch', () => {
  test('hands on the same rows at the same positions in full batches', () => {
    fc.assert(
      fc.property(arbitraryLog, arbitraryCuts, fc.integer({ min: 1, max: 30 }), (rows, cuts, rowsMax) => {
        const batches = run(new Rebatcher(rowsMax), cut(rows, cuts, 5));
        expect(rowsOf(batches)).toEqual(rows);
        batches.forEach((batch, i) => {
          expect(batch.position).toBe(5 + i * rowsMax);
          expect(batch.length).toBe(Math.min(rowsMax, rows.length - i * rowsMax));
        });
      }),
    );
  });

  test('as an operator it does what the stage does', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, arbitraryCuts, async (rows, cuts) => {
        const batches = await firstValueFrom(from(cut(rows, cuts)).pipe(rebatch(10), toArray()));
        expect(rowsOf(batches)).toEqual(rows);
      }),
      { numRuns: 30 },
    );
  });
});

describe('sample', () => {
  const keysOf = (batches: readonly AccessBatch[]): number[] => rowsOf(batches).map((row) => row.segment);

  test('keeps all accesses of a key or none, whatever the batches, and counts the others', () => {
    fc.assert(
      fc.property(
        arbitraryLog,
        arbitraryCuts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('segment', 'consumer'),
        fc.integer(),
        (rows, cuts, rate, by, seed) => {
          const counts = new FlowCounts();
          const sampled = rowsOf(run(new Sampler({ rate, by, seed, counts }), cut(rows, cuts)));
          const kept = new Set(sampled.map((row) => row[by]));
          expect(sampled).toEqual(rows.filter((row) => kept.has(row[by])));
          expect(kept.has(by === 'consumer' ? -1 : -2)).toBe(false);
          expect(counts.inCount).toBe(rows.length);
          expect(counts.outCount).toBe(sampled.length);
          expect(counts.heldCount).toBe(0);
          const whole = rowsOf(run(new Sampler({ rate, by, seed }), [batchOf(rows)]));
          expect(sampled).toEqual(whole);
        },
      ),
    );
  });

  test('a smaller rate keeps a subset; a rate of 1 keeps all and one of 0 none', () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => timedRow(i, i));
    const kept = [0, 0.01, 0.1, 0.5, 1].map((rate) => new Set(keysOf(run(new Sampler({ rate }), [batchOf(rows)]))));
    for (let i = 1; i < kept.length; i++) for (const key of kept[i - 1]!) expect(kept[i]!.has(key)).toBe(true);
    expect([kept[0]!.size, kept[4]!.size]).toEqual([0, 20_000]);
    // Binomial: five standard deviations around the mean.
    for (const [i, rate] of [
      [1, 0.01],
      [2, 0.1],
      [3, 0.5],
    ] as const)
      expect(Math.abs(kept[i]!.size - rate * 20_000)).toBeLessThan(5 * Math.sqrt(20_000 * rate * (1 - rate)));
  });

  test('another seed is another sample', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => timedRow(i, i));
    const one = keysOf(run(new Sampler({ rate: 0.5, seed: 1 }), [batchOf(rows)]));
    const two = keysOf(run(new Sampler({ rate: 0.5, seed: 2 }), [batchOf(rows)]));
    expect(one).not.toEqual(two);
  });
});

describe('deduplicate', () => {
  /** Sends of two producers: runs of their numbered rows, some again, some out of order, cut differently each time. */
  const sends = fc.array(
    fc.record({
      producer: fc.constantFrom('a', 'b'),
      sequence: fc.integer({ min: 0, max: 40 }),
      length: fc.integer({ min: 0, max: 12 }),
    }),
    { maxLength: 40 },
  );
  const batchOfSend = (sequence: number, length: number): AccessBatch =>
    batchOf(
      Array.from({ length }, (_, i) => timedRow(Number.NaN, sequence + i)),
      sequence,
    );

  test('hands on each row once, as a set does, and counts the rest', () => {
    fc.assert(
      fc.property(sends, (list) => {
        const counts = new FlowCounts();
        const stage = new Deduplicator({ gapsMax: 50, counts });
        const seen = new Set<string>();
        for (const { producer, sequence, length } of list) {
          const expected: string[] = [];
          for (let s = sequence; s < sequence + length; s++) {
            const key = `${producer}${s}`;
            if (!seen.has(key)) expected.push(key);
            seen.add(key);
          }
          const out = stage.push({ producer, sequence, batch: batchOfSend(sequence, length) });
          expect(out.flatMap((part) => rowsOf([part.batch]).map((row) => `${part.producer}${row.segment}`))).toEqual(
            expected,
          );
          for (const part of out) expect(part.batch.segment[0]).toBe(part.sequence);
        }
        expect(counts.outCount).toBe(seen.size);
        expect(counts.heldCount).toBe(0);
        expect(counts.dropped.get('gap-given-up')).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('at its limit of gaps it loses rows, counted, and never repeats one', () => {
    fc.assert(
      fc.property(sends, fc.integer({ min: 0, max: 2 }), (list, gapsMax) => {
        const counts = new FlowCounts();
        const stage = new Deduplicator({ gapsMax, counts });
        const out = list.flatMap(({ producer, sequence, length }) =>
          stage.push({ producer, sequence, batch: batchOfSend(sequence, length) }),
        );
        const keys = out.flatMap((part) => rowsOf([part.batch]).map((row) => `${part.producer}${row.segment}`));
        expect(new Set(keys).size).toBe(keys.length);
        expect(counts.heldCount).toBe(0);
        expect(counts.inCount).toBe(list.reduce((sum, send) => sum + send.length, 0));
      }),
    );
  });
});

/** A log of several sources with times out of order; the segment says which row it is. */
const arbitrarySourced = fc
  .array(
    fc.record({
      source: fc.integer({ min: 0, max: 2 }),
      timeMs: fc.integer({ min: 0, max: 400 }),
      isTimed: fc.integer({ min: 0, max: 9 }),
    }),
    {
      maxLength: 80,
    },
  )
  .map((rows) =>
    rows.map(({ source, timeMs, isTimed }, i) => ({ source, row: timedRow(isTimed === 0 ? Number.NaN : timeMs, i) })),
  );

describe('watermark', () => {
  test('judges rows as a row-by-row model does, whatever the batches; it never goes back; rows are conserved', () => {
    fc.assert(
      fc.property(
        arbitrarySourced,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 120 }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom<LatePolicy>('drop', 'side-output', 'accept'),
        (log, batchMax, outOfOrderMs, everyMs, late) => {
          const expected: unknown[] = [];
          const newest = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
          let mark = Number.NEGATIVE_INFINITY;
          let lateCount = 0;
          for (const { source, row } of log) {
            const isLate = row.timeMs < mark;
            if (isLate) lateCount++;
            if (!isLate || late === 'accept') expected.push(['batch', source, row.segment]);
            else if (late === 'side-output') expected.push(['late', source, row.segment]);
            if (row.timeMs > newest[source]!) newest[source] = row.timeMs;
            const reached = Math.floor((Math.min(...newest) - outOfOrderMs) / everyMs) * everyMs;
            if (reached > mark) {
              mark = reached;
              expected.push(['watermark', mark]);
            }
          }

          const counts = new FlowCounts();
          const stage = new Watermarker({ sourceCount: 3, outOfOrderMs, everyMs, late, counts }, 0);
          const events: WatermarkEvent[] = [];
          for (let i = 0; i < log.length; ) {
            let end = i + 1;
            while (end < log.length && end - i < batchMax && log[end]!.source === log[i]!.source) end++;
            events.push(
              ...stage.push({ source: log[i]!.source, batch: batchOf(log.slice(i, end).map(({ row }) => row)) }, 0),
            );
            i = end;
          }
          // Within a batch the late rows stand behind the rows in time: compare each kind in order.
          const actual = events.flatMap((event): unknown[] =>
            event.kind === 'watermark'
              ? [['watermark', event.atMs]]
              : rowsOf([event.batch]).map((row) => [event.kind, event.source, row.segment]),
          );
          const ofKind = (list: readonly unknown[], kinds: readonly string[]): unknown[] =>
            list.filter((item) => kinds.includes((item as [string])[0]));
          expect(ofKind(actual, ['batch', 'watermark'])).toEqual(ofKind(expected, ['batch', 'watermark']));
          expect(ofKind(actual, ['late', 'watermark'])).toEqual(ofKind(expected, ['late', 'watermark']));

          const marks = events.flatMap((event) => (event.kind === 'watermark' ? [event.atMs] : []));
          for (let i = 1; i < marks.length; i++) expect(marks[i]!).toBeGreaterThan(marks[i - 1]!);
          expect([counts.inCount, counts.heldCount]).toEqual([log.length, 0]);
          expect(counts.droppedCount).toBe(late === 'drop' ? lateCount : 0);
          expect(stage.acceptedLateCount).toBe(late === 'accept' ? lateCount : 0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('orderByTime', () => {
  test('two interleavings of the same sources give one log, ordered by time, source and place, when no row is late', () => {
    fc.assert(
      fc.property(arbitrarySourced, arbitrarySourced, fc.integer({ min: 1, max: 5 }), (log, shuffle, batchMax) => {
        const bySource = [0, 1, 2].map((source) => log.filter((item) => item.source === source));
        const ordered = (picks: readonly number[]): Row[] => {
          const counts = new FlowCounts();
          const marker = new Watermarker({ sourceCount: 3, outOfOrderMs: 1000, everyMs: 10 }, 0);
          const orderer = new TimeOrderer({ counts });
          const at = [0, 0, 0];
          const out: AccessBatch[] = [];
          const send = (source: number, length: number): void => {
            const rows = bySource[source]!.slice(at[source], at[source]! + length).map(({ row }) => row);
            at[source]! += rows.length;
            if (rows.length === 0) return;
            for (const event of marker.push({ source, batch: batchOf(rows) }, 0)) out.push(...orderer.push(event));
          };
          for (const source of picks) send(source, batchMax);
          for (const source of [0, 1, 2]) send(source, log.length);
          out.push(...orderer.end());
          expect(counts.heldCount).toBe(0);
          out.reduce((position, batch) => {
            expect(batch.position).toBe(position);
            return position + batch.length;
          }, 0);
          return rowsOf(out);
        };
        const one = ordered([]);
        expect(ordered(shuffle.map(({ source }) => source))).toEqual(one);
        expect(one.map((row) => row.segment).sort((a, b) => a - b)).toEqual(log.map((_, i) => i));
        const times = one.map((row) => row.timeMs).filter((time) => !Number.isNaN(time));
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }),
    );
  });
});

describe('bounded', () => {
  test('conserves rows and keeps their order, whatever the consumer acknowledges when', () => {
    fc.assert(
      fc.property(
        arbitraryLog,
        arbitraryCuts,
        fc.constantFrom<OverflowPolicy>('drop-oldest', 'drop-newest'),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.boolean(), { maxLength: 60 }),
        (log, cuts, policy, batchesMax, rowsMax, creditsMax, acks) => {
          const rows = log.map((row, i) => ({ ...row, segment: i }));
          const counts = new FlowCounts();
          const downstream = new Credits(creditsMax);
          const out: AccessBatch[] = [];
          let isComplete = false;
          const batches = cut(rows, cuts);
          let sent = 0;
          const source = new Subject<AccessBatch>();
          source.pipe(bounded({ policy, batchesMax, rowsMax, downstream, counts })).subscribe({
            next: (batch) => out.push(batch),
            complete: () => {
              isComplete = true;
            },
          });
          for (const isAck of acks) {
            if (isAck && downstream.outstandingCount > 0) downstream.ack();
            else if (sent < batches.length) source.next(batches[sent++]!);
            expect(downstream.outstandingCount).toBeLessThanOrEqual(creditsMax);
            expect(counts.heldCount).toBeLessThanOrEqual(rowsMax);
          }
          source.complete();
          while (downstream.outstandingCount > 0) downstream.ack();
          expect(isComplete).toBe(true);
          const handedOn = rowsOf(out).map((row) => row.segment);
          expect(handedOn).toEqual([...handedOn].sort((a, b) => a - b));
          expect(counts.outCount).toBe(handedOn.length);
          expect(counts.heldCount).toBe(0);
          expect(counts.inCount).toBe(batches.slice(0, sent).reduce((sum, batch) => sum + batch.length, 0));
        },
      ),
    );
  });
});

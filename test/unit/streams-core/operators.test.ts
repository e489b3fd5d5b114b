import { firstValueFrom, from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../engine/virtual-clock.ts';
import type { AccessBatch } from '../../../streams/access-batch.ts';
import { bounded } from '../../../streams/operators/bounded.ts';
import { Credits } from '../../../streams/operators/credits.ts';
import { Deduplicator, deduplicate } from '../../../streams/operators/deduplicate.ts';
import { FlowCounts } from '../../../streams/operators/flow-counts.ts';
import { fromSource } from '../../../streams/operators/from-source.ts';
import { orderByTime, TimeOrderer } from '../../../streams/operators/order-by-time.ts';
import { Rebatcher } from '../../../streams/operators/rebatch.ts';
import { sample } from '../../../streams/operators/sample.ts';
import { splitAt } from '../../../streams/operators/split-at.ts';
import { type SourcedBatch, type WatermarkEvent, watermark } from '../../../streams/operators/watermark.ts';
import { windowed } from '../../../streams/operators/windowed.ts';
import { batchOf, rowsOf, timedRow } from '../../laws/streams-batches.ts';

const batchAt = (...times: number[]): AccessBatch => batchOf(times.map((time, i) => timedRow(time, i)));
/** Lets every promise that can settle now settle. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('credits', () => {
  test('as many can be taken as there are, and no more can be given back than were taken', () => {
    const credits = new Credits(2);
    expect([credits.tryTake(), credits.tryTake(), credits.tryTake()]).toEqual([true, true, false]);
    expect(credits.outstandingCount).toBe(2);
    credits.ack(2);
    expect(() => credits.ack()).toThrow('more batches acknowledged than were sent');
  });

  test('a cancelled waiter is not woken', () => {
    const credits = new Credits(1);
    credits.tryTake();
    const woken: string[] = [];
    const cancel = credits.whenAvailable(() => woken.push('first'));
    credits.whenAvailable(() => woken.push('second'));
    cancel();
    credits.ack();
    expect(woken).toEqual(['second']);
  });
});

describe('fromSource', () => {
  function source(count: number): { iterable: AsyncIterable<number>; asked: () => number; isClosed: () => boolean } {
    let asked = 0;
    let isClosed = false;
    const generate = async function* () {
      try {
        for (let i = 0; i < count; i++) {
          asked++;
          yield i;
        }
      } finally {
        isClosed = true;
      }
    };
    return { iterable: generate(), asked: () => asked, isClosed: () => isClosed };
  }

  test('asks for no more than there are credits, and goes on with each acknowledgement', async () => {
    const { iterable, asked } = source(10);
    const credits = new Credits(3);
    const seen: number[] = [];
    let isComplete = false;
    fromSource(iterable, credits).subscribe({
      next: (n) => seen.push(n),
      complete: () => {
        isComplete = true;
      },
    });
    await settled();
    expect([seen, asked()]).toEqual([[0, 1, 2], 3]);
    credits.ack();
    await settled();
    expect([seen.length, asked()]).toEqual([4, 4]);
    while (!isComplete) {
      credits.ack(credits.outstandingCount);
      await settled();
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a consumer that acknowledges inside next gets all', async () => {
    const credits = new Credits(1);
    const seen: number[] = [];
    await new Promise<void>((resolve) => {
      fromSource(source(500).iterable, credits).subscribe({
        next: (n) => {
          seen.push(n);
          credits.ack();
        },
        complete: resolve,
      });
    });
    expect(seen).toHaveLength(500);
    expect(credits.outstandingCount).toBe(0);
  });

  test('unsubscribing closes the source', async () => {
    const { iterable, isClosed, asked } = source(10);
    const subscription = fromSource(iterable, new Credits(1)).subscribe();
    await settled();
    subscription.unsubscribe();
    await settled();
    expect([isClosed(), asked()]).toEqual([true, 1]);
  });

  test('a fault of the source is passed on', async () => {
    const failing = (async function* (): AsyncGenerator<number> {
      yield 1;
      throw new Error('disk on fire');
    })();
    await expect(lastValueFrom(fromSource(failing, new Credits(5)))).rejects.toThrow('disk on fire');
  });
});

describe('bounded', () => {
  test('drop-oldest keeps the newest, drop-newest the oldest, each counted', () => {
    for (const [policy, kept] of [
      ['drop-oldest', [0, 3, 4]],
      ['drop-newest', [0, 1, 2]],
    ] as const) {
      const counts = new FlowCounts();
      const downstream = new Credits(1);
      const input = new Subject<AccessBatch>();
      const seen: number[] = [];
      input
        .pipe(bounded({ policy, batchesMax: 2, downstream, counts }))
        .subscribe((batch) => seen.push(batch.timeMs[0]!));
      for (let i = 0; i < 5; i++) input.next(batchAt(i));
      for (let i = 0; i < 3; i++) downstream.ack();
      expect(seen).toEqual(kept);
      expect([...counts.dropped]).toEqual([[policy === 'drop-oldest' ? 'overflow-oldest' : 'overflow-newest', 2]]);
    }
  });

  test('fail ends the stream with a limit error', () => {
    const input = new Subject<AccessBatch>();
    let failure: unknown;
    const downstream = new Credits(1);
    input.pipe(bounded({ policy: 'fail', batchesMax: 1, downstream })).subscribe({
      error: (error) => {
        failure = error;
      },
    });
    for (let i = 0; i < 3; i++) input.next(batchAt(i));
    expect(failure).toMatchObject({ code: 'limit', context: { batchesMax: 1, heldBatches: 1 } });
  });

  test('rowsMax bounds rows', () => {
    const input = new Subject<AccessBatch>();
    const counts = new FlowCounts();
    const downstream = new Credits(1);
    input.pipe(bounded({ policy: 'drop-newest', rowsMax: 3, downstream, counts })).subscribe();
    for (let i = 0; i < 4; i++) input.next(batchAt(i, i));
    expect([counts.outCount, counts.heldCount, counts.droppedCount]).toEqual([2, 2, 4]);
  });

  test('block acknowledges upstream only what has left the buffer, so the source waits', async () => {
    let asked = 0;
    const batches = (async function* () {
      for (let i = 0; i < 20; i++) {
        asked++;
        yield batchAt(i);
      }
    })();
    const upstream = new Credits(3);
    const downstream = new Credits(2);
    const seen: number[] = [];
    let isComplete = false;
    fromSource(batches, upstream)
      .pipe(bounded({ policy: 'block', upstream, downstream }))
      .subscribe({
        next: (batch) => seen.push(batch.timeMs[0]!),
        complete: () => {
          isComplete = true;
        },
      });
    for (let i = 0; i < 10; i++) await settled();
    expect([seen.length, asked]).toEqual([2, 5]);
    while (!isComplete) {
      if (downstream.outstandingCount > 0) downstream.ack();
      await settled();
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describe('splitAt', () => {
  test('a gap gives one tick that says how many boundaries had no rows', async () => {
    const events = await firstValueFrom(from([batchAt(95, 130, 131, 560)]).pipe(splitAt({ everyMs: 100 }), toArray()));
    expect(events.map((event) => (event.kind === 'tick' ? event : event.batch.length))).toEqual([
      1,
      { kind: 'tick', at: 100, skippedCount: 0 },
      2,
      { kind: 'tick', at: 500, skippedCount: 3 },
      1,
    ]);
  });

  test('an interval that is not whole is refused', async () => {
    const events = from([batchAt(1)]).pipe(splitAt({ everyMs: 0.1 }));
    await expect(firstValueFrom(events)).rejects.toThrow('an interval is a whole number');
  });
});

describe('windowed', () => {
  test('more rows than rowsMax in open windows end the stream with a limit error', async () => {
    const windows = from([batchAt(1, 2, 3)]).pipe(windowed({ sizeMs: 100, rowsMax: 2 }), toArray());
    await expect(firstValueFrom(windows)).rejects.toMatchObject({ code: 'limit' });
    const sparse = from([batchAt(1, 101, 201)]).pipe(windowed({ sizeMs: 100, rowsMax: 2 }), toArray());
    expect(await firstValueFrom(sparse)).toHaveLength(3);
  });

  test('a size that is no multiple of the distance is refused', async () => {
    await expect(firstValueFrom(from([batchAt(1)]).pipe(windowed({ sizeMs: 100, everyMs: 30 })))).rejects.toThrow(
      'not a multiple',
    );
  });
});

describe('rebatch', () => {
  test('a gap in log positions ends a batch', () => {
    const stage = new Rebatcher(10);
    expect(stage.push(batchOf([timedRow(1, 1)], 0))).toEqual([]);
    expect(stage.push(batchOf([timedRow(1, 2)], 5)).map((batch) => [batch.position, batch.length])).toEqual([[0, 1]]);
    expect(stage.end().map((batch) => [batch.position, batch.length])).toEqual([[5, 1]]);
  });
});

describe('sample', () => {
  test('what is kept is numbered as a log of its own', async () => {
    const log = [
      batchAt(...Array.from({ length: 50 }, (_, i) => i)),
      batchAt(...Array.from({ length: 50 }, (_, i) => i)),
    ];
    const batches = await firstValueFrom(from(log).pipe(sample({ rate: 0.5 }), toArray()));
    expect(batches.map((batch) => batch.position)).toEqual([0, batches[0]!.length]);
  });
});

describe('deduplicate', () => {
  test('beyond producersMax the one unheard of for longest is forgotten, and counted', () => {
    const stage = new Deduplicator({ producersMax: 2 });
    const send = (producer: string): number => stage.push({ producer, sequence: 0, batch: batchAt(1) }).length;
    expect([send('a'), send('b'), send('a'), send('c')]).toEqual([1, 1, 0, 1]);
    expect(stage.forgottenProducerCount).toBe(1);
    expect([send('a'), send('b')]).toEqual([0, 1]);
  });

  test('a row whose gap was given up is dropped under its own reason', async () => {
    const counts = new FlowCounts();
    const sends = [1, 3, 5, 0, 2, 4].map((sequence) => ({ producer: 'p', sequence, batch: batchAt(sequence) }));
    const out = await firstValueFrom(from(sends).pipe(deduplicate({ gapsMax: 2, counts }), toArray()));
    expect(out.map((part) => part.sequence)).toEqual([1, 3, 5, 2, 4]);
    expect([...counts.dropped]).toEqual([['gap-given-up', 1]]);
  });
});

describe('watermark', () => {
  const kinds = (events: readonly WatermarkEvent[]): unknown[] =>
    events.map((event) => (event.kind === 'watermark' ? event.atMs : `${event.kind} ${rowsOf([event.batch]).length}`));

  test('a silent source holds it back until it is idle, and its rows are late when it returns', () => {
    const clock = new VirtualClock();
    const input = new Subject<SourcedBatch>();
    const events: WatermarkEvent[] = [];
    input
      .pipe(watermark({ sourceCount: 2, everyMs: 10, idleAfterMs: 500, late: 'side-output' }, clock))
      .subscribe((event) => events.push(event));
    input.next({ source: 0, batch: batchAt(5, 25) });
    expect(kinds(events)).toEqual(['batch 2']);
    clock.advanceTo(400);
    input.next({ source: 0, batch: batchAt(47) });
    clock.advanceTo(499);
    expect(kinds(events)).toEqual(['batch 2', 'batch 1']);
    clock.advanceTo(500);
    expect(kinds(events)).toEqual(['batch 2', 'batch 1', 40]);
    input.next({ source: 1, batch: batchAt(39, 40) });
    expect(kinds(events).slice(3)).toEqual(['batch 1', 'late 1']);
    // It holds the watermark again from now on.
    input.next({ source: 0, batch: batchAt(95) });
    expect(kinds(events).slice(5)).toEqual(['batch 1']);
    input.next({ source: 1, batch: batchAt(72) });
    expect(kinds(events).slice(6)).toEqual(['batch 1', 70]);
  });

  test('when all sources are idle it stands still, and no timer is left', () => {
    const clock = new VirtualClock();
    const input = new Subject<SourcedBatch>();
    const events: WatermarkEvent[] = [];
    const subscription = input
      .pipe(watermark({ sourceCount: 2, everyMs: 10, idleAfterMs: 500 }, clock))
      .subscribe((event) => events.push(event));
    clock.advanceTo(2000);
    expect(events).toEqual([]);
    expect(clock.pendingCount).toBe(0);
    input.next({ source: 0, batch: batchAt(25) });
    expect(kinds(events)).toEqual(['batch 1', 20]);
    expect(clock.pendingCount).toBe(1);
    subscription.unsubscribe();
    expect(clock.pendingCount).toBe(0);
  });

  test('a source out of range is a fault of the caller, told to the subscriber', async () => {
    const stream = from([{ source: 2, batch: batchAt(1) }]).pipe(watermark({ sourceCount: 2 }, new VirtualClock()));
    await expect(firstValueFrom(stream)).rejects.toThrow('source 2 of 2');
  });
});

describe('orderByTime', () => {
  test('rows wait for the watermark; an accepted late row is set to the latest time handed on', () => {
    const stage = new TimeOrderer();
    const times = (batches: readonly AccessBatch[]): number[] => rowsOf(batches).map((row) => row.timeMs);
    expect(stage.push({ kind: 'batch', source: 0, batch: batchAt(3, 1, 12) })).toEqual([]);
    expect(times(stage.push({ kind: 'watermark', atMs: 10 }))).toEqual([1, 3]);
    stage.push({ kind: 'batch', source: 1, batch: batchAt(2) });
    expect(times(stage.push({ kind: 'watermark', atMs: 20 }))).toEqual([3, 12]);
    expect(stage.clampedTimeCount).toBe(1);
    expect(stage.end()).toEqual([]);
  });

  test('more rows than rowsMax waiting end the stream with a limit error', async () => {
    const events: WatermarkEvent[] = [{ kind: 'batch', source: 0, batch: batchAt(1, 2, 3) }];
    await expect(firstValueFrom(from(events).pipe(orderByTime({ rowsMax: 2 })))).rejects.toMatchObject({
      code: 'limit',
    });
  });
});

import {
  asyncScheduler,
  auditTime,
  bufferTime,
  concat,
  debounceTime,
  delay,
  from,
  interval,
  map,
  NEVER,
  type Observable,
  observeOn,
  of,
  Subject,
  sampleTime,
  take,
  throttleTime,
  timeout,
  timer,
  timestamp,
} from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { RxScheduler } from '../../../engine/rx-scheduler.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

function world(): { clock: VirtualClock; scheduler: RxScheduler; at: (ms: number, run: () => void) => void } {
  const clock = new VirtualClock();
  return { clock, scheduler: new RxScheduler(clock), at: (ms, run) => void clock.setTimeout(run, ms) };
}

/** Collects [time, value] pairs. */
function record<T>(clock: VirtualClock, source: Observable<T>): [number, T][] {
  const seen: [number, T][] = [];
  source.subscribe((value) => seen.push([clock.now(), value]));
  return seen;
}

describe('rx scheduler on a virtual clock', () => {
  test('now is the time of the clock', () => {
    const { clock, scheduler } = world();
    clock.advanceTo(42);
    expect(scheduler.now()).toBe(42);
    const seen = record(clock, of('x').pipe(timestamp(scheduler)));
    expect(seen).toEqual([[42, { value: 'x', timestamp: 42 }]]);
  });

  test('interval and timer tick at exact multiples and leave no timer behind', () => {
    const { clock, scheduler } = world();
    const ticks = record(clock, interval(10, scheduler).pipe(take(3)));
    const once = record(clock, timer(25, scheduler));
    const repeated = record(clock, timer(5, 20, scheduler).pipe(take(3)));
    clock.advanceTo(1000);
    expect(ticks).toEqual([
      [10, 0],
      [20, 1],
      [30, 2],
    ]);
    expect(once).toEqual([[25, 0]]);
    expect(repeated.map(([at]) => at)).toEqual([5, 25, 45]);
    expect(clock.pendingCount).toBe(0);
  });

  test('an interval does not drift over a simulated day', () => {
    const { clock, scheduler } = world();
    let last = 0;
    let count = 0;
    interval(1000, scheduler).subscribe(() => {
      last = clock.now();
      count++;
    });
    clock.advanceTo(86_400_000);
    expect([count, last]).toEqual([86_400, 86_400_000]);
  });

  test('delay, debounceTime, auditTime, throttleTime and sampleTime keep virtual time', () => {
    const { clock, scheduler, at } = world();
    const source = new Subject<string>();
    const delayed = record(clock, source.pipe(delay(100, scheduler)));
    const debounced = record(clock, source.pipe(debounceTime(10, scheduler)));
    const audited = record(clock, source.pipe(auditTime(10, scheduler)));
    const throttled = record(clock, source.pipe(throttleTime(10, scheduler)));
    const sampled = record(clock, source.pipe(sampleTime(50, scheduler)));
    at(1, () => source.next('a'));
    at(5, () => source.next('b'));
    at(40, () => source.next('c'));
    clock.advanceTo(500);
    expect(delayed).toEqual([
      [101, 'a'],
      [105, 'b'],
      [140, 'c'],
    ]);
    expect(debounced).toEqual([
      [15, 'b'],
      [50, 'c'],
    ]);
    expect(audited).toEqual([
      [11, 'b'],
      [50, 'c'],
    ]);
    expect(throttled).toEqual([
      [1, 'a'],
      [40, 'c'],
    ]);
    expect(sampled).toEqual([[50, 'c']]);
  });

  test('timeout reports silence at its instant', () => {
    const { clock, scheduler } = world();
    let failedAt = -1;
    NEVER.pipe(timeout({ each: 30, scheduler })).subscribe({
      error: () => {
        failedAt = clock.now();
      },
    });
    clock.advanceTo(100);
    expect(failedAt).toBe(30);
  });

  test('observeOn hands over later at the same instant, in order', () => {
    const { clock, scheduler } = world();
    const seen = record(clock, from([1, 2, 3]).pipe(observeOn(scheduler)));
    expect(seen).toEqual([]);
    clock.advanceTo(0);
    expect(seen).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
    ]);
  });

  test('unsubscribing clears the timer', () => {
    const { clock, scheduler } = world();
    const subscription = interval(10, scheduler).subscribe();
    clock.advanceTo(15);
    subscription.unsubscribe();
    expect(clock.pendingCount).toBe(0);
  });

  test('an error thrown by scheduled work reaches whoever runs the clock, and the work is not repeated', () => {
    const { clock, scheduler } = world();
    scheduler.schedule(function () {
      this.schedule(undefined, 1);
      throw new Error('boom');
    }, 1);
    expect(() => clock.advanceTo(5)).toThrow('boom');
    expect(clock.pendingCount).toBe(0);
  });
});

describe('bufferTime in discrete-event time', () => {
  test('by default it reads the host timers, so virtual time never closes a buffer', () => {
    const { clock, at } = world();
    const spy = vi.spyOn(asyncScheduler, 'schedule');
    const source = new Subject<number>();
    const subscriptionSeen: number[][] = [];
    const subscription = source.pipe(bufferTime(100)).subscribe((values) => subscriptionSeen.push(values));
    at(1, () => source.next(1));
    clock.advanceTo(10_000);
    subscription.unsubscribe();
    expect(subscriptionSeen).toEqual([]);
    expect(spy).toHaveBeenCalled();
    spy.mockRestore();
  });

  test('given the scheduler it closes buffers at multiples of the span from the subscription', () => {
    const { clock, scheduler, at } = world();
    const source = new Subject<number>();
    const seen = record(clock, source.pipe(bufferTime(100, scheduler)));
    at(10, () => source.next(1));
    at(100, () => source.next(2)); // the buffer's timer was set first, so this is in the next one
    at(150, () => source.next(3));
    clock.advanceTo(300);
    expect(seen).toEqual([
      [100, [1]],
      [200, [2, 3]],
      [300, []],
    ]);
  });

  test('it emits empty buffers and keeps a timer for ever, so a simulation never runs out of events', () => {
    const { clock, scheduler } = world();
    const subscription = NEVER.pipe(bufferTime(100, scheduler)).subscribe();
    clock.advanceTo(1_000_000);
    expect(clock.pendingCount).toBe(1);
    subscription.unsubscribe();
    expect(clock.pendingCount).toBe(0);
  });

  test('a size limit moves the boundaries off the multiples: what a buffer holds depends on rate, not on event time', () => {
    const { clock, scheduler, at } = world();
    const source = new Subject<number>();
    const seen = record(clock, source.pipe(bufferTime(100, null, 2, scheduler)));
    at(30, () => source.next(1));
    at(40, () => source.next(2));
    clock.advanceTo(150);
    expect(seen).toEqual([
      [40, [1, 2]],
      [140, []],
    ]);
  });

  test('a source that completes gives out the open buffer and ends the timer', () => {
    const { clock, scheduler } = world();
    const source = concat(interval(30, scheduler).pipe(take(5)));
    const seen = record(
      clock,
      source.pipe(
        bufferTime(100, scheduler),
        map((values) => values.length),
      ),
    );
    clock.advanceTo(1000);
    expect(seen).toEqual([
      [100, 3],
      [150, 2],
    ]);
    expect(clock.pendingCount).toBe(0);
  });
});

/** An engine goes on from a snapshot as if it had never stopped, as far as its journal reaches. */

import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import type { Engine } from '../../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../../actors/engine/engine-config.ts';

const farLoop = { intervalMs: 20_000, accessesPerTickMin: 10 };

/** Accesses [from, to) of an endless mix of a loop and chance, the same for everyone. */
function read(engine: Engine, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const page = i % 3 === 0 ? (Math.imul(i, 2654435761) >>> 7) % 300 : i % 70;
    engine.observe({ segment: `/page/${page}`, consumer: `c${i % 4}`, timeMs: 1000 * (i + 1), size: 100 + page });
    if (i % 97 === 0) engine.invalidate(`/page/${i % 70}`);
  }
}

/** Answers every third request with a failure, the others 400 ms later. */
function answer(engine: Engine): void {
  engine.prefetches$.subscribe(({ id, timeMs, segment }) => {
    if (segment % 3 === 0) engine.failed(id, { timeMs: timeMs + 100 });
    else engine.landed(id, { timeMs: timeMs + 400 });
  });
}

describe.each(['live', 'modelled'] as const)('%s', (mode) => {
  const config: EngineConfigInput = { mode, capacity: 30, trafficMax: 2, farLoop, latency: '400ms@20MB/sx4' };

  test('within the journal, restored and uninterrupted runs have one digest, whatever was learned', async () => {
    const whole = createEngine({ config });
    answer(whole);
    read(whole, 0, 3000);
    const first = createEngine({ config });
    answer(first);
    read(first, 0, 1700);
    const second = createEngine({ config, snapshot: first.snapshot() });
    expect(second.restored).toBe('exact');
    expect(second.stats().digest).toBe(first.stats().digest);
    answer(second);
    read(second, 1700, 3000);
    const [expected, found] = [await whole.stop(), await second.stop()];
    expect(found.digest).toBe(expected.digest);
    expect(found.prefetches).toEqual(expected.prefetches);
    expect(found.prefetches.issued).toBeGreaterThan(100);
  });

  test('beyond the journal restored and uninterrupted runs have one digest too, and so do a few restarts in a row', async () => {
    const short = { ...config, journalAccessesMax: 100 };
    const whole = createEngine({ config: short });
    answer(whole);
    read(whole, 0, 9000);
    let restarted = createEngine({ config: short });
    answer(restarted);
    for (const [from, to] of [
      [0, 5000],
      [5000, 5001],
      [5001, 7777],
      [7777, 9000],
    ] as const) {
      read(restarted, from, to);
      const before = restarted.stats();
      restarted = createEngine({ config: short, snapshot: restarted.snapshot() });
      expect(restarted.restored).toBe('exact');
      expect(restarted.stats()).toEqual(before);
      answer(restarted);
    }
    expect(restarted.hotSegments(50)).toEqual(whole.hotSegments(50));
    expect(restarted.successors('/page/7')).toEqual(whole.successors('/page/7'));
    expect(restarted.forecast({ consumer: 'c1', count: 20 })).toEqual(whole.forecast({ consumer: 'c1', count: 20 }));
    const [expected, found] = [await whole.stop(), await restarted.stop()];
    expect(found).toEqual(expected);
  });

  test('under other settings and beyond the journal it keeps its place, its names and what the journal has', () => {
    const first = createEngine({ config: { ...config, journalAccessesMax: 100 } });
    answer(first);
    read(first, 0, 12_000);
    const second = createEngine({
      config: { ...config, journalAccessesMax: 100, capacity: 31 },
      snapshot: first.snapshot(),
    });
    expect(second.restored).toBe('relearned');
    expect(second.position).toBe(first.position);
    expect(second.segments.count).toBe(first.segments.count);
    expect(second.hotSegments(1)).toHaveLength(1);
  });

  test('caps are nothing learned: a restart with other caps is the change of caps while it runs, whatever caps there were and are', async () => {
    const many = { requestsPerSecondMax: 3, burstSeconds: 5, requestsMax: 100_000 };
    const cases = [
      [{ requestsMax: 400 }, { requestsMax: 350 }],
      [many, { ...many, requestsPerSecondMax: 1, concurrencyMax: 2 }],
      [{ requestsMax: 400 }, {}],
    ] as const;
    for (const [caps, other] of cases) {
      const changed = createEngine({ config: { ...config, caps } });
      answer(changed);
      read(changed, 0, 1700);
      const state = changed.snapshot();
      const set = createEngine({ config: { ...config, caps: other } }).config.caps;
      changed.setCaps(set);
      const restarted = createEngine({ config: { ...config, caps: other }, snapshot: state });
      expect(restarted.restored).toBe('exact');
      answer(restarted);
      read(changed, 1700, 3000);
      read(restarted, 1700, 3000);
      // What is saved after a change has the caps in force: another restart changes nothing.
      const again = createEngine({ config: { ...config, caps: other }, snapshot: changed.snapshot() });
      expect(again.restored).toBe('exact');
      answer(again);
      read(changed, 3000, 4000);
      read(restarted, 3000, 4000);
      read(again, 3000, 4000);
      const [expected, ...found] = [await changed.stop(), await restarted.stop(), await again.stop()];
      for (const one of found) {
        expect(one.digest).toBe(expected.digest);
        expect(one.prefetches).toEqual(expected.prefetches);
        expect(one.refusals).toEqual(expected.refusals);
      }
    }
  });

  test('a restart with the first caps is exact', () => {
    const first = createEngine({ config });
    answer(first);
    read(first, 0, 1700);
    const second = createEngine({ config: { ...config, caps: { requestsMax: 0 } }, snapshot: first.snapshot() });
    expect(second.restored).toBe('exact');
    answer(second);
    const { issued } = second.stats().prefetches;
    read(second, 1700, 3000);
    expect(second.stats().prefetches.issued).toBe(issued);
    expect(issued).toBeGreaterThan(0);
  });

  test('a setting that decides nothing leaves an engine that was told all again as it was', async () => {
    const first = createEngine({ config });
    answer(first);
    read(first, 0, 1500);
    const second = createEngine({ config: { ...config, decisionsKeptMax: 7 }, snapshot: first.snapshot() });
    expect(second.restored).toBe('relearned');
    // Answers and invalidations were told in their places, or these could not be equal.
    expect(second.stats().prefetches).toEqual(first.stats().prefetches);
    answer(second);
    for (const engine of [first, second]) read(engine, 1500, 2500);
    expect((await second.stop()).digest).toBe((await first.stop()).digest);
  });

  test('a time that goes back after a restart is clamped as one before it, whatever the settings', () => {
    const first = createEngine({ config });
    read(first, 0, 50);
    for (const changed of [{}, { decisionsKeptMax: 7 }]) {
      const second = createEngine({ config: { ...config, ...changed }, snapshot: first.snapshot() });
      const before = second.stats().intake.clampedTimes;
      second.observe({ segment: '/page/1', timeMs: 10 });
      expect(second.stats().intake.clampedTimes - before).toBe(1);
    }
  });

  test('under other settings the journal is told again', () => {
    const first = createEngine({ config });
    read(first, 0, 500);
    const second = createEngine({ config: { ...config, capacity: 50 }, snapshot: first.snapshot() });
    expect(second.restored).toBe('relearned');
    expect(second.site.capacity).toBe(50);
    expect(second.position).toBe(500);
  });
});

test('requests whose answer is waited for are handed out again', () => {
  const config = { capacity: 30, trafficMax: null };
  const first = createEngine({ config });
  const open = new Map<number, string>();
  first.prefetches$.subscribe(({ id, name }) => open.set(id, name));
  read(first, 0, 1500);
  const second = createEngine({ config, snapshot: first.snapshot() });
  const again = new Map<number, string>();
  second.prefetches$
    .subscribe(({ id, name }) => {
      expect(open.get(id)).toBe(name);
      again.set(id, name);
    })
    .unsubscribe();
  // Those that a demand joined are among them, once a segment: they land nowhere, but say how long fetches take.
  const wanted = [...again.keys()].filter((id) => second.isWanted(id));
  expect(wanted.length).toBeGreaterThan(0);
  expect(wanted.length).toBe(second.stats().cache.inFlight);
  expect(new Set(again.values()).size).toBe(again.size);
  const before = second.stats().live!;
  for (const id of again.keys()) second.failed(id);
  expect(second.stats().live!.failed - before.failed).toBe(again.size);
});

describe('bytes that are no snapshot are refused', () => {
  const whole = (() => {
    const engine = createEngine();
    read(engine, 0, 50);
    return engine.snapshot();
  })();
  const damaged = (change: (bytes: Uint8Array) => Uint8Array) => () =>
    createEngine({ snapshot: change(whole.slice()) });

  test.each([
    ['empty', () => new Uint8Array(0)],
    ['of something else', () => new TextEncoder().encode('<!doctype html><title>a page</title>')],
    ['cut', (bytes: Uint8Array) => bytes.slice(0, bytes.length - 8)],
  ] as const)('%s', (_, change) => {
    expect(damaged(change)).toThrow(expect.objectContaining({ code: 'bad-record' }));
  });

  test('with any one byte changed', () => {
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 50)) {
      const change = (bytes: Uint8Array): Uint8Array => {
        bytes[at]! ^= 0x40;
        return bytes;
      };
      expect(damaged(change)).toThrow(/state/);
    }
  });

  test('a snapshot does not go into tables that know other names', () => {
    const other = createEngine();
    other.observe({ segment: 'another' });
    expect(() => createEngine({ snapshot: whole, names: { segments: other.segments } })).toThrow(/names/);
  });
});

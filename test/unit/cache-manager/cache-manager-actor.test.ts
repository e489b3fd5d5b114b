import { describe, expect, test } from 'vitest';
import { CacheManagerActor } from '../../../actors/cache-manager/cache-manager-actor.ts';
import { createSite } from '../../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import type { Site } from '../../../actors/cache-manager/site.ts';
import { LiveOrigin } from '../../../actors/engine/live-origin.ts';
import { farLoopConfigSchema } from '../../../actors/far-loop-config.ts';
import { type OutcomesMessage, type PrefetchPlan, withdrawnOutcome } from '../../../actors/messages.ts';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../../actors/origin/simulated-origin.ts';
import { farExperts, Pipeline } from '../../../actors/pipeline.ts';
import { Outcome } from '../../../actors/prefetcher.ts';
import { defaultPrices } from '../../../actors/prices.ts';
import type { ActorContext } from '../../../engine/actor.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { ActorSystem } from '../../../engine/system.ts';
import { manualTurns } from '../../../engine/turns.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';
import { batchOf, outcomesOf, ScriptedPrefetcher } from './scripted-site.ts';

const nobody = {} as ActorContext<never>;

function makeSite(onSettled: (segment: number, expert: number, outcome: number) => void, latency = '0'): Site {
  const spec = parseLatencySpec(latency);
  return createSite({
    capacity: 10,
    unit: 'segments',
    makeEviction: (capacity, onEvict) =>
      createEviction('lru', onEvict === undefined ? { capacity } : { capacity, onEvict }),
    makePrefetcher: () => new ScriptedPrefetcher({}),
    origin: createOrigin(spec, 1),
    modelTime: spec.kind === 'time' ? 'ms' : 'requests',
    onSettled,
  });
}

function makeActor(latency = '0') {
  const told: unknown[] = [];
  const ref = (name: string) => ({
    address: name,
    tell: (message: { kind: string }) => {
      told.push({ to: name, ...message });
      return 'accepted' as const;
    },
    ready: () => Promise.resolve(),
  });
  const actor = new CacheManagerActor({
    makeSite: (onSettled) => makeSite(onSettled, latency),
    farLoop: { scheduler: ref('scheduler'), forecaster: ref('forecaster') },
    admission: { probabilityMin: 0, trialEvery: 1 },
    heldAccessesMax: 1000,
    bytesPerUnit: () => 100,
    prices: defaultPrices,
    missPenaltyMs: 50,
  });
  const outcomes = (to: string) =>
    (told as (OutcomesMessage & { to: string })[])
      .filter((message) => message.to === to && message.kind === 'outcomes')
      .flatMap((message) =>
        Array.from(message.id, (id, i) => ({
          id,
          expert: message.expert[i]!,
          outcome: message.outcome[i]!,
          position: message.position,
        })),
      );
  return { actor, told, outcomes };
}

function planOf(
  position: number,
  entries: readonly { id: number; segment: number; expert?: number }[],
  cancelled: readonly number[] = [],
): { kind: 'plan'; plan: PrefetchPlan } {
  const column = (value: number): Float64Array => new Float64Array(entries.length).fill(value);
  return {
    kind: 'plan',
    plan: {
      position,
      timeMs: Number.NaN,
      entries: {
        id: Float64Array.from(entries, (entry) => entry.id),
        segment: Uint32Array.from(entries, (entry) => entry.segment),
        sizeBytes: column(-1),
        probability: column(0.9),
        expert: Uint8Array.from(entries, (entry) => entry.expert ?? 0),
        startBy: column(Infinity),
        expiresAt: column(Infinity),
        netBenefit: column(1),
      },
      cancelled: Float64Array.from(cancelled),
    },
  };
}

const accesses = (segments: readonly number[], position: number) =>
  ({ kind: 'accesses', batch: batchOf(segments, position) }) as const;
const tick = (position: number) => ({ kind: 'tick', position, timeMs: Number.NaN }) as const;

describe('cache manager', () => {
  test('adopts a plan at its log position, whether it comes before the tick or after the accesses that follow', () => {
    const orders = [
      (a: CacheManagerActor) => {
        a.receive(planOf(2, [{ id: 7, segment: 9 }]), nobody);
        a.receive(accesses([1, 2], 0), nobody);
        a.receive(tick(2), nobody);
        a.receive(accesses([3, 9], 2), nobody);
      },
      (a: CacheManagerActor) => {
        a.receive(accesses([1, 2], 0), nobody);
        a.receive(tick(2), nobody);
        a.receive(accesses([3, 9], 2), nobody);
        expect(a.site.ledger.accesses).toBe(2); // It waits for the plan.
        a.receive(planOf(2, [{ id: 7, segment: 9 }]), nobody);
      },
    ];
    const digests = orders.map((send) => {
      const { actor } = makeActor();
      send(actor);
      // Expert 0 of the far loop comes after the one of the site's own prefetcher.
      expect([...actor.site.ledger.issuedByExpert.slice(0, 3)]).toEqual([0, 1, 0]);
      expect(outcomesOf(actor.site)).toEqual({ useful: 1 });
      return actor.site.ledger.digest.hex();
    });
    expect(digests[0]).toBe(digests[1]);
  });

  test('a fetch of a segment without a size took longer once a plan had guessed one', () => {
    const { actor } = makeActor('8req');
    const { plan } = planOf(2, [{ id: 7, segment: 9 }]);
    actor.receive(accesses([1, 2], 0), nobody);
    actor.receive(
      { kind: 'plan', plan: { ...plan, entries: { ...plan.entries, sizeBytes: Float64Array.of(65_536) } } },
      nobody,
    );
    actor.receive(tick(2), nobody);
    expect(actor.site.prospects(8)).toMatchObject([{ segment: 9, stage: 'inFlight', sizeBytes: 0 }]);
  });

  test('reports each outcome once, at the next tick, to the scheduler and to the forecaster', () => {
    const { actor, outcomes } = makeActor();
    actor.receive(accesses([1, 2], 0), nobody);
    actor.receive(tick(2), nobody);
    actor.receive(planOf(2, [{ id: 7, segment: 9, expert: 2 }]), nobody);
    actor.receive(accesses([9], 2), nobody);
    actor.receive(tick(3), nobody);
    actor.receive(planOf(3, []), nobody);
    actor.receive(accesses([9], 3), nobody);
    actor.receive(tick(4), nobody);
    actor.receive(planOf(4, []), nobody);
    const expected = [{ id: 7, expert: 2, outcome: Outcome.useful, position: 3 }];
    expect(outcomes('scheduler')).toEqual(expected);
    expect(outcomes('forecaster')).toEqual(expected);
  });

  test('an entry whose segment is resident is withdrawn, and reported so', () => {
    const { actor, outcomes } = makeActor();
    actor.receive(accesses([1], 0), nobody);
    actor.receive(tick(1), nobody);
    actor.receive(planOf(1, [{ id: 4, segment: 1 }]), nobody);
    actor.receive(tick(2), nobody);
    expect(actor.site.ledger.issued).toBe(0);
    expect(outcomes('scheduler')).toEqual([{ id: 4, expert: 0, outcome: withdrawnOutcome, position: 2 }]);
  });

  test('a cancelled entry that is in flight is called back; an unknown one is ignored', () => {
    const { actor, outcomes } = makeActor('50ms');
    actor.receive(accesses([1], 0), nobody);
    actor.receive(tick(1), nobody);
    actor.receive(planOf(1, [{ id: 4, segment: 9 }]), nobody);
    actor.receive(tick(1.5), nobody);
    actor.receive(planOf(1.5, [], [4, 99]), nobody);
    expect(outcomesOf(actor.site)).toEqual({ cancelled: 1 });
    actor.receive(tick(2), nobody);
    expect(outcomes('scheduler')).toEqual([{ id: 4, expert: 0, outcome: Outcome.cancelled, position: 2 }]);
  });

  test('the status tells what is free and what a miss is taken to cost', () => {
    const { actor, told } = makeActor();
    actor.receive(accesses([1], 0), nobody);
    actor.receive(tick(1), nobody);
    const status = (told as { kind: string }[]).find((message) => message.kind === 'site-status');
    expect(status).toMatchObject({
      position: 1,
      capacityBytes: 500,
      freeBytes: 500,
      inFlightCount: 0,
      displacedValuePerByte: 0,
      fetchMs: Float64Array.of(50),
      fetchBytes: Float64Array.of(100),
    });
  });

  test('without a far loop a tick is passed over', () => {
    const actor = new CacheManagerActor({
      makeSite: (onSettled) => makeSite(onSettled),
      admission: { probabilityMin: 0, trialEvery: 1 },
      heldAccessesMax: 1,
      bytesPerUnit: () => 1,
      prices: defaultPrices,
      missPenaltyMs: null,
    });
    actor.receive(accesses([1], 0), nobody);
    actor.receive(tick(1), nobody);
    actor.receive(accesses([1], 1), nobody);
    expect(actor.site.ledger).toMatchObject({ accesses: 2, misses: 1 });
  });
});

describe('pipeline', () => {
  function run(cuts: readonly number[]): { digest: string; ledger: Site['ledger'] } {
    const system = new ActorSystem({ clock: new VirtualClock(), random: new Xoshiro128(1), turns: manualTurns });
    const pipeline = new Pipeline({
      system,
      name: 'site',
      makeSite: (onSettled) => makeSite(onSettled),
      farLoop: farLoopConfigSchema.parse({
        probabilityMin: 0,
        trialEvery: 1,
        forecaster: { outcomesMin: 0, calibrationErrorMax: 1 },
      }),
      prices: defaultPrices,
      bytesPerUnit: null,
      missPenaltyMs: 50,
    });
    // Thirty segments in a fixed round, too many for the cache: the far loop can learn what follows.
    const whole = batchOf(
      Array.from({ length: 4000 }, (_, i) => ({ segment: i % 30, timeMs: Number.NaN })),
      0,
    );
    const points = [...new Set([...cuts, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000])].sort((a, b) => a - b);
    let from = 0;
    for (const to of points) {
      pipeline.observe(whole.slice(from, to));
      from = to;
      if (to % 500 === 0) pipeline.tick(to, Number.NaN);
    }
    pipeline.site.finish();
    return { digest: pipeline.site.ledger.digest.hex(), ledger: pipeline.site.ledger };
  }

  test('plans, stages and settles, and every prefetch ends once', () => {
    const { ledger } = run([]);
    expect(ledger.accesses).toBe(4000);
    expect(ledger.issued).toBeGreaterThan(0);
    expect(ledger.outcomes.reduce((sum, count) => sum + count, 0)).toBe(ledger.issued);
    // The scripted prefetcher has one expert and never asks: all was planned by the far loop's.
    expect(ledger.issuedByExpert[0]).toBe(0);
    const planned = farExperts.map((_, i) => ledger.issuedByExpert[1 + i]!);
    expect(planned.reduce((sum, count) => sum + count, 0)).toBe(ledger.issued);
  });

  test('decides the same however the log is cut between ticks', () => {
    expect(run([3, 499, 777, 1203, 3999]).digest).toBe(run([]).digest);
  });
});

describe('a planned prefetch that a demand joined, where others fetch', () => {
  /** Stages 9, which a demand then joins; returns what the next planned segment is expected to be used with before and after `end`. */
  function expectedAfter(end: (site: Site, expert: number) => void): readonly [before: number, after: number] {
    const actor = new CacheManagerActor({
      makeSite: (onSettled) =>
        createSite({
          capacity: 10,
          unit: 'segments',
          makeEviction: (capacity, onEvict) =>
            createEviction('lru', onEvict === undefined ? { capacity } : { capacity, onEvict }),
          makePrefetcher: () => new ScriptedPrefetcher({}),
          origin: new LiveOrigin({
            concurrencyMax: 8,
            answerWithinMs: 100_000,
            firstByteMs: 50,
            bytesPerSecond: 1e6,
            measuredFetches: 8,
          }),
          modelTime: 'ms',
          onSettled,
        }),
      farLoop: {
        scheduler: { address: 's', tell: () => 'accepted', ready: () => Promise.resolve() },
        forecaster: { address: 'f', tell: () => 'accepted', ready: () => Promise.resolve() },
      },
      admission: { probabilityMin: 0, trialEvery: 1 },
      heldAccessesMax: 1000,
      bytesPerUnit: () => 100,
      prices: defaultPrices,
      missPenaltyMs: 50,
    });
    const { site } = actor;
    const timed = (segments: readonly number[], position: number): void =>
      actor.receive(accesses(segments, position), nobody);
    const plan = (position: number, segment: number): number => {
      actor.receive({ kind: 'tick', position, timeMs: 1000 * position }, nobody);
      actor.receive(planOf(position, [{ id: position, segment }]), nobody);
      return site.prospects(8).find((prospect) => prospect.segment === segment)!.probability;
    };
    timed([1, 2], 0);
    plan(2, 9);
    const { expert } = site.prospects(8)[0]!;
    timed([9], 2);
    expect(site.ledger.outcomes[Outcome.late]).toBe(1);
    const before = plan(3, 10);
    timed([3], 3);
    end(site, expert);
    return [before, plan(4, 11)];
  }

  test('taught its expert at once that it was of use, delivered or not: only what was delivered does', () => {
    const [early, failed] = expectedAfter(() => {});
    expect(failed).toBe(early);
    const [, delivered] = expectedAfter((site, expert) => site.confirm(9, expert, 0.5));
    expect(delivered).toBeGreaterThan(early);
    // Of someone else's prefetch it says nothing.
    expect(expectedAfter((site, expert) => site.confirm(9, expert + 1, 0.5))[1]).toBe(early);
    // And it counts once.
    const twice = expectedAfter((site, expert) => {
      site.confirm(9, expert, 0.5);
      site.confirm(9, expert, 0.5);
    });
    expect(twice[1]).toBe(delivered);
  });
});

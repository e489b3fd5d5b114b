/** The kernel of the mixture against its own code: the same proposals, forecasts and state on every log. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import type { NearLoopConfigInput } from '../../actors/near-loop/near-loop-config.ts';
import { opinionNames } from '../../actors/near-loop/opinion-bins.ts';
import { type FetchWorth, Outcome, ProposalBuffer, Served, type SiteView } from '../../actors/prefetcher.ts';

/** A site that holds what it is told to, with a headroom that comes and goes. */
class ScriptedSite implements SiteView {
  readonly resident = new Set<number>();
  readonly held = new Set<number>();
  leadAccesses = 0;
  trafficHeadroom = Infinity;
  readonly fetchWorth?: FetchWorth;

  constructor(isWorthTold: boolean) {
    if (isWorthTold)
      this.fetchWorth = { costOf: (segment) => 1 + (segment % 3), gainOf: (segment) => 1 / (1 + (segment % 5)) };
  }

  takeOver(other: ScriptedSite): void {
    for (const [mine, its] of [[this.resident, other.resident] as const, [this.held, other.held] as const]) {
      mine.clear();
      for (const segment of its) mine.add(segment);
    }
  }

  isResident(segment: number): boolean {
    return this.resident.has(segment) || this.held.has(segment);
  }
}

interface Asked {
  readonly site: ScriptedSite;
  readonly prefetcher: AnteroomPrefetcher;
  readonly proposals: ProposalBuffer;
}

function ask(config: NearLoopConfigInput, kernelAfter: number, isWorthTold = false): Asked {
  const site = new ScriptedSite(isWorthTold);
  const prefetcher = new AnteroomPrefetcher(site, config, null, kernelAfter);
  return { site, prefetcher, proposals: new ProposalBuffer() };
}

interface Access {
  readonly consumer: number;
  readonly segment: number;
  readonly served: number;
  readonly gone: number;
  /** A prefetch of it begins, or ends. */
  readonly held: number;
  /** Who is said to come next, which decides nothing. */
  readonly next: number;
  readonly ended: number;
  readonly expert: number;
  readonly skipped: number;
}

/** What is proposed after an access, and what is thought of it. */
function access({ site, prefetcher, proposals }: Asked, entry: Access, position: number): readonly unknown[] {
  const { segment: demanded, consumer, next: nextSegment } = entry;
  const nothing = { timeMs: Number.NaN, site: -1, op: 0, sizeBytes: -1 };
  const cursor = { position, segment: demanded, consumer, nextSegment, ...nothing };
  for (const released of [entry.gone, demanded]) {
    if (site.held.delete(released)) prefetcher.onHeld(released, false);
  }
  site.resident.delete(entry.gone);
  prefetcher.onEvict(entry.gone, false);
  if (entry.held !== demanded && !site.resident.has(entry.held)) {
    const isHeld = !site.held.delete(entry.held);
    if (isHeld) site.held.add(entry.held);
    prefetcher.onHeld(entry.held, isHeld);
  }
  site.resident.add(demanded);
  // What was proposed after the access before, and something else.
  const { count: endedCount } = proposals;
  for (let i = 0; i < endedCount; i++)
    prefetcher.onOutcome(proposals.segment[i]!, proposals.expert[i]!, entry.ended, 0.5);
  prefetcher.onOutcome(entry.gone, entry.expert, entry.ended, 0.5);
  proposals.count = 0;
  prefetcher.onAccess(cursor, entry.served, proposals);
  const { count, segment, probability, expert } = proposals;
  const named = segment.subarray(0, count);
  return [
    ...named,
    ...probability.subarray(0, count),
    ...expert.subarray(0, count),
    ...Array.from(named, (one) => prefetcher.forecastOf(one, position)),
    prefetcher.evidenceOf(named[0] ?? 0),
    prefetcher.threshold,
    prefetcher.horizonAccesses,
    prefetcher.consumerCounts(),
  ];
}

/** Everything learned; tables by segment without what they have room for beyond the last trial. */
function stateOf({ prefetcher }: Asked): readonly (readonly number[])[] {
  return prefetcher.snapshot().map((column) => {
    const values = Array.from(column);
    while (values.at(-1) === -1) values.pop();
    return values;
  });
}

const entry = fc.record({
  /** Mostly few, and now and then one more than there are accounts for. */
  consumer: fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: -1, max: 3 }) },
    { weight: 1, arbitrary: fc.nat({ max: 300 }) },
  ),
  segment: fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.nat({ max: 4000 })),
  served: fc.constantFrom(Served.miss, Served.hit, Served.stagedHit, Served.late),
  gone: fc.nat({ max: 9 }),
  held: fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 4000 })),
  next: fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 5000 }), fc.constantFrom(-1, 2 ** 31 - 1)),
  ended: fc.oneof(fc.constantFrom(Outcome.useful, Outcome.wasted), fc.nat({ max: 5 })),
  /** Naming experts, one that only comments, and somebody else. */
  expert: fc.constantFrom(0, 1, 4, 5, 7),
  /** Log positions passed over. */
  skipped: fc.oneof(
    { weight: 180, arbitrary: fc.constant(1) },
    { weight: 20, arbitrary: fc.nat({ max: 90 }) },
    { weight: 1, arbitrary: fc.constant(1_000_000) },
  ),
});

const config = fc.record({
  trialCountMax: fc.constantFrom(16, 64, 1024),
  trialsBeforeSampling: fc.constantFrom(0, 30, 400_000),
  trialSpacing: fc.integer({ min: 1, max: 5 }),
  calibrationMemory: fc.constantFrom(2, 20, 255),
  mixRateLast: fc.constantFrom(0, 0.0015, 0.1),
  horizonMin: fc.constantFrom(1, 4),
  horizonMax: fc.constantFrom(4, 64),
  gateInterval: fc.constantFrom(16, 256),
  candidateCountMax: fc.constantFrom(1, 3, 64),
  consumerCountMax: fc.constantFrom(3, 65_536),
  isTrustByConsumer: fc.boolean(),
  experts: fc.constantFrom(
    opinionNames.filter((name) => name !== 'next-item'),
    opinionNames.filter((name) => name !== 'next-item' && name !== 'miss-successor'),
    opinionNames.filter((name) => name !== 'next-item' && name !== 'miss-successor' && name !== 'popularity'),
    opinionNames.filter((name) => name !== 'next-item' && name !== 'earlier-forecast'),
  ),
});

/** One of somebody, of whom nothing else is told. */
const HIT = { served: Served.hit, gone: 0, held: 0, next: -1, ended: 0, expert: 0, skipped: 1 };

describe('kernel of the mixture', () => {
  test('proposes what the mixture proposes, with the same probabilities, and leaves the same state', () => {
    const logs = fc.array(entry, { minLength: 100, maxLength: 1500, size: 'max' });
    fc.assert(
      fc.property(
        config,
        logs,
        fc.constantFrom(0, 2.5, 8),
        fc.nat({ max: 60 }),
        fc.record({ isWorthTold: fc.boolean(), isMisled: fc.boolean() }),
        (options, log, lead, after, { isWorthTold, isMisled }) => {
          const plain = ask(options, Infinity, isWorthTold);
          const fast = ask(options, after, isWorthTold);
          let position = 0;
          for (const drawn of log) {
            const one = isMisled ? { ...drawn, ended: Outcome.wasted } : drawn;
            position += one.skipped;
            for (const { site } of [plain, fast]) {
              site.leadAccesses = lead;
              site.trafficHeadroom = position % 7 === 0 ? 1 : 40;
            }
            expect(access(fast, one, position)).toEqual(access(plain, one, position));
          }
          expect(stateOf(fast)).toEqual(stateOf(plain));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('the consumer of the largest id that misleads was judged by a place outside the accounts: it has the same account in both', () => {
    const [plain, fast] = [ask({}, Infinity), ask({}, 0)];
    for (let position = 0; position < 3000; position++) {
      const gone = (position * 7) % 40;
      const one = { segment: position % 40, served: Served.miss, gone, held: 5000, next: -1, expert: 7, skipped: 1 };
      const misled = { ...one, consumer: 2 ** 31 - 1, ended: Outcome.wasted };
      expect(access(fast, misled, position)).toEqual(access(plain, misled, position));
    }
    expect(fast.prefetcher.consumerCounts()?.lowered).toBeGreaterThan(0);
    expect(stateOf(fast)).toEqual(stateOf(plain));
  });

  test('what was saved after a repeat that was a hit depended on whether there is a kernel', () => {
    const both = [ask({}, Infinity), ask({}, 0)];
    for (const [position, [consumer, segment]] of [
      [0, 1],
      [0, 2],
      [1, 3],
      [0, 2],
    ].entries()) {
      for (const one of both) {
        access(one, { ...HIT, consumer: consumer!, segment: segment! }, position);
      }
    }
    const [plain, fast] = both.map(({ prefetcher }) => prefetcher.snapshot());
    expect(fast).toEqual(plain);
  });

  test('a prefetcher that is restored goes on as one without a kernel does', () => {
    const [plain, fast, restored] = [ask({}, Infinity), ask({}, 0), ask({}, 10)];
    const at = (position: number): Access => ({
      consumer: position % 3,
      segment: (position * position * 31 + ((position / 7) | 0)) % 611,
      served: position % 3,
      gone: position % 601,
      held: (position * 7) % 611,
      next: position % 700,
      ended: position % 4,
      expert: position % 6,
      skipped: 1,
    });
    for (let position = 0; position < 4000; position++) {
      for (const one of [plain, fast]) access(one, at(position), position);
      if (position < 50) access(restored, at(position), position);
    }
    restored.prefetcher.restore(fast.prefetcher.snapshot());
    restored.site.takeOver(fast.site);
    for (let position = 4000; position < 6000; position++) {
      const expected = access(plain, at(position), position);
      expect(access(fast, at(position), position)).toEqual(expected);
      expect(access(restored, at(position), position)).toEqual(expected);
    }
  });
});

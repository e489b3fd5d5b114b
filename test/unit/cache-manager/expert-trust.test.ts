import { describe, expect, test } from 'vitest';
import { createSite } from '../../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import {
  ExpertTrust,
  type ExpertTrustConfig,
  expertTrustOf,
  expertTrustSchema,
} from '../../../actors/cache-manager/expert-trust.ts';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../../actors/origin/simulated-origin.ts';
import type { AccessCursor, Prefetcher, ProposalBuffer } from '../../../actors/prefetcher.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { batchOf } from './scripted-site.ts';

const SEGMENTS = 600;
const LENGTH = 9000;
/** The liar lies in the middle third of the log. */
const LIES_FROM = LENGTH / 3;
const LIES_UNTIL = (2 * LENGTH) / 3;
const HONEST = 0;
const LIAR = 1;

/** Two experts that state .8: one is right as often, the other proposes anything for a third of the log. */
class HonestAndLiar implements Prefetcher {
  readonly name = 'planted';
  readonly experts = ['honest', 'liar'];
  readonly staging = 'separate';
  readonly #random = new Xoshiro128(5);
  readonly #log: readonly number[];

  constructor(log: readonly number[]) {
    this.#log = log;
  }

  onAccess({ position }: AccessCursor, _served: number, proposals: ProposalBuffer): void {
    const expert = position % 2;
    const isLying = expert === LIAR && position >= LIES_FROM && position < LIES_UNTIL;
    const isRight = !isLying && this.#random.next() < 0.8;
    const segment = isRight ? (this.#log[position + 2] ?? 0) : this.#random.int(SEGMENTS);
    proposals.propose(segment, -1, 0.8, expert);
  }
}

function run(settings: Partial<ExpertTrustConfig> = {}) {
  const random = new Xoshiro128(11);
  const log = Array.from({ length: LENGTH }, () => random.int(SEGMENTS));
  const trust = expertTrustOf(expertTrustSchema.parse(settings));
  const spec = parseLatencySpec('0');
  const site = createSite({
    capacity: 60,
    unit: 'segments',
    makeEviction: (capacity, onEvict) =>
      createEviction('lru', { capacity, ...(onEvict === undefined ? {} : { onEvict }) }),
    makePrefetcher: () => new HonestAndLiar(log),
    origin: createOrigin(spec, 1),
    modelTime: 'requests',
    ...(trust === undefined ? {} : { expertTrust: trust }),
  });
  const sentByLiar: number[] = [];
  const isOffAt: boolean[] = [];
  for (let at = 0; at < LENGTH; at += 100) {
    const before = site.ledger.issuedByExpert[LIAR]!;
    site.serve(batchOf(log.slice(at, at + 100), at));
    sentByLiar.push(site.ledger.issuedByExpert[LIAR]! - before);
    isOffAt.push(trust?.account(LIAR).isOff ?? false);
  }
  site.finish();
  return { site, trust, sentByLiar, isOffAt };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
const hundreds = (from: number, until: number) => [from / 100, until / 100] as const;

describe('an expert that lies', () => {
  test('is turned off while it lies, comes back when it tells the truth again, and nobody else is', () => {
    const { site, trust, sentByLiar, isOffAt } = run();
    const during = hundreds(LIES_FROM + 1000, LIES_UNTIL);
    const after = hundreds(LIES_UNTIL + 2000, LENGTH);
    expect(isOffAt.slice(...hundreds(0, LIES_FROM)).some(Boolean)).toBe(false);
    expect(isOffAt.slice(...during).every(Boolean)).toBe(true);
    expect(isOffAt.slice(...after).some(Boolean)).toBe(false);
    const before = sum(sentByLiar.slice(...hundreds(LIES_FROM - 2000, LIES_FROM))) / 20;
    // One in sixteen of what it would have sent is a trial.
    expect(sum(sentByLiar.slice(...during)) / 20).toBeLessThan(before / 8);
    expect(sum(sentByLiar.slice(...after)) / 10).toBeGreaterThan(0.8 * before);
    expect(trust!.account(LIAR)).toMatchObject({ turnedOff: 1, turnedOn: 1, isOff: false });
    expect(trust!.account(HONEST)).toMatchObject({ turnedOff: 0, refused: 0 });
    expect(site.ledger.refusalCounts().distrusted).toBe(trust!.account(LIAR).refused);
    expect(site.governor!.experts[LIAR]!.turnedOff).toBe(1);
    expect(site.governor!.throttledShare).toBeGreaterThan(0.1);
  });

  test('costs fewer fetches than one that is taken at its word', () => {
    const believed = run({ isEnabled: false });
    const doubted = run();
    expect(believed.trust).toBeUndefined();
    const fetches = ({ site }: { site: typeof believed.site }): number =>
      site.ledger.issued + site.ledger.demandFetches;
    expect(fetches(doubted)).toBeLessThan(fetches(believed) - 500);
  });
});

describe('settings of the trust in experts', () => {
  const fed = (settings: Partial<ExpertTrustConfig>, used: (i: number) => boolean, count: number): ExpertTrust => {
    const trust = new ExpertTrust(expertTrustSchema.parse(settings));
    for (let i = 0; i < count; i++) trust.ended(3, 0.8, used(i));
    return trust;
  };

  test('trustMin: how far below its word an expert may fall', () => {
    const oneInThree = (i: number): boolean => i % 3 === 0;
    expect(fed({ trustMin: 0.6 }, oneInThree, 600).account(3).isOff).toBe(true);
    expect(fed({ trustMin: 0.3 }, oneInThree, 600).account(3).isOff).toBe(false);
  });

  test('memory: how soon it is turned off', () => {
    const never = (): boolean => false;
    expect(fed({ memory: 16 }, never, 16).account(3).isOff).toBe(true);
    expect(fed({ memory: 1024 }, never, 16).account(3).isOff).toBe(false);
  });

  test('trialEvery: how many are sent to find out', () => {
    for (const trialEvery of [1, 4, 16]) {
      const trust = fed({ trialEvery }, () => false, 600);
      const sent = Array.from({ length: 160 }, () => trust.allows(3)).filter(Boolean).length;
      expect(sent).toBe(160 / trialEvery);
    }
  });

  test('a probability that is not stated says nothing', () => {
    const trust = new ExpertTrust(expertTrustSchema.parse({}));
    for (let i = 0; i < 600; i++) trust.ended(3, Number.NaN, false);
    expect(trust.account(3).isOff).toBe(false);
  });
});

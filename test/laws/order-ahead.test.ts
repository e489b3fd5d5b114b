/** Order learned ahead of the accesses against order learned with each of them: the same proposals, forecasts and thresholds on every log. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { LearnedLead } from '../../actors/near-loop/learned-lead.ts';
import { type NearLoopConfigInput, nearLoopConfigSchema } from '../../actors/near-loop/near-loop-config.ts';
import { orderOptionsOf } from '../../actors/near-loop/order-options.ts';
import { ResidentFlags } from '../../actors/near-loop/resident-flags.ts';
import { type Snapshot, SnapshotReader, SnapshotWriter } from '../../actors/near-loop/snapshot.ts';
import { Outcome, ProposalBuffer, Served, type SiteView } from '../../actors/prefetcher.ts';
import {
  EPOCHS_AHEAD,
  EPOCHS_AHEAD_MAX,
  epochsAhead,
  type OrderAhead,
  type OrderTaker,
} from '../../actors/sequence-predictor/order-ahead.ts';
import { ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';
import { SequencePredictor } from '../../actors/sequence-predictor/sequence-predictor.ts';
import { Xoshiro128 } from '../../engine/random.ts';

/** Accesses that are learned by the lead as it is measured. */
const BEFORE = 16_384;

class Log {
  readonly segment: Uint32Array;
  readonly consumer: Int32Array;

  constructor(seed: number, length: number, consumers: number, segments: number) {
    const random = new Xoshiro128(seed);
    const below = (n: number): number => Math.floor(random.next() * n);
    this.segment = new Uint32Array(length);
    this.consumer = new Int32Array(length);
    const next = Int32Array.from({ length: segments }, () => below(segments));
    const at = new Int32Array(consumers);
    for (let i = 0; i < length; i++) {
      const consumer = below(consumers);
      const chance = random.next();
      // A walk that repeats itself, mostly; what was never asked for; and the same once more.
      const isLate = i > BEFORE + 300;
      if (chance < (isLate ? 0.4 : 0.75)) at[consumer] = next[at[consumer]!]!;
      else if (chance < (isLate ? 0.8 : 0.76)) at[consumer] = segments + i;
      else if (chance < 0.93) at[consumer] = below(segments);
      this.segment[i] = at[consumer]!;
      if (at[consumer]! >= segments) at[consumer] = below(segments);
      this.consumer[i] = consumer - 1;
    }
  }
}

/** Learns ahead in this thread, as early as it may. */
class Ahead implements OrderTaker, OrderAhead {
  readonly isReady = true;
  readonly #log: Log;
  readonly #predictor: SequencePredictor;
  readonly #leads: number[] = [];
  readonly #learned: { readonly said: Int32Array; readonly count: number }[] = [];
  #row = 0;
  #epoch = 0;
  isBack = false;
  rowCount = 0;

  #untilCaughtUp: number;

  /** `untilCaughtUp`: epochs for which it is not well ahead. */
  constructor(log: Log, config: NearLoopConfigInput, untilCaughtUp = 0) {
    this.#log = log;
    this.#untilCaughtUp = untilCaughtUp;
    const options = orderOptionsOf(nearLoopConfigSchema.parse(config));
    this.#predictor = new SequencePredictor({ ...options, resident: new ResidentFlags(), kernelAfter: 0 });
  }

  get bytes(): number {
    return this.#predictor.bytes;
  }

  begin(order: Snapshot, position: number, leads: readonly number[]): OrderAhead {
    this.#predictor.load(new SnapshotReader(order));
    this.#row = position;
    for (const lead of leads) this.#learn(lead);
    return this;
  }

  next(lead: number, epochCount: number, said: Int32Array, isHere: boolean): number {
    for (let i = 0; i < epochCount; i++) this.#learn(lead);
    expect(this.#leads.length - this.#epoch).toBeGreaterThan(EPOCHS_AHEAD);
    if (isHere && this.#untilCaughtUp-- > 0) {
      this.#epoch++;
      return -1;
    }
    expect(this.#epoch).toBeLessThan(this.#learned.length);
    const { said: mine, count } = this.#learned[this.#epoch++]!;
    said.set(mine);
    this.rowCount += count;
    return count;
  }

  takeBack(): Snapshot {
    this.isBack = true;
    const writer = new SnapshotWriter();
    this.#predictor.save(writer);
    return writer.finish();
  }

  #learn(lead: number): void {
    this.#leads.push(lead);
    if (this.#predictor.isCompact) return;
    const said = new Int32Array(ROWS_AHEAD * 20);
    const from = this.#row;
    const to = Math.min(this.#log.segment.length, from + ROWS_AHEAD);
    this.#learned.push({ said, count: this.#predictor.learnAhead(this.#log, from, to, from, lead, said) - from });
    this.#row = to;
  }
}

class Asked {
  readonly site = {
    leadAccesses: 0,
    trafficHeadroom: 40,
    unusedResidence: 0,
    isResident: (s: number) => this.here.has(s),
  };
  readonly here = new Set<number>();
  readonly proposals = new ProposalBuffer();
  readonly prefetcher: AnteroomPrefetcher;

  constructor(config: NearLoopConfigInput, kernelAfter: number) {
    this.prefetcher = new AnteroomPrefetcher(this.site as unknown as SiteView, config, null, kernelAfter);
  }

  access(log: Log, position: number, lead: number): readonly unknown[] {
    const { prefetcher, proposals, site, here } = this;
    const segment = log.segment[position]!;
    const isHit = here.has(segment);
    site.leadAccesses = lead;
    site.trafficHeadroom = (position >>> 9) % 2 === 0 ? 400 : 1;
    const gone = log.segment[Math.max(0, position - 25)]!;
    if (gone !== segment && here.delete(gone)) prefetcher.onEvict(gone, false);
    here.add(segment);
    for (let i = 0; i < proposals.count; i++) {
      const outcome = proposals.segment[i] === segment ? Outcome.useful : Outcome.wasted;
      prefetcher.onOutcome(proposals.segment[i]!, proposals.expert[i]!, outcome, 0.5);
    }
    proposals.count = 0;
    const cursor = {
      position,
      segment,
      consumer: log.consumer[position]!,
      timeMs: Number.NaN,
      site: -1,
      op: 0,
      sizeBytes: -1,
    };
    prefetcher.onAccess(cursor, isHit ? Served.hit : position % 5 === 0 ? Served.late : Served.miss, proposals);
    const { count } = proposals;
    return [
      ...proposals.segment.subarray(0, count),
      ...proposals.probability.subarray(0, count),
      ...proposals.expert.subarray(0, count),
      prefetcher.threshold,
      prefetcher.horizonAccesses,
      prefetcher.evidenceOf(proposals.segment[0]!),
    ];
  }
}

describe('order learned ahead', () => {
  test('proposes what order learned with each access does, until it comes back for want of bytes and after', () => {
    let [beginnings, returns] = [0, 0];
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(),
          consumers: fc.constantFrom(1, 2, 20),
          segments: fc.constantFrom(50, 700, 3000),
          rows: fc.integer({ min: 1, max: 9 * ROWS_AHEAD }),
          modelBytesMax: fc.constantFrom(2 ** 28, 2 ** 28, 600_000, 900_000, 1_000_000, 1_200_000),
          degreeMax: fc.constantFrom(8, 5),
          candidateCountMax: fc.constantFrom(64, 2),
          lead: fc.constantFrom(0, 3, 8),
          isChanging: fc.boolean(),
          untilCaughtUp: fc.constantFrom(0, 0, 1, 3, 7),
          watchedAfter: fc.option(fc.nat({ max: 2000 }), { nil: Infinity }),
        }),
        ({ seed, consumers, segments, rows, lead, isChanging, untilCaughtUp, watchedAfter, ...config }) => {
          const log = new Log(seed, BEFORE + rows, consumers, segments);
          const with_ = new Asked(config, Infinity);
          const ahead = new Asked(config, 1000);
          const taker = new Ahead(log, config, untilCaughtUp);
          expect(ahead.prefetcher.offerOrder(taker)).toBe(true);
          for (let position = 0; position < BEFORE + rows; position++) {
            const now = isChanging ? lead + ((position >>> 8) % 3) + 0.5 : lead;
            if (position === BEFORE + watchedAfter) ahead.prefetcher.watchForecasts(() => {});
            const expected = with_.access(log, position, now);
            const found = ahead.access(log, position, now);
            // Compared in full only where they are kept: a message for each would take longer than all else.
            if (position >= BEFORE) expect(found).toEqual(expected);
          }
          if (taker.rowCount > 0) beginnings++;
          if (taker.isBack) returns++;
        },
      ),
      { numRuns: 40 },
    );
    expect(beginnings).toBeGreaterThan(0);
    expect(returns).toBeGreaterThan(0);
  });

  test('is not offered what depends on more than the order of accesses', () => {
    const site = new Asked({}, 0).site as unknown as SiteView;
    const taker = new Ahead(new Log(1, 10, 1, 5), {});
    const offer = (config: NearLoopConfigInput): boolean => new AnteroomPrefetcher(site, config).offerOrder(taker);
    expect(offer({})).toBe(true);
    expect(offer({ experts: ['consumer-successor', 'context', 'next-item'] })).toBe(false);
    expect(offer({ experts: ['consumer-successor', 'context', 'miss-successor'] })).toBe(false);
  });

  test('nothing is saved meanwhile', () => {
    const log = new Log(5, BEFORE + 600, 1, 40);
    const asked = new Asked({}, 1000);
    asked.prefetcher.offerOrder(new Ahead(log, {}));
    for (let position = 0; position < BEFORE + 600; position++) asked.access(log, position, 1);
    expect(() => asked.prefetcher.snapshot()).toThrow(/learned elsewhere/);
  });
});

describe('the lead by which order is learned', () => {
  test('is the measured one at first, then that of some epochs before, and goes on so after a restart', () => {
    let lead = new LearnedLead();
    const oracle = new ByDefinition();
    let [begun, expected] = [0, 0];
    const epochs = 700;
    for (let access = 0; access < BEFORE + epochs * ROWS_AHEAD; access++) {
      const measured = (access * 7) % 13;
      const isStart = lead.pass(measured + 0.9);
      if (access < BEFORE) expect(lead.accesses).toBe(measured);
      if (isStart !== (access >= BEFORE && (access - BEFORE) % ROWS_AHEAD === 0)) expect.fail(`an epoch at ${access}`);
      if (isStart) {
        expected = oracle.begin(measured + 0.9);
        expect(lead.known.length + lead.toldCount).toBe(1 + epochsAhead(begun++));
      }
      if (access >= BEFORE && lead.accesses !== expected) expect(lead.accesses, `access ${access}`).toBe(expected);
      if (access % 997 === 0) lead = reloaded(lead);
    }
    expect(epochsAhead(epochs)).toBeGreaterThan(EPOCHS_AHEAD);
  });

  test('of each epoch is the same when accesses are passed over many at once, as far ahead as it goes', () => {
    let lead = new LearnedLead();
    for (let access = 0; access < BEFORE; access++) lead.pass(0);
    const oracle = new ByDefinition();
    const random = new Xoshiro128(8);
    for (let epoch = 0; epoch < 9000; epoch++) {
      const measured = random.next() * 1000;
      const expected = oracle.begin(measured);
      expect(lead.pass(measured)).toBe(true);
      if (lead.accesses !== expected) expect(lead.accesses, `epoch ${epoch}`).toBe(expected);
      lead.skip(lead.quietCount);
      if (epoch % 501 === 0) lead = reloaded(lead);
    }
    expect(epochsAhead(9000)).toBe(EPOCHS_AHEAD_MAX);
  });

  test('stands still while the one measured does, however far ahead it is told', () => {
    const lead = new LearnedLead();
    for (let access = 0; access < BEFORE; access++) lead.pass(8);
    for (let epoch = 0; epoch < 9000; epoch++) {
      lead.pass(8);
      if (lead.accesses !== 8 || lead.told !== 8) expect.fail(`${lead.accesses} in epoch ${epoch}`);
      lead.skip(lead.quietCount);
    }
  });

  test('is known for more and more epochs, never for fewer, and for one more at most from epoch to epoch', () => {
    for (let epoch = 1; epoch < 20_000; epoch++) {
      const more = epochsAhead(epoch) - epochsAhead(epoch - 1);
      if (more !== 0 && more !== 1) expect.fail(`${more} more at ${epoch}`);
    }
    expect(epochsAhead(0)).toBe(EPOCHS_AHEAD);
  });
});

/** The lead of each epoch by definition, step by step. */
class ByDefinition {
  readonly #told: number[] = [];

  /** Of the epoch that begins while `measured` is measured. */
  begin(measured: number): number {
    const epoch = this.#told.length;
    const share = 1 / (1 + epochsAhead(epoch) - EPOCHS_AHEAD);
    const last = this.#told[epoch - 1] ?? 0;
    this.#told.push(share === 1 ? measured : last + (measured - last) * share);
    // The first from which this one was within what is told.
    let teller = Math.max(0, epoch - EPOCHS_AHEAD_MAX);
    while (teller + epochsAhead(teller) < epoch) teller++;
    return Math.floor(this.#told[teller]! + 1e-9);
  }
}

function reloaded(lead: LearnedLead): LearnedLead {
  const writer = new SnapshotWriter();
  lead.save(writer);
  const next = new LearnedLead();
  next.load(new SnapshotReader(writer.finish()));
  return next;
}

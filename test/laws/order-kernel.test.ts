/** The kernel of the memories of order against their own code: the same names, bins and state on every log. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CandidateSet, OPINION_STRIDE } from '../../actors/near-loop/candidate-set.ts';
import { Opinion } from '../../actors/near-loop/opinion-bins.ts';
import { ResidentFlags } from '../../actors/near-loop/resident-flags.ts';
import { SegmentFacts } from '../../actors/near-loop/segment-facts.ts';
import { SnapshotReader, SnapshotWriter } from '../../actors/near-loop/snapshot.ts';
import { SequencePredictor } from '../../actors/sequence-predictor/sequence-predictor.ts';

interface Shape {
  readonly degreeMax: number;
  readonly visitsMax: number;
  readonly bytesMax: number;
  readonly lookahead: number;
  readonly consumerCountMax: number;
  readonly contextCountMax: number;
}

/** A predictor with what it is asked through. */
class Asked {
  readonly resident = new ResidentFlags();
  readonly predictor: SequencePredictor;
  readonly #candidates: CandidateSet;

  constructor(shape: Shape, kernelAfter: number) {
    const isOn = [true, true];
    const { resident } = this;
    this.predictor = new SequencePredictor({ ...shape, missLookahead: 5, scoreMin: 0.1, isOn, resident, kernelAfter });
    this.#candidates = new CandidateSet(64, new SegmentFacts(), resident, (segment) => segment % 7 === 3);
  }

  /** What is named after an access, with every bin. */
  access(consumer: number, segment: number, position: number, lead: number, isWouldBeMiss: boolean): readonly number[] {
    const candidates = this.#candidates;
    this.resident.set(segment);
    const isNew = this.predictor.observe(consumer, segment, position, lead, isWouldBeMiss);
    candidates.begin();
    if (isNew || isWouldBeMiss) this.predictor.gather(segment, candidates, isWouldBeMiss);
    const bins = candidates.bins.subarray(0, candidates.count * OPINION_STRIDE);
    const named = [...candidates.segment.subarray(0, candidates.count)];
    return [isNew ? 1 : 0, ...named, ...bins.filter((_, i) => i % OPINION_STRIDE <= Opinion.context)];
  }

  state(): readonly (readonly number[])[] {
    const writer = new SnapshotWriter();
    this.predictor.save(writer);
    return writer.finish().map((array) => Array.from(array));
  }
}

const shape = fc.record({
  degreeMax: fc.constantFrom(1, 2, 5, 8, 9, 64),
  visitsMax: fc.constantFrom(2, 3, 8, 64),
  bytesMax: fc.constantFrom(65_536, 90_000, 2 ** 20),
  lookahead: fc.integer({ min: 1, max: 6 }),
  consumerCountMax: fc.constantFrom(1, 3, 64),
  contextCountMax: fc.constantFrom(3, 3072, 8192),
});

describe('kernel of order', () => {
  test('names what the tables name, with the same bins, and leaves the same state', () => {
    const access = fc.record({
      consumer: fc.integer({ min: -1, max: 5 }),
      segment: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 3000 })),
      isWouldBeMiss: fc.boolean(),
      /** Evicted before it. */
      gone: fc.nat({ max: 12 }),
    });
    const logs = fc.array(access, { minLength: 50, maxLength: 1500, size: 'max' });
    fc.assert(
      fc.property(
        shape,
        logs,
        fc.constantFrom(0, 0.4, 2.5, 8, 40),
        fc.nat({ max: 40 }),
        (options, log, lead, after) => {
          const plain = new Asked(options, Infinity);
          const fast = new Asked(options, after);
          log.forEach(({ consumer, segment, isWouldBeMiss, gone }, position) => {
            for (const { resident } of [plain, fast]) resident.clear(gone);
            const named = plain.access(consumer, segment, position, lead, isWouldBeMiss);
            expect(fast.access(consumer, segment, position, lead, isWouldBeMiss)).toEqual(named);
          });
          expect(fast.state()).toEqual(plain.state());
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a predictor that is restored goes on as one without a kernel does', () => {
    const options: Shape = {
      degreeMax: 8,
      visitsMax: 64,
      bytesMax: 2 ** 20,
      lookahead: 3,
      consumerCountMax: 64,
      contextCountMax: 8192,
    };
    const [plain, fast, restored] = [new Asked(options, Infinity), new Asked(options, 0), new Asked(options, 0)];
    const segmentAt = (position: number): number => (position * position * 31 + ((position / 7) | 0)) % 611;
    for (let position = 0; position < 6000; position++) {
      for (const one of [plain, fast]) one.access(position % 5, segmentAt(position), position, 2, false);
      restored.resident.set(segmentAt(position));
    }
    const writer = new SnapshotWriter();
    fast.predictor.save(writer);
    restored.predictor.load(new SnapshotReader(writer.finish()));
    for (let position = 6000; position < 9000; position++) {
      const named = plain.access(position % 5, segmentAt(position), position, 2, false);
      expect(fast.access(position % 5, segmentAt(position), position, 2, false)).toEqual(named);
      expect(restored.access(position % 5, segmentAt(position), position, 2, false)).toEqual(named);
    }
    expect(restored.state()).toEqual(plain.state());
  });
});

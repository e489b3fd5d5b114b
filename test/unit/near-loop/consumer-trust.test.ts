import { describe, expect, test } from 'vitest';
import { ConsumerTrust } from '../../../actors/near-loop/consumer-trust.ts';
import { SnapshotReader, SnapshotWriter } from '../../../actors/near-loop/snapshot.ts';

/** Prefetches of one consumer, stated at 0.8, of which one in `every` is used. */
function endMany(trust: ConsumerTrust, consumer: number, count: number, every: number): void {
  for (let i = 0; i < count; i++) trust.ended(consumer, 0.8, i % every === 0);
}

/** What is believed of 0.8 over a few forecasts: nearly always the same, now and then a trial. */
function usuallyBelieved(trust: ConsumerTrust, consumer: number): number {
  const values = Array.from({ length: 8 }, () => trust.believed(consumer, 0.8));
  return Math.min(...values);
}

describe('trust in a consumer', () => {
  test('is whole at first, and for whoever keeps what was said', () => {
    const trust = new ConsumerTrust(100);
    expect(trust.believed(3, 0.8)).toBe(0.8);
    endMany(trust, 3, 200, 1);
    expect(usuallyBelieved(trust, 3)).toBe(0.8);
    expect(trust.loweredCount).toBe(0);
  });

  test('goes where forecasts fail much more often than was said, of that consumer alone', () => {
    const trust = new ConsumerTrust(100);
    endMany(trust, 5, 200, 10);
    // A tenth came true of what was said to be four fifths.
    expect(usuallyBelieved(trust, 5)).toBeLessThan(0.3);
    expect(usuallyBelieved(trust, 6)).toBe(0.8);
    expect(trust.loweredCount).toBeGreaterThan(0);
  });

  test('a few failures are taken for chance', () => {
    const trust = new ConsumerTrust(100);
    endMany(trust, 1, 5, 100);
    expect(usuallyBelieved(trust, 1)).toBe(0.8);
  });

  test('comes back with evidence, for which one forecast in sixteen is taken as it stands', () => {
    const trust = new ConsumerTrust(100);
    endMany(trust, 5, 200, 10);
    const values = Array.from({ length: 160 }, () => trust.believed(5, 0.8));
    expect(values.filter((value) => value === 0.8)).toHaveLength(10);
    endMany(trust, 5, 200, 1);
    expect(usuallyBelieved(trust, 5)).toBe(0.8);
  });

  test('is kept for so many consumers at most; those beyond share', () => {
    const trust = new ConsumerTrust(4);
    endMany(trust, 1, 200, 10);
    expect(usuallyBelieved(trust, 5)).toBeLessThan(0.3);
    endMany(trust, 4_000_000, 10, 1);
    expect(trust.bytes).toBeLessThan(1000);
  });

  test('is restored as it was saved', () => {
    const trust = new ConsumerTrust(100);
    endMany(trust, 70, 200, 10);
    const writer = new SnapshotWriter();
    trust.save(writer);
    const restored = new ConsumerTrust(100);
    restored.load(new SnapshotReader(writer.finish()));
    for (let i = 0; i < 40; i++) expect(restored.believed(70, 0.8)).toBe(trust.believed(70, 0.8));
  });
});

import { describe, expect, test } from 'vitest';
import { SegmentFacts } from '../../../actors/near-loop/segment-facts.ts';
import { TrialRing } from '../../../actors/near-loop/trial-ring.ts';

describe('trial ring', () => {
  test('a demand takes all open trials of its segment, newest first', () => {
    const ring = new TrialRing(8);
    const first = ring.start(5, 10);
    ring.start(6, 11);
    const second = ring.start(5, 12);
    expect(ring.takeDemanded(5)).toBe(second);
    expect(ring.takeDemanded(5)).toBe(first);
    expect(ring.takeDemanded(5)).toBe(-1);
    expect(ring.takeDemanded(7)).toBe(-1);
  });

  test('what was not demanded expires in order, and what was demanded does not expire', () => {
    const ring = new TrialRing(8);
    const a = ring.start(1, 0);
    ring.start(2, 1);
    const c = ring.start(3, 2);
    ring.takeDemanded(2);
    expect(ring.takeExpired(3)).toBe(a);
    expect(ring.takeExpired(3)).toBe(c);
    expect(ring.takeExpired(3)).toBe(-1);
    expect(ring.count).toBe(0);
  });

  test('keeps trials that started at the limit', () => {
    const ring = new TrialRing(8);
    ring.start(1, 5);
    expect(ring.takeExpired(5)).toBe(-1);
    expect(ring.takeExpired(6)).toBeGreaterThanOrEqual(0);
  });

  test('refuses and counts trials beyond its capacity instead of forgetting open ones', () => {
    const ring = new TrialRing(2);
    ring.start(1, 0);
    ring.start(2, 0);
    expect(ring.start(3, 0)).toBe(-1);
    expect(ring.refusedCount).toBe(1);
    ring.takeExpired(1);
    expect(ring.start(3, 1)).toBeGreaterThanOrEqual(0);
  });

  test('a demand takes no trial of another segment that stands where an expired one stood', () => {
    const ring = new TrialRing(2);
    ring.start(5, 0);
    expect(ring.takeExpired(1)).toBe(0);
    ring.start(6, 1);
    ring.start(7, 1);
    expect(ring.takeDemanded(5)).toBe(-1);
    expect(ring.takeDemanded(6)).toBe(1);
    expect(ring.takeDemanded(7)).toBe(0);
  });

  test('every trial is settled exactly once through many turns of the ring', () => {
    const ring = new TrialRing(16, new SegmentFacts(4));
    let started = 0;
    let settled = 0;
    for (let position = 0; position < 10_000; position++) {
      const segment = (position * 7919) % 50;
      while (ring.takeDemanded(segment) >= 0) settled++;
      while (ring.takeExpired(position - 12) >= 0) settled++;
      if (ring.start((position * 31) % 50, position) >= 0) started++;
    }
    while (ring.takeExpired(20_000) >= 0) settled++;
    expect(settled).toBe(started);
    expect(started + ring.refusedCount).toBe(10_000);
  });
});

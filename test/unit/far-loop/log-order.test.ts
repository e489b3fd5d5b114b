import { describe, expect, test } from 'vitest';
import { LogOrder } from '../../../actors/log-order.ts';
import { TimeAxis } from '../../../actors/time-axis.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';

function batch(position: number, length: number): AccessBatch {
  return new AccessBatch(position, {
    timeMs: new Float64Array(length),
    segment: new Uint32Array(length),
    consumer: new Int32Array(length),
    site: new Int32Array(length),
    op: new Uint8Array(length),
    size: new Float64Array(length),
    weight: new Float64Array(length),
  });
}

describe('log order', () => {
  test('holds what follows a tick until the tick can be answered', () => {
    const seen: string[] = [];
    const answered = new Set<number>();
    const order = new LogOrder({
      accessesMax: 100,
      onBatch: ({ position }) => seen.push(`batch ${position}`),
      onTick: ({ position }) => answered.has(position) && seen.push(`tick ${position}`) > 0,
    });
    order.push({ kind: 'accesses', batch: batch(0, 5) });
    order.push({ kind: 'tick', position: 5, timeMs: 0 });
    order.push({ kind: 'accesses', batch: batch(5, 5) });
    order.push({ kind: 'tick', position: 10, timeMs: 0 });
    answered.add(10);
    order.advance();
    expect(seen).toEqual(['batch 0']);
    expect(order.heldAccesses).toBe(5);
    answered.add(5);
    order.advance();
    expect(seen).toEqual(['batch 0', 'tick 5', 'batch 5', 'tick 10']);
    expect(order.heldAccesses).toBe(0);
  });

  test('refuses to hold more accesses than its bound, and keeps those it has', () => {
    let isOpen = false;
    let count = 0;
    const order = new LogOrder({
      accessesMax: 8,
      onBatch: ({ length }) => {
        count += length;
      },
      onTick: () => isOpen,
    });
    order.push({ kind: 'accesses', batch: batch(0, 50) });
    order.push({ kind: 'tick', position: 50, timeMs: 0 });
    order.push({ kind: 'accesses', batch: batch(50, 8) });
    expect(() => order.push({ kind: 'accesses', batch: batch(58, 1) })).toThrow('more than 8 accesses wait');
    isOpen = true;
    order.advance();
    expect(count).toBe(58);
  });
});

describe('time axis', () => {
  test('is event time from the first access that has one, and never goes back', () => {
    const axis = new TimeAxis();
    expect(axis.usesTime).toBeNull();
    expect([
      axis.instantOf(100, 0),
      axis.instantOf(Number.NaN, 1),
      axis.instantOf(90, 2),
      axis.instantOf(120, 3),
    ]).toEqual([100, 100, 100, 120]);
    expect(axis.instantAt(130, 4)).toBe(130);
    expect(axis.instantAt(Number.NaN, 4)).toBe(120);
  });

  test('is the log position where the first access has no time', () => {
    const axis = new TimeAxis();
    expect([axis.instantOf(Number.NaN, 7), axis.instantOf(5000, 8)]).toEqual([7, 8]);
    expect(axis.instantAt(Number.NaN, 9)).toBe(9);
    expect(axis.usesTime).toBe(false);
  });
});

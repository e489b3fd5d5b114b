import { describe, expect, test } from 'vitest';
import { PendingSequences } from '../../../actors/recurrent-predictor/pending-sequences.ts';

/** Pairs (items before, item) that the sequences ask to predict. */
function predictions(sequences: Int32Array, lengthMax: number): string[] {
  const found: string[] = [];
  for (let at = 0; at < sequences.length; at += 2 + sequences[at]!) {
    const items = sequences.subarray(at + 2, at + 2 + sequences[at]!);
    expect(items.length).toBeLessThanOrEqual(lengthMax + 1);
    for (let i = sequences[at + 1]! + 1; i < items.length; i++) found.push(`${items[i - 1]}>${items[i]}`);
  }
  return found;
}

describe('pending sequences', () => {
  test.each([1, 2, 3, 7, 13, 40])('ask for each of %i new steps once, in pieces of at most the length', (count) => {
    const pending = new PendingSequences(6, 10_000);
    for (const row of [101, 102]) pending.begin(1, row);
    for (let row = 0; row < count; row++) pending.add(1, row);
    const before = [102, ...Array.from({ length: count - 1 }, (_, row) => row)];
    expect(predictions(pending.take(), 6)).toEqual(before.map((row, i) => `${row}>${i}`));
  });

  test('a consumer without a past has its first step as context', () => {
    const pending = new PendingSequences(6, 10_000);
    for (const row of [5, 6, 7]) pending.add(0, row);
    expect([...pending.take()]).toEqual([3, 0, 5, 6, 7]);
    expect(pending.take().length).toBe(0);
  });

  test('what does not fit is dropped and counted, and what is taken keeps to the bound', () => {
    const pending = new PendingSequences(6, 300);
    for (let i = 0; i < 1000; i++) pending.add(i % 3, i % 50);
    expect(pending.droppedCount).toBeGreaterThan(800);
    const taken = pending.take();
    expect(taken.length).toBeGreaterThan(50);
    expect(taken.length).toBeLessThanOrEqual(300);
  });
});

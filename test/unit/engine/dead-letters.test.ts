import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../engine/assert.ts';
import { type DeadLetter, DeadLetters, OTHER_ADDRESSES } from '../../../engine/dead-letters.ts';

const letter = (message: number, address = '/a'): DeadLetter => ({ address, reason: 'stopped', message, at: message });

describe('dead letters', () => {
  test('keeps the last few, oldest first, and counts all', () => {
    const letters = new DeadLetters({ keptMax: 3, addressesMax: 10 });
    for (let count = 0; count <= 8; count++) {
      const expected = Array.from({ length: Math.min(3, count) }, (_, i) => count - Math.min(3, count) + i);
      expect(letters.last().map(({ message }) => message)).toEqual(expected);
      expect(letters.count).toBe(count);
      letters.add(letter(count));
    }
  });

  test('counts by reason and by address, with one counter for the addresses beyond the limit', () => {
    const letters = new DeadLetters({ keptMax: 0, addressesMax: 2 });
    for (const address of ['/a', '/b', '/c', '/a', '/d']) letters.add(letter(1, address));
    letters.add({ ...letter(1), reason: 'fault' });
    expect([...letters.byAddress()]).toEqual([
      ['/a', 3],
      ['/b', 1],
      [OTHER_ADDRESSES, 2],
    ]);
    expect([...letters.byReason()]).toEqual([
      ['stopped', 5],
      ['fault', 1],
    ]);
    expect([letters.countOf('fault'), letters.countOf('failed'), letters.last()]).toEqual([1, 0, []]);
  });

  test('subscribers see each letter until they unsubscribe', () => {
    const letters = new DeadLetters({ keptMax: 1, addressesMax: 1 });
    const seen: unknown[] = [];
    const unsubscribe = letters.subscribe(({ message }) => seen.push(message));
    letters.add(letter(1));
    unsubscribe();
    letters.add(letter(2));
    expect(seen).toEqual([1]);
  });

  test('a subscriber that throws is unsubscribed and counted; a broken invariant is passed on', () => {
    const broken: InvariantError[] = [];
    const letters = new DeadLetters({ keptMax: 1, addressesMax: 1, onInvariantBroken: (error) => broken.push(error) });
    letters.subscribe(() => {
      throw new Error('onlooker');
    });
    letters.subscribe(() => {
      throw new InvariantError('bug');
    });
    letters.add(letter(1));
    letters.add(letter(2));
    expect([letters.listenerFaultCount, broken.map(({ message }) => message)]).toEqual([2, ['bug']]);
  });
});

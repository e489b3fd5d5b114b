import fc, { assert } from 'fast-check';
import { expect, test } from 'vitest';
import { lawShare } from '../law-share.ts';

test('a law draws all its cases, or the share of them that is asked for', () => {
  let runs = 0;
  const property = fc.property(fc.nat(), () => {
    runs++;
  });
  fc.assert(property, { numRuns: 200 });
  expect(runs).toBe(Math.ceil(200 * lawShare));
  assert(property);
  expect(runs).toBe(Math.ceil(200 * lawShare) + Math.max(50, Math.ceil(100 * lawShare)));
  fc.assert(property, { numRuns: 20 });
  expect(runs).toBe(Math.ceil(200 * lawShare) + Math.max(50, Math.ceil(100 * lawShare)) + 20);
});

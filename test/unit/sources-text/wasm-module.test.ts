import { expect, test } from 'vitest';
import { COMPILED_MAX, compiledOnce } from '../../../streams/sources/wasm-module.ts';

test('modules of ever other sizes were all kept: so many are, and one that was forgotten is compiled again', () => {
  const known = new Map<string, string | null>();
  const compiled: string[] = [];
  const ask = (key: string) =>
    compiledOnce(known, key, () => {
      compiled.push(key);
      return key === '1' ? null : key;
    });
  for (let i = 0; i < 3 * COMPILED_MAX; i++) for (let again = 0; again < 2; again++) ask(String(i));
  expect(known.size).toBe(COMPILED_MAX);
  expect(compiled.length).toBe(3 * COMPILED_MAX);
  expect([ask('1'), ask('1'), compiled.length]).toEqual([null, null, 3 * COMPILED_MAX + 1]);
});

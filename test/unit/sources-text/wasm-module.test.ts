import { expect, test } from 'vitest';
import { COMPILED_MAX, compiledOnce, compileModule, startModule, wasm } from '../../../streams/sources/wasm-module.ts';

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

test('one compiled module runs over memories of any length, each instance over its own', () => {
  const { get, i32, load, storeAt } = wasm;
  const put = { parameterCount: 2, hasResult: false, locals: [], body: storeAt(get(0), 0, get(1)) };
  const first = { parameterCount: 0, hasResult: true, locals: [], body: load(i32(8)) };
  const module = compileModule({ put, first }, 1)!;
  const [small, large] = [1, 40].map((pageCount) => startModule<'put' | 'first'>(module, pageCount)!);
  small!.run.put(8, 5);
  large!.run.put(8, 6);
  large!.run.put(39 * 65_536, 7);
  expect([small!.run.first(), large!.run.first()]).toEqual([5, 6]);
  expect(new Int32Array(large!.memory)[(39 * 65_536) / 4]).toBe(7);
  expect(() => small!.run.put(65_536, 1)).toThrow(/out of bounds/);
  expect(startModule(module, 0)).toBe(null);
});

/** What `attach` was given, looked at once: callers in JavaScript have no compiler that does. */

import { AnteroomError } from '../../engine/errors.ts';
import type { AttachableCache, AttachOptions, KeyNames } from './attach.ts';

type Named = Readonly<Record<string, unknown>>;

interface Expectation {
  readonly expected: string;
  readonly isRequired?: true;
  readonly isMet: (value: unknown) => boolean;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): value is Named => typeof value === 'object' && value !== null;
const aFunction: Expectation = { expected: 'a function', isMet: isFunction };

/** Every option there is: another one is a slip of the pen, whose default would act in its place. */
const expectations: Readonly<Record<keyof AttachOptions<unknown, unknown> | keyof KeyNames<unknown>, Expectation>> = {
  fetch: { ...aFunction, isRequired: true },
  safe: {
    expected: 'true (any key may be read before anyone asks) or a function of the key',
    isRequired: true,
    isMet: (value) => value === true || isFunction(value),
  },
  engine: { expected: 'an engine of createEngine', isMet: (value) => isObject(value) && isFunction(value.observe) },
  config: { expected: 'an object of settings', isMet: isObject },
  clock: { expected: 'an object with now()', isMet: (value) => isFunction((value as Named | null)?.now) },
  concurrencyMax: {
    expected: 'a whole number from 1 on',
    isMet: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  },
  sizeOf: aFunction,
  onError: aFunction,
  nameOf: aFunction,
  keyOf: aFunction,
};

/** @throws AnteroomError 'bad-usage' naming the first thing that cannot be. */
export function checkAttach<K, V>(
  cache: AttachableCache<K, V>,
  options: AttachOptions<K, V> & Partial<KeyNames<K>>,
): void {
  const methods = ['get', 'set', 'delete'] as const;
  const missing = isObject(cache) ? methods.find((name) => !isFunction(cache[name])) : 'get';
  if (missing !== undefined)
    throw bad('the cache', `an LRUCache, or what has get, set, delete and max as it has`, cache);
  if (!isObject(options)) throw bad('options', 'an object with fetch and safe', options);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(expectations, name));
  if (unknown !== undefined)
    throw new AnteroomError(
      'bad-usage',
      `attach: there is no option ${unknown}; there are ${Object.keys(expectations).join(', ')}`,
    );
  for (const [name, { expected, isRequired, isMet }] of Object.entries(expectations)) {
    const value = (options as Named)[name];
    if (value === undefined ? isRequired === true : !isMet(value)) throw bad(`option ${name}`, expected, value);
  }
  if ((options.nameOf === undefined) !== (options.keyOf === undefined))
    throw new AnteroomError('bad-usage', 'attach: nameOf and keyOf belong together: give both, or neither');
}

function bad(what: string, expected: string, found: unknown): AnteroomError {
  const shown =
    typeof found === 'string' ? JSON.stringify(found.slice(0, 40)) : isObject(found) ? 'an object' : String(found);
  return new AnteroomError('bad-usage', `attach: ${what}: expected ${expected}, found ${shown}`);
}

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { bytesField, durationField, parseConfig, rateField } from '../../../engine/config.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { supervisionSchema } from '../../../engine/supervisor.ts';
import { actorSystemSchema } from '../../../engine/system-config.ts';

const schema = z.strictObject({
  name: z.string().default('x'),
  cache: z
    .strictObject({ size: bytesField({ minBytes: 1024 }).default(4096), ttl: durationField({ minMs: 1 }).default(10) })
    .prefault({}),
  rate: rateField().default(1),
  list: z.array(z.strictObject({ id: z.int() })).default([]),
});

function problem(value: unknown, source?: string): string {
  try {
    parseConfig(schema, value, source);
  } catch (error) {
    if (error instanceof AnteroomError && error.code === 'bad-config') return error.message;
    throw error;
  }
  return 'none';
}

describe('configuration', () => {
  test('defaults fill what is left out', () => {
    expect(parseConfig(schema, {})).toEqual({ name: 'x', cache: { size: 4096, ttl: 10 }, rate: 1, list: [] });
  });

  test('sizes, durations and rates are read from text or numbers', () => {
    const config = parseConfig(schema, { cache: { size: '64KiB', ttl: '2s' }, rate: '20MB/s' });
    expect([config.cache.size, config.cache.ttl, config.rate]).toEqual([65_536, 2000, 20_000_000]);
    expect(parseConfig(schema, { cache: { size: 2048 } }).cache.size).toBe(2048);
  });

  test('an unknown key is an error that names its path', () => {
    expect(problem({ cache: { sise: 1 } })).toBe('config: cache.sise: unknown setting');
    expect(problem({ list: [{ id: 1 }, { id: 2, x: 1 }] })).toBe('config: list[1].x: unknown setting');
    expect(problem({ nam: 1 }, 'node.yaml')).toBe('node.yaml: nam: unknown setting');
  });

  test('a wrong value is named with what was expected and what was found, in one line', () => {
    expect(problem({ name: 5 })).toBe('config: name: expected string, not 5');
    expect(problem({ cache: { size: 'big' } })).toMatch(/^config: cache\.size: expected a size such as 64MiB.*"big"$/);
    expect(problem({ cache: { size: 12 } })).toBe('config: cache.size: expected at least 1024, not 12');
    expect(problem({ cache: { size: 2048.5 } })).toBe('config: cache.size: expected a whole number, not 2048.5');
    expect(problem('text')).toMatch(/^config: \(top level\): /);
    expect(problem({ name: 'a\nb', cache: { ttl: 'x\ny' } }).includes('\n')).toBe(false);
  });

  test('of several problems only the first was told, though --check promises all: five are, and further ones counted', () => {
    expect(problem({ name: 5, rate: 'x', list: 1 })).toMatch(
      /^config: name: expected string, not 5; .*rate: [^;]*; list: expected array, not 1$/,
    );
    expect(problem({ name: 5, list: Array.from({ length: 7 }, () => ({ id: 'x' })) })).toMatch(
      /^config: name: [^;]*(; list\[[0-3]\]\.id: [^;]*){4} \(and 3 more\)$/,
    );
  });

  test('every setting of the runtime has a description', () => {
    for (const shape of [actorSystemSchema.shape, supervisionSchema.shape]) {
      for (const [key, field] of Object.entries(shape)) {
        expect(field.description, key).toMatch(/\w+ \w+/);
      }
    }
    expect(parseConfig(actorSystemSchema, {}).supervision.backOff.factor).toBe(2);
  });

  test('a restart budget that its own back-offs would outlast is refused', () => {
    const config = { maxRestarts: 10, windowMs: '1s', backOff: { initialMs: '200ms', factor: 1 } };
    expect(() => parseConfig(supervisionSchema, config)).toThrow(/^config: windowMs: .*budget can never be spent/);
    expect(parseConfig(supervisionSchema, { ...config, maxRestarts: 4 }).maxRestarts).toBe(4);
  });
});

describe('an error of configuration', () => {
  const secretive = z.strictObject({
    tokens: z.array(z.strictObject({ name: z.string(), token: z.string().min(16) })).default([]),
    sinks: z
      .array(
        z.discriminatedUnion('type', [
          z.strictObject({ type: z.literal('web'), headers: z.record(z.string(), z.string()) }),
        ]),
      )
      .default([]),
  });
  const told = (value: unknown): string => {
    try {
      parseConfig(secretive, value);
    } catch (error) {
      return String(error) + JSON.stringify((error as AnteroomError).context);
    }
    return '';
  };

  test('shows no secret that stands in the wrong place or the wrong shape', () => {
    for (const value of [
      { tokens: 'hush-hush' },
      { tokens: ['hush-hush'] },
      { tokens: [{ name: 'a', token: 'hush-hush' }] },
      { tokens: { token: 'hush-hush' } },
      { sinks: [{ type: 'wbe', headers: { authorization: 'hush-hush' } }] },
      { sinks: [{ type: 'web', headers: 'hush-hush' }] },
      { sinks: { headers: 'hush-hush' } },
    ]) {
      expect(told(value)).not.toBe('');
      expect(told(value)).not.toContain('hush');
    }
  });

  test('names the kind that there is not, and those that there are', () => {
    expect(told({ sinks: [{ type: 'wbe' }] })).toMatch(/sinks\[0\]\.type: expected 'web', not "wbe"/);
  });
});

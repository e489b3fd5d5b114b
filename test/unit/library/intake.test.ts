/** What cannot be an access is refused by name, and the engine goes on as if it had never come. */

import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import { engineConfigSchema } from '../../../actors/engine/engine-config.ts';
import type { Access } from '../../../actors/engine/index.ts';
import { AccessBatchBuilder } from '../../../streams/access-batch-builder.ts';
import { AddressTable } from '../../../streams/address-table.ts';
import { Interner } from '../../../streams/interner.ts';
import { Operation } from '../../../streams/operation.ts';

/** As a program without types may give it. */
const untyped = (value: unknown): Access => value as Access;

describe('an engine refuses', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing at all', null, /^access: expected an object, found null$/],
    ['an access without a segment', {}, /^segment: /],
    ['a negative segment', { segment: -1 }, /^segment: .*-1$/],
    ['a time that is no number', { segment: 'a', timeMs: Number.NaN }, /^timeMs: /],
    [
      'a time so far out that intervals cannot be counted',
      { segment: 'a', timeMs: 1e300 },
      /^timeMs: .*8000000000000000/,
    ],
    ['a fraction of a byte', { segment: 'a', size: 1.5 }, /^size: expected whole bytes/],
    ['a consumer that is no name', { segment: 'a', consumer: null }, /^consumer: /],
    ['a site that is no name', { segment: 'a', site: {} }, /^site: /],
    ['an operation that only objects have', { segment: 'a', op: 'toString' }, /^op: expected read, write/],
    ['a negative size', { segment: 'a', size: -2 }, /^size: /],
    ['a weight of less than one access', { segment: 'a', weight: 0.5 }, /^weight: /],
  ])('%s', (_, access, message) => {
    const engine = createEngine();
    engine.observe({ segment: 'first', timeMs: 1000 });
    expect(() => engine.observe(untyped(access))).toThrow(message);
    expect(engine.fault).toBeNull();
    engine.observe({ segment: 'last', timeMs: 2000 });
    expect(engine.position).toBe(2);
  });

  test('a name where segments are addresses, one by one and in a batch, and lives', () => {
    const segments = new Interner();
    const engine = createEngine({ names: { segments }, addresses: new AddressTable(segments, 512) });
    engine.observe({ segment: '17', timeMs: 1000 });
    expect(() => engine.observe({ segment: '/index.html', timeMs: 2000 })).toThrow(/"\/index\.html" is not an address/);
    const builder = new AccessBatchBuilder({ file: 'log', segments });
    builder.append(3000, segments.internName('18'), -1, -1, Operation.read, -1, 1);
    builder.append(4000, segments.internName('x'), -1, -1, Operation.read, -1, 1);
    expect(() => engine.observe(builder.takeRest()!)).toThrow(/"x" is not an address/);
    expect([engine.fault, engine.position]).toEqual([null, 1]);
  });

  test('times and sizes out of range in a batch, as in single accesses, and lives', () => {
    const engine = createEngine({ config: { unit: 'bytes' } });
    engine.observe({ segment: 'first', timeMs: 1000 });
    const one = new AccessBatchBuilder({ file: 'log', segments: engine.segments });
    one.append(2000, 0, -1, -1, Operation.read, 5, 1);
    const batch = one.takeRest()!;
    expect(() => engine.observe(batch.with({ timeMs: Float64Array.of(1e300) }))).toThrow(/^timeMs of row 0: /);
    expect(() => engine.observe(batch.with({ size: Float64Array.of(1.5) }))).toThrow(/^size of row 0: /);
    engine.observe(batch);
    expect([engine.fault, engine.position]).toEqual([null, 2]);
  });

  test('settings that no engine can have', () => {
    const horizonsMs = [60_000, 10_000];
    expect(() => createEngine({ config: { farLoop: { forecaster: { horizonsMs } } } })).toThrow(
      'engine: farLoop.forecaster.horizonsMs: expected each horizon to be longer than the one before',
    );
    expect(() => createEngine({ config: { mode: 'modelled', latency: '5 parsecs' } })).toThrow(/^engine: latency: /);
    expect(engineConfigSchema.safeParse({ farLoop: { forecaster: { horizonsMs: [1, 2, 3] } } }).success).toBe(true);
  });
});

test('consumers of a batch beyond consumersMax count as nobody, as those of single accesses do', () => {
  const engine = createEngine({ config: { consumersMax: 2 } });
  const builder = new AccessBatchBuilder({ file: 'log', segments: engine.segments });
  for (let i = 0; i < 6; i++)
    builder.append(1000 * i, engine.segments.internString(`s${i}`), i, -1, Operation.read, -1, 1);
  const batch = builder.takeRest()!;
  engine.observe(batch);
  expect(engine.stats().intake.consumersRefused).toBe(4);
  expect([...batch.consumer]).toEqual([0, 1, 2, 3, 4, 5]);
  expect(engine.lastAccess(1)?.name).toBe('s1');
  expect(engine.lastAccess()).toMatchObject({ name: 's5', consumer: -1 });
});

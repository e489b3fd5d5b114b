import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AccessArrowWriter, concatBytes } from '../../streams/codec/access-arrow-writer.ts';
import { Interner } from '../../streams/interner.ts';
import { Operation } from '../../streams/operation.ts';
import { batchOf } from '../laws/streams-batches.ts';

/** A fixed log of two batches whose second names more than its first. */
function wireBytes(layout: 'stream' | 'file', isNamed: boolean): string {
  const names = { segments: new Interner(), consumers: new Interner(), sites: new Interner() };
  const row = (timeMs: number, segment: string, consumer: string | null, op: number, size: number) => ({
    timeMs,
    segment: names.segments.internString(segment),
    consumer: consumer === null ? -1 : names.consumers.internString(consumer),
    site: -1,
    op,
    size,
    weight: 1,
  });
  const writer = new AccessArrowWriter({ layout, names: isNamed ? names : null });
  const bytes = concatBytes([
    ...writer.write(batchOf([row(0, '/a', 'u', Operation.read, 10), row(1.5, '42', null, Operation.write, -1)])),
    ...writer.write(batchOf([row(Number.NaN, 'ä', 'v', Operation.delete, 2 ** 40)], 2)),
    ...writer.end(),
  ]);
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

// What is on the wire and on disk is a promise to those who read it elsewhere and later. A changed hash is a new layout: raise
// ACCESS_SCHEMA_VERSION, or find out what in the Arrow library moved.
describe('access arrow', () => {
  test('the bytes of a named stream are frozen', () => {
    expect(wireBytes('stream', true)).toBe('2880 f107cb1eb96f1594fd25d566b9cc50be98bd09a221742f48d39ef7d387a6c398');
  });
  test('the bytes of a named file are frozen', () => {
    expect(wireBytes('file', true)).toBe('3762 c8e0de000caf0b01efbb2ef7f62a6265492c031c0e2c4c918f234aa43637396e');
  });
  test('the bytes of a stream of bare ids are frozen', () => {
    expect(wireBytes('stream', false)).toBe('1720 ccf626b58f4c6f3c5f1169a9917645811af57b7116a8fffdece14e312a9bb6e6');
  });
  test('the bytes of a file of bare ids are frozen', () => {
    expect(wireBytes('file', false)).toBe('2362 a942af38fd4cbef3a5127fdc7b4b14730cb3b29e499364744704ab027d0dbf0f');
  });
});

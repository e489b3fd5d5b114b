import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Engine } from '../../actors/engine/engine.ts';
import { LogFollower } from '../../actors/node/log-follower.ts';
import { accessFrame, frameNames } from '../../actors/node/log-frame.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import { AccessArrowWriter, concatBytes } from '../../streams/codec/access-arrow-writer.ts';
import { withIds } from '../../streams/codec/named-ids.ts';
import { readNamedRows } from '../../streams/codec/named-rows.ts';
import type { Interner } from '../../streams/interner.ts';

const BOUNDS = { rowsMax: 65_536, elementsMax: 1_000_000 };
const name = fc.oneof(
  fc.constantFrom('7', '007', '/a', '/b', 'ü', '\\x5c', 'a\\b', '18446744073709551615', 'x'.repeat(300)),
  fc.string({ minLength: 1, maxLength: 12 }),
);
const row = fc.record({
  segment: name,
  consumer: fc.option(name),
  site: fc.option(name),
  op: fc.integer({ min: 0, max: 3 }),
  size: fc.double({ noNaN: true }),
});
const rows = fc.array(row, { minLength: 1, maxLength: 60 });
type Rows = (typeof rows extends fc.Arbitrary<infer T> ? T : never) & object;

/** As a post is parsed: names become ids in the order of the rows. */
function named(list: Rows): { batch: AccessBatch; names: ReturnType<typeof frameNames> } {
  const names = frameNames();
  const idOf = (table: Interner, text: string | null): number => (text === null ? -1 : table.internString(text));
  const batch = new AccessBatch(0, {
    timeMs: Float64Array.from(list, (_, i) => 1.7e12 + i),
    segment: Uint32Array.from(list, ({ segment }) => idOf(names.segments, segment)),
    consumer: Int32Array.from(list, ({ consumer }) => idOf(names.consumers, consumer)),
    site: Int32Array.from(list, ({ site }) => idOf(names.sites, site)),
    op: Uint8Array.from(list, ({ op }) => op),
    size: Float64Array.from(list, ({ size }) => size),
    weight: new Float64Array(list.length).fill(1),
  });
  return { batch, names };
}

/** An engine that only takes note of what it is told. `isPlain`: its tables take whole columns. */
function listener(isPlain: boolean, segmentsMax = 1000) {
  const told: AccessBatch[] = [];
  const tables = frameNames();
  for (const table of Object.values(tables)) {
    table.internString('known before');
    if (!isPlain) Object.defineProperty(table, 'internColumn', { value: undefined });
  }
  const engine = {
    ...tables,
    config: { segmentsMax, consumersMax: 1000 },
    observe: (batch: AccessBatch) => told.push(batch),
  } as unknown as Engine;
  const follower = new LogFollower({
    engine,
    position: 0,
    rowsPerTurn: 1000,
    rowsPerCall: 1000,
    openRequest: () => null,
  });
  return { told, tables, follower };
}

const columns = ({ timeMs, segment, consumer, site, op, size, weight }: AccessBatch) =>
  [timeMs, segment, consumer, site, op, size, weight].map((column) => Array.from(column));
const namesOf = (table: Interner): string[] => Array.from({ length: table.count }, (_, id) => table.nameOf(id));

test('a frame read where it lies tells what a frame read by Arrow tells, wherever in memory it lies and however full the tables are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 4 }),
      fc.nat({ max: 9 }),
      fc.constantFrom(4, 20, 1000),
      async (lists, shift, segmentsMax) => {
        const fast = listener(true, segmentsMax);
        const slow = listener(false, segmentsMax);
        let position = 0;
        for (const list of lists) {
          const { batch, names } = named(list);
          const { units, bytes } = accessFrame(batch, names);
          // A Buffer, as stores and sockets give it, whose `slice` copies nothing.
          const moved = Buffer.alloc(bytes.length + shift).subarray(shift);
          moved.set(bytes);
          await fast.follower.apply({ position, units, bytes: moved });
          await slow.follower.apply({ position, units, bytes });
          position += units;
        }
        expect(fast.told.map(columns)).toEqual(slow.told.map(columns));
        expect(fast.follower.counts).toEqual(slow.follower.counts);
        for (const key of ['segments', 'consumers', 'sites'] as const)
          expect(namesOf(fast.tables[key])).toEqual(namesOf(slow.tables[key]));
      },
    ),
    { numRuns: 200 },
  );
});

test('names without escapes that stand in order of use are read where they lie, others are left to Arrow', () => {
  const targets = { ...frameNames(), segmentsMax: 100, consumersMax: 100 };
  const streamOf = (batch: AccessBatch, names: ReturnType<typeof frameNames>): Uint8Array => {
    const writer = new AccessArrowWriter({ layout: 'stream', names });
    return concatBytes([...writer.write(batch), ...writer.end()]);
  };
  const list = [
    { segment: '/a', consumer: 'c', site: null, op: 0, size: 1 },
    { segment: '/b', consumer: null, site: null, op: 0, size: 1 },
  ];
  const { batch, names } = named(list);
  const plain = readNamedRows(streamOf(batch, names), BOUNDS)!;
  expect(withIds(plain, { ...targets, segmentsMax: 1 })).toBeNull();
  expect(withIds(plain, targets)!.segment).toEqual(Uint32Array.of(0, 1));
  const turned = new AccessBatch(0, { ...batch, segment: Uint32Array.of(1, 0) });
  expect(withIds(readNamedRows(streamOf(turned, names), BOUNDS)!, targets)).toBeNull();
  names.segments.internString('/unused');
  expect(withIds(readNamedRows(streamOf(batch, names), BOUNDS)!, targets)).toBeNull();
  const escaped = named([{ ...list[0]!, segment: 'a\\xff' }]);
  expect(withIds(readNamedRows(streamOf(escaped.batch, escaped.names), BOUNDS)!, targets)).toBeNull();
  expect(targets.segments.count).toBe(2);
});

test('of a stream with any one byte changed no column reaches beyond the bytes, and no name beyond its dictionary is used', () => {
  const { batch, names } = named([
    { segment: '/a', consumer: 'c', site: 's', op: 0, size: 1 },
    { segment: '/b', consumer: null, site: 's', op: 3, size: 2 },
  ]);
  const writer = new AccessArrowWriter({ layout: 'stream', names });
  const stream = concatBytes([...writer.write(batch), ...writer.end()]);
  let readCount = 0;
  for (let at = 0; at < stream.length; at++) {
    for (const bit of [0, 3, 7]) {
      const bytes = stream.slice();
      bytes[at]! ^= 1 << bit;
      let found: ReturnType<typeof readNamedRows> = null;
      try {
        found = readNamedRows(bytes, BOUNDS);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-record' });
      }
      if (found === null) continue;
      readCount++;
      expect(found.length).toBe(2);
      const targets = { ...frameNames(), segmentsMax: 100, consumersMax: 100 };
      const told = withIds(found, targets);
      if (told === null) continue;
      for (const id of told.segment) expect(id).toBeLessThan(targets.segments.count);
      for (const id of told.consumer) expect(id).toBeLessThan(targets.consumers.count);
    }
  }
  expect(readCount).toBeGreaterThan(0);
});

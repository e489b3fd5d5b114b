import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../engine/assert.ts';
import { openScratchFile } from '../../../engine/host/scratch-file.ts';
import { FutureTable, isDemand, LookAhead, NextAccesses } from '../../../sim/replay/future.ts';
import { RunAddressSpace } from '../../../sim/replay/run-address-space.ts';
import type { AccessBatch } from '../../../streams/access-batch.ts';
import { AddressTable } from '../../../streams/address-table.ts';
import { Interner } from '../../../streams/interner.ts';
import { Operation } from '../../../streams/operation.ts';
import { batchOf } from '../cache-manager/scripted-site.ts';

const SEGMENTS = 8;
const rowsArbitrary = fc.array(fc.record({ segment: fc.nat({ max: SEGMENTS - 1 }), isWrite: fc.boolean() }), {
  minLength: 1,
  maxLength: 80,
});
const policy = fc.constantFrom('access' as const, 'invalidate' as const, 'ignore' as const);

function cut(whole: AccessBatch, rowsMax: number): AccessBatch[] {
  const batches: AccessBatch[] = [];
  for (let from = 0; from < whole.length; from += rowsMax) {
    batches.push(whole.slice(from, Math.min(whole.length, from + rowsMax)));
  }
  return batches;
}

describe('demand', () => {
  test('a write or delete is a demand only where writes are accesses', () => {
    expect(isDemand(Operation.write, 'access')).toBe(true);
    for (const op of [Operation.write, Operation.delete]) expect(isDemand(op, 'invalidate')).toBe(false);
    for (const op of [Operation.read, Operation.other]) expect(isDemand(op, 'ignore')).toBe(true);
  });
});

describe('next accesses', () => {
  test('are those that a search to the right finds, before each access and for every segment', async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, fc.integer({ min: 1, max: 20 }), policy, async (rows, rowsMax, writes) => {
        const batches = cut(batchOf(rows), rowsMax);
        async function* reversed(): AsyncGenerator<AccessBatch> {
          for (const batch of [...batches].reverse()) yield batch;
        }
        const next = await NextAccesses.build(reversed(), SEGMENTS, writes, await openScratchFile());
        const table = new FutureTable(next.first);
        const isAsked = (row: { isWrite: boolean }): boolean => writes === 'access' || !row.isWrite;
        const naive = (segment: number, after: number): number => {
          const at = rows.findIndex((row, i) => i > after && row.segment === segment && isAsked(row));
          return at < 0 ? Infinity : at;
        };
        for (const batch of batches) {
          table.load(batch.position, await next.columnOf(batch));
          for (let i = 0; i < batch.length; i++) {
            const position = batch.position + i;
            if (!isAsked(rows[position]!)) continue;
            table.beforeAccess(position, batch.segment[i]!);
            for (let s = 0; s < SEGMENTS; s++) expect(table.nextOf(s)).toBe(naive(s, position));
          }
        }
        expect(table.nextOf(SEGMENTS + 5)).toBe(Infinity);
        await next.close();
      }),
      { numRuns: 60 },
    );
  });

  test('a table that cannot be built leaves no scratch file open', async () => {
    async function* broken(): AsyncGenerator<AccessBatch> {
      yield batchOf([1, 2]);
      throw new Error('disk went away');
    }
    const file = await openScratchFile();
    await expect(NextAccesses.build(broken(), 3, 'access', file)).rejects.toThrow('disk went away');
    await expect(file.append(new Uint8Array(4))).rejects.toThrow();
  });

  test('a batch that was never seen is a fault of the caller', async () => {
    async function* none(): AsyncGenerator<AccessBatch> {}
    const next = await NextAccesses.build(none(), 1, 'access', await openScratchFile());
    await expect(next.columnOf(batchOf([1]))).rejects.toThrow(InvariantError);
    await next.close();
  });
});

describe('look-ahead', () => {
  test('sees exactly the demands up to its depth, over batch ends', () => {
    fc.assert(
      fc.property(
        rowsArbitrary,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 30 }),
        policy,
        (rows, rowsMax, depth, writes) => {
          const lookAhead = new LookAhead(depth, writes);
          const coming = cut(batchOf(rows.map((row, i) => ({ ...row, size: i }))), rowsMax);
          const waiting: AccessBatch[] = [];
          const serve = (batch: AccessBatch): void => {
            for (let i = 0; i < batch.length; i++) {
              const position = batch.position + i;
              lookAhead.beforeAccess(position);
              for (let k = 1; k <= depth; k++) {
                const row = rows[position + k];
                const isSeen = row !== undefined && (writes === 'access' || !row.isWrite);
                expect(lookAhead.segmentAfter(k)).toBe(isSeen ? row.segment : -1);
                expect(lookAhead.sizeBytesAfter(k)).toBe(isSeen ? position + k : -1);
              }
            }
          };
          for (const batch of coming) {
            waiting.push(batch);
            lookAhead.push(batch);
            while (waiting.length > 0 && !lookAhead.needs(waiting[0]!)) serve(waiting.shift()!);
          }
          waiting.forEach(serve);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('addresses of a run', () => {
  function names(): Interner {
    const segments = new Interner();
    for (const address of ['100', '108', '7']) segments.internString(address);
    return segments;
  }

  test('the trace’s own are those of its table; one beyond them gets an id of the run’s own', () => {
    const segments = names();
    const space = new RunAddressSpace(new AddressTable(segments, 512), segments);
    expect(space.unitBytes).toBe(512);
    expect([0, 1, 2].map((segment) => space.addressOf(segment))).toEqual([100, 108, 7]);
    expect(space.segmentAt(108)).toBe(1);
    const invented = space.segmentAt(116);
    expect(invented).toBe(3);
    expect(space.segmentAt(116)).toBe(3);
    expect(space.addressOf(3)).toBe(116);
    expect(space.segmentAt(2 ** 40)).toBe(4);
    expect(space.addressOf(4)).toBe(2 ** 40);
  });

  test('what one run invents is unknown to the next, and to the trace', () => {
    const segments = names();
    const table = new AddressTable(segments, 512);
    const first = new RunAddressSpace(table, segments);
    first.segmentAt(1);
    first.segmentAt(2);
    expect(new RunAddressSpace(table, segments).segmentAt(2)).toBe(3);
    expect(segments.count).toBe(3);
  });

  test('what is no address has no segment', () => {
    const segments = names();
    const space = new RunAddressSpace(new AddressTable(segments, 1), segments);
    for (const address of [-1, 1.5, Number.NaN, Infinity, 2 ** 60]) expect(space.segmentAt(address)).toBe(-1);
  });
});

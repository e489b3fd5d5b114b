import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { type AccessInterners, readAccessArrow } from '../../streams/codec/access-arrow-reader.ts';
import { AccessArrowWriter, concatBytes } from '../../streams/codec/access-arrow-writer.ts';
import { fromRecordBatch, toRecordBatch } from '../../streams/codec/record-batch.ts';
import { Interner } from '../../streams/interner.ts';
import { arbitraryCuts, arbitraryLog, cut, rowsOf } from './streams-batches.ts';

function newNames(): AccessInterners {
  return { segments: new Interner(), consumers: new Interner(), sites: new Interner() };
}

async function* inChunks(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

async function all(batches: AsyncIterable<AccessBatch>): Promise<AccessBatch[]> {
  const list: AccessBatch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

/** Names by id; the awkward ones of each table come first. */
const segmentNames = ['7', '007', 'a\\xffb', '\\x5c', '', 'ä', 'x'.repeat(300)];

describe('access codec', () => {
  test('a batch survives the way to a record batch and back, sharing its memory', () => {
    fc.assert(
      fc.property(arbitraryLog, arbitraryCuts, fc.nat(), (log, cuts, position) => {
        for (const batch of cut(log, cuts, position)) {
          const back = fromRecordBatch(toRecordBatch(batch));
          expect(back.position).toBe(batch.position);
          expect(rowsOf([back])).toEqual(rowsOf([batch]));
          if (batch.length > 0)
            for (const name of ['timeMs', 'segment', 'consumer', 'site', 'op', 'size', 'weight'] as const)
              expect(back[name].buffer).toBe(batch[name].buffer);
        }
      }),
    );
  });

  test('bare ids survive streams and files, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryLog,
        arbitraryCuts,
        fc.constantFrom('stream' as const, 'file' as const),
        fc.integer({ min: 1, max: 3000 }),
        async (log, cuts, layout, chunkBytes) => {
          const writer = new AccessArrowWriter({ layout, names: null });
          const batches = cut(log, cuts, 9).filter((batch) => batch.length > 0);
          const bytes = concatBytes([...batches.flatMap((batch) => writer.write(batch)), ...writer.end()]);
          const back = await all(readAccessArrow(inChunks(bytes, chunkBytes), newNames()));
          expect(rowsOf(back)).toEqual(log);
          expect(back.map((batch) => batch.position)).toEqual(batches.map((batch) => batch.position));
          expect(rowsOf(await all(readAccessArrow(bytes, newNames())))).toEqual(log);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('names survive, also into tables that know other names already', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryLog,
        arbitraryCuts,
        fc.constantFrom('stream' as const, 'file' as const),
        fc.array(fc.constantFrom(...segmentNames, 'other'), { maxLength: 4 }),
        async (log, cuts, layout, known) => {
          // Ids are given out as rows come, so dictionaries grow from batch to batch.
          const names = newNames();
          const nameOf = (prefix: string, id: number): string => segmentNames[id] ?? `${prefix}${id}`;
          const id = (table: Interner, prefix: string, n: number): number =>
            n < 0 ? -1 : n === 5 ? table.internBytes(Uint8Array.of(0xc3), 0, 1) : table.internString(nameOf(prefix, n));
          const writer = new AccessArrowWriter({ layout, names });
          const chunks: Uint8Array[] = [];
          const sent: unknown[] = [];
          const named = (batches: readonly AccessBatch[], tables: AccessInterners): unknown[] =>
            rowsOf(batches).map((row) => ({
              ...row,
              segment: tables.segments.nameOf(row.segment),
              consumer: row.consumer < 0 ? null : tables.consumers.nameOf(row.consumer),
              site: row.site < 0 ? null : tables.sites.nameOf(row.site),
            }));
          for (const batch of cut(log, cuts)) {
            batch.segment.forEach((n, i) => {
              batch.segment[i] = id(names.segments, 's', n);
            });
            batch.consumer.forEach((n, i) => {
              batch.consumer[i] = id(names.consumers, 'c', n);
            });
            batch.site.forEach((n, i) => {
              batch.site[i] = id(names.sites, 'r', n);
            });
            chunks.push(...writer.write(batch));
            sent.push(...named([batch], names));
          }
          chunks.push(...writer.end());
          const tables = newNames();
          for (const name of known) for (const table of Object.values(tables)) table.internString(name);
          expect(named(await all(readAccessArrow(concatBytes(chunks), tables)), tables)).toEqual(sent);

          // Arrow's own reader, which knows nothing of this project, sees the names too.
          const table = tableFromIPC(concatBytes(chunks));
          expect(table.toArray().map(({ segment }) => segment)).toEqual(
            sent.map((row) => (row as { segment: string }).segment),
          );
          expect(table.toArray().map(({ consumer }) => consumer)).toEqual(
            sent.map((row) => (row as { consumer: string }).consumer),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('bytes that end early are said to be truncated, or are whole batches', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({
      timeMs: i,
      segment: i,
      consumer: -1,
      site: -1,
      op: 0,
      size: 1,
      weight: 1,
    }));
    const writer = new AccessArrowWriter({ layout: 'stream', names: null });
    const bytes = concatBytes([...cut(rows, [5]).flatMap((batch) => writer.write(batch)), ...writer.end()]);
    for (let length = 0; length < bytes.length; length += 7) {
      const result = await all(readAccessArrow(bytes.slice(0, length), newNames())).catch((error: unknown) => error);
      if (Array.isArray(result))
        expect(rowsOf(result as AccessBatch[])).toEqual(rows.slice(0, rowsOf(result as AccessBatch[]).length));
      else
        expect(result).toMatchObject({
          name: 'AnteroomError',
          code: expect.stringMatching(/^(truncated|bad-record)$/),
        });
    }
  });

  test('a file can be opened by its index', async () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({
      timeMs: i,
      segment: i,
      consumer: -1,
      site: -1,
      op: 0,
      size: 1,
      weight: 1,
    }));
    const writer = new AccessArrowWriter({ layout: 'file', names: null });
    const bytes = concatBytes([...cut(rows, [5]).flatMap((batch) => writer.write(batch)), ...writer.end()]);
    const reader = RecordBatchReader.from(bytes);
    reader.open();
    expect(reader.isFile()).toBe(true);
    expect((reader as unknown as { readonly numRecordBatches: number }).numRecordBatches).toBe(3);
  });
});

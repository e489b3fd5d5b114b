import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LmdbLogStore } from '../../engine/state/lmdb-log-store.ts';
import type { LogAppend, LogEntry, LogStore } from '../../engine/state/log-store.ts';
import type { LogStoreConfig } from '../../engine/state/log-store-config.ts';
import { MemoryDisk, MemoryLogStore } from '../../engine/state/memory-log-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Opens a store on what the store before it left; `crash` is another process that opens the same without a close. */
interface Place {
  open(config?: Partial<LogStoreConfig>): Promise<LogStore>;
}
let places = 0;
const implementations: readonly { readonly name: string; readonly place: () => Place }[] = [
  {
    name: 'memory',
    place: () => {
      const disk = new MemoryDisk();
      return { open: async (config) => new MemoryLogStore({ disk, ...(config ? { config } : {}) }) };
    },
  },
  {
    name: 'lmdb',
    place: () => {
      const path = join(folder, `log-${places++}`);
      return { open: (config) => LmdbLogStore.open({ path, ...(config ? { config } : {}) }) };
    },
  },
];

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const one = (text: string, units = 1, origin: LogAppend['origin'] = null): LogAppend => ({
  origin,
  frames: [{ units, bytes: bytesOf(text) }],
});
async function all(log: LogStore, from: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const entry of log.read(from)) texts.push(shown(entry));
  return texts;
}
const shown = ({ position, units, bytes }: LogEntry): string =>
  `${position}+${units} ${new TextDecoder().decode(bytes)}`;

describe.each(implementations)('a log in $name', ({ place }) => {
  test('a probe says whether an append of as many bytes would succeed, and changes nothing', async () => {
    const where = place();
    const log = await where.open({ bytesMax: 100_000 });
    await log.append([one('a', 3, { producer: 'p', sequence: 1 })]);
    const before = log.facts;
    await log.probe(50_000);
    await expect(log.probe(200_000)).rejects.toMatchObject({ code: 'disk-full' });
    expect(log.facts).toEqual(before);
    await log.close();
    const again = await where.open();
    expect(again.facts).toEqual(before);
    expect(await all(again, 0)).toEqual(['0+3 a']);
    await again.close();
  });

  test('gives positions that count units and reads back what was appended, in order', async () => {
    const log = await place().open();
    expect(
      await log.append([
        one('a', 3),
        {
          origin: null,
          frames: [
            { units: 2, bytes: bytesOf('b') },
            { units: 1, bytes: bytesOf('c') },
          ],
        },
      ]),
    ).toEqual([
      { kind: 'appended', from: 0, to: 3 },
      { kind: 'appended', from: 3, to: 6 },
    ]);
    expect(await all(log, 0)).toEqual(['0+3 a', '3+2 b', '5+1 c']);
    expect(log.facts).toMatchObject({ start: 0, end: 6, entryCount: 3 });
    await log.close();
  });

  test('reads from the entry that holds a position, and nothing at the end', async () => {
    const log = await place().open();
    await log.append([one('a', 3), one('b', 2)]);
    expect(await all(log, 2)).toEqual(['0+3 a', '3+2 b']);
    expect(await all(log, 3)).toEqual(['3+2 b']);
    expect(await all(log, 5)).toEqual([]);
    await expect(all(log, 6)).rejects.toMatchObject({ code: 'not-found', context: { position: 6, start: 0, end: 5 } });
    await log.close();
  });

  test('appends a producer and sequence once, in one list, in two, and after it was opened again', async () => {
    const at = place();
    const origin = { producer: 'web-1', sequence: 7 };
    let log = await at.open();
    expect((await log.append([one('a', 1, origin), one('a', 1, origin)])).map((r) => r.kind)).toEqual([
      'appended',
      'duplicate',
    ]);
    expect((await log.append([one('a', 1, origin)])).map((r) => r.kind)).toEqual(['duplicate']);
    await log.close();
    log = await at.open();
    expect(
      (await log.append([one('a', 1, origin), one('b', 1, { ...origin, producer: 'web-2' })])).map((r) => r.kind),
    ).toEqual(['duplicate', 'appended']);
    expect(await all(log, 0)).toEqual(['0+1 a', '1+1 b']);
    await log.close();
  });

  test('takes sequences in any order within the window, and refuses aloud what is behind it', async () => {
    const log = await place().open({ sequenceWindow: 8 });
    const kinds = async (...sequences: number[]): Promise<string[]> =>
      (await log.append(sequences.map((s) => one(String(s), 1, { producer: 'p', sequence: s })))).map((r) => r.kind);
    expect(await kinds(5, 3, 12, 5, 4, 11)).toEqual([
      'appended',
      'appended',
      'appended',
      'duplicate',
      'refused',
      'appended',
    ]);
    expect(await log.append([one('x', 1, { producer: 'p', sequence: 0 })])).toEqual([
      { kind: 'refused', reason: 'stale-sequence' },
    ]);
    expect(await kinds(6, 7, 8, 9, 10, 12, 6)).toEqual([
      'appended',
      'appended',
      'appended',
      'appended',
      'appended',
      'duplicate',
      'duplicate',
    ]);
    await log.close();
  });

  test('remembers no more producers than it may, and forgets none whose entries it holds', async () => {
    const log = await place().open({ producersMax: 2 });
    const from = (producer: string): LogAppend => one(producer, 1, { producer, sequence: 1 });
    await log.append([from('a'), from('b')]);
    expect(await log.append([from('c')])).toEqual([{ kind: 'refused', reason: 'producers' }]);
    await log.trim(1);
    expect((await log.append([from('c')]))[0]!.kind).toBe('appended');
    expect(log.facts).toMatchObject({ producerCount: 2, producersForgotten: 1 });
    expect((await log.append([from('b')]))[0]!.kind).toBe('duplicate');
    await log.close();
  });

  test('trims whole entries only, keeps positions, and says which are gone', async () => {
    const at = place();
    let log = await at.open();
    await log.append([one('a', 3, { producer: 'p', sequence: 1 }), one('b', 2), one('c', 1)]);
    await log.trim(4);
    expect(log.facts).toMatchObject({ start: 3, end: 6, entryCount: 2 });
    await expect(all(log, 2)).rejects.toMatchObject({ code: 'not-found' });
    await log.close();
    log = await at.open();
    expect(await all(log, 3)).toEqual(['3+2 b', '5+1 c']);
    await log.trim(100);
    expect(log.facts).toMatchObject({ start: 6, end: 6, entryCount: 0, bytes: 0 });
    expect((await log.append([one('a', 3, { producer: 'p', sequence: 1 }), one('d')])).map((r) => r.kind)).toEqual([
      'duplicate',
      'appended',
    ]);
    expect(await all(log, 6)).toEqual(['6+1 d']);
    await log.close();
  });

  test('refuses a list as a whole at its bound of bytes, and takes the same again after a trim', async () => {
    const log = await place().open({ bytesMax: 1024 });
    const append = (sequence: number): LogAppend => one('x'.repeat(300), 1, { producer: 'p', sequence });
    await log.append([append(1), append(2)]);
    await expect(log.append([append(3), append(4)])).rejects.toMatchObject({ code: 'disk-full', isRetryable: true });
    expect(log.facts.end).toBe(2);
    await log.trim(2);
    expect((await log.append([append(3), append(4), append(1)])).map((r) => r.kind)).toEqual([
      'appended',
      'appended',
      'duplicate',
    ]);
    await log.close();
  });

  test('refuses a producer that is no name and a sequence that is no count', async () => {
    const log = await place().open();
    await expect(log.append([one('a', 1, { producer: 'a b', sequence: 0 })])).rejects.toMatchObject({
      code: 'bad-usage',
    });
    await expect(log.append([one('a', 1, { producer: 'a', sequence: -1 })])).rejects.toMatchObject({
      code: 'bad-usage',
    });
    await expect(log.append([one('a', 1, { producer: 'a', sequence: 2 ** 60 })])).rejects.toMatchObject({
      code: 'bad-usage',
    });
    expect(log.facts.end).toBe(0);
    await log.close();
  });

  test('law: whatever is repeated, reordered and reopened, each origin is in the log once and in order of its first arrival', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.record({ producer: fc.constantFrom('a', 'b', 'c'), sequence: fc.nat({ max: 30 }) }), {
            minLength: 1,
            maxLength: 8,
          }),
          { maxLength: 8 },
        ),
        fc.nat({ max: 7 }),
        async (lists, reopenAt) => {
          const at = place();
          let log = await at.open();
          const expected: string[] = [];
          for (const [i, list] of lists.entries()) {
            if (i === reopenAt) {
              await log.close();
              log = await at.open();
            }
            const receipts = await log.append(
              list.map((origin) => one(`${origin.producer}${origin.sequence}`, 1, origin)),
            );
            for (const [j, origin] of list.entries()) {
              const name = `${origin.producer}${origin.sequence}`;
              expect(receipts[j]!.kind).toBe(expected.includes(name) ? 'duplicate' : 'appended');
              if (!expected.includes(name)) expected.push(name);
            }
          }
          expect((await all(log, 0)).map((text) => text.split(' ')[1])).toEqual(expected);
          await log.close();
        },
      ),
      { numRuns: 15 },
    );
  });
});

import { Dictionary, Int32, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import type { FileFormat } from '../../../streams/format.ts';
import { arrowIpc } from '../../../streams/sources/arrow-ipc.ts';
import { parquet } from '../../../streams/sources/parquet.ts';
import { readFileTrace } from './read-trace.ts';

const names = Array.from({ length: 40 }, (_, i) => `object-${(i * 7) % 11}`);
const table = new Table({
  key: vectorFromArray(names, new Dictionary(new Utf8(), new Int32())),
  user: vectorFromArray(names, new Utf8()),
  t: vectorFromArray(names.map((_, i) => i)),
});
const parquetBytes = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: 'key', data: names, type: 'STRING' },
      { name: 't', data: names.map((_, i) => i), type: 'INT32' },
    ],
  }),
);

const inputs: readonly (readonly [string, FileFormat, Uint8Array])[] = [
  ['an Arrow stream', arrowIpc, tableToIPC(table, 'stream')],
  ['an Arrow file', arrowIpc, tableToIPC(table, 'file')],
  ['a Parquet file', parquet, parquetBytes],
];

describe('columnar files that were cut', () => {
  test.each(inputs)('%s that is cut anywhere is refused or read as far as it goes', async (_, format, bytes) => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), async (length) => {
        const fault = await readFileTrace(format, bytes.subarray(0, length)).then(
          () => null,
          (error: unknown) => error,
        );
        if (fault !== null) expect(fault).toBeInstanceOf(AnteroomError);
      }),
      { numRuns: 60 },
    );
  });
});

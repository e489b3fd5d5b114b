/** Apache Parquet: how it is told; what reads it is loaded when something is read. */

import type { FileFormat } from '../format.ts';
import { refuseOtherOptions } from './format-options.ts';

export const parquetMagic = [0x50, 0x41, 0x52, 0x31] as const; // PAR1

/**
 * Pages may be plain, Snappy, gzip, Brotli, zstd or LZ4. Columns inside lists, maps and structs are not looked at.
 */
export const parquet: FileFormat = {
  kind: 'file',
  name: 'parquet',
  description: 'Apache Parquet with named columns (time, segment, consumer, site, op, size, weight or names like them)',
  reference: 'https://parquet.apache.org/docs/file-format/',
  addressBytes: null,
  detect: (head) => (parquetMagic.every((byte, i) => head[i] === byte) ? 1 : 0),
  async *read(file, options, sink) {
    refuseOtherOptions(parquet.name, options, ['columns', 'timeUnit']);
    const { readParquet } = await import('./parquet-reader.ts');
    yield* readParquet(file, options, sink);
  },
};

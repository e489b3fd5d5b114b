/** libCacheSim's txt traces: an object id a line and nothing else. */

import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import { Fields, type LineRecord, LineRecordDecoder, lookAtLines } from './line-records.ts';

const linesLookedAt = 4096;

/** The whole line is the id; blank lines mean nothing. No time, no size, no consumer. */
export const libcachesimTxt: StreamFormat = {
  kind: 'stream',
  name: 'libcachesim-txt',
  description: 'libCacheSim txt trace: an object id a line',
  reference: 'https://github.com/1a1a11a/libCacheSim, doc/quickstart_cachesim.md and traceReader/generalReader/txt.c',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(libcachesimTxt.name, options, []);
    return new LineRecordDecoder(readLine);
  },
};

function readLine(record: LineRecord, sink: AccessSink): boolean {
  const segment = sink.segments.internBytes(record.bytes, record.start, record.end);
  sink.append(Number.NaN, segment, ABSENT, ABSENT, Operation.read, -1, 1);
  return true;
}

/** Claimed only where every line is one number: any text is lines, but not every text is a trace. */
function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(1);
  const { isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    fields.splitAtBlanks(bytes, start, end);
    if (fields.count !== 1 || fields.starts[0] !== start || fields.ends[0] !== end) return false;
    for (let i = start; i < end; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
    return true;
  });
  return isEvery ? 0.7 : 0;
}

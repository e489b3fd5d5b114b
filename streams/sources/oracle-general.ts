/** libCacheSim's oracleGeneral: 24 bytes a request, little-endian, each knowing when its object is requested next. */

import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { FixedRecordDecoder } from './fixed-record.ts';
import { refuseOtherOptions } from './format-options.ts';

const recordBytes = 24;
const recordsLookedAt = 1024;

/**
 * Layout: u32 time in seconds, u64 object id, u32 size in bytes, i64 ordinal of the object's next request or -1.
 *
 * The next request is oracle knowledge; it is checked for plausibility and dropped, so that no prefetcher can see it.
 * Ids are opaque: converters hash or renumber them.
 */
export const oracleGeneral: StreamFormat = {
  kind: 'stream',
  name: 'oracle-general',
  description: "libCacheSim's oracleGeneral binary trace (24 bytes a request: time, id, size, next request)",
  reference: 'https://github.com/1a1a11a/libCacheSim, doc/quickstart_cachesim.md and oracleGeneralBin.h',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(oracleGeneral.name, options, []);
    return new FixedRecordDecoder(recordBytes, readRecords, 'a whole oracleGeneral record');
  },
};

function readRecords(view: DataView, start: number, count: number, byte: number, sink: AccessSink): void {
  const segments = sink.segments;
  for (let i = 0, offset = start; i < count; i++, offset += recordBytes) {
    const nextHigh = view.getInt32(offset + 20, true);
    if (nextHigh < 0 && !(nextHigh === -1 && view.getUint32(offset + 16, true) === 0xffffffff)) {
      const found = view.getBigInt64(offset + 16, true);
      sink.reject(
        { byte: byte + i * recordBytes },
        'the next request of the object, or -1, in bytes 16..23',
        `${found}`,
      );
      continue;
    }
    const timeMs = view.getUint32(offset, true) * 1000;
    const segment = segments.internU64(view.getUint32(offset + 8, true), view.getUint32(offset + 4, true));
    sink.append(timeMs, segment, ABSENT, ABSENT, Operation.read, view.getUint32(offset + 12, true), 1);
  }
}

/**
 * Every record must have a time that does not go back and a next request that lies after itself; where that next request
 * falls inside the head, the object found there must be the same. Text and other binary layouts fail within a few records.
 */
function detect(head: Uint8Array, isWhole: boolean): number {
  const recordCount = Math.min(Math.floor(head.length / recordBytes), recordsLookedAt);
  // A file that was cut inside a record is still to be told, and then refused at the place of the cut.
  const isCut = isWhole && head.length % recordBytes !== 0;
  if (recordCount === 0 || (isCut && recordCount < 2)) return 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let lastTime = 0;
  let isProven = false;
  for (let i = 0; i < recordCount; i++) {
    const offset = i * recordBytes;
    const time = view.getUint32(offset, true);
    const next = view.getInt32(offset + 20, true) * 2 ** 32 + view.getUint32(offset + 16, true);
    const isNever = next === -1 || next >= 2 ** 63 - 2 ** 11;
    if (time < lastTime || (!isNever && (next <= i || next > 2 ** 48))) return 0;
    lastTime = time;
    if (!isNever && next <= recordCount && next > i + 1) {
      // The published files count requests from 1; a converter that counts from 0 is accepted as well.
      const isSame =
        isSameId(view, offset, (next - 1) * recordBytes) ||
        (next < recordCount && isSameId(view, offset, next * recordBytes));
      if (!isSame) return 0;
      isProven = true;
    }
  }
  return isProven ? 0.98 : recordCount >= 2 || isWhole ? 0.8 : 0.5;
}

function isSameId(view: DataView, a: number, b: number): boolean {
  return (
    view.getUint32(a + 4, true) === view.getUint32(b + 4, true) &&
    view.getUint32(a + 8, true) === view.getUint32(b + 8, true)
  );
}

/** The integer traces of the cache2k benchmark, which Caffeine's simulator reads too: one big-endian i32 key an access. */

import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { FixedRecordDecoder } from './fixed-record.ts';
import { refuseOtherOptions } from './format-options.ts';

const recordBytes = 4;
const keysLookedAt = 4096;
/** Keys in these traces are dense numbers; four bytes of text, or of a little-endian field, exceed this. */
const keyMax = 2 ** 27;

/** No time, no size, no consumer: the order is all there is. Keys were numbered by their authors, so they are opaque. */
export const cache2k: StreamFormat = {
  kind: 'stream',
  name: 'cache2k',
  description: 'cache2k and Caffeine simulator trace: a big-endian 32-bit key an access, nothing else',
  reference: 'https://github.com/cache2k/cache2k-benchmark (traces), Caffeine simulator Cache2kTraceReader',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(cache2k.name, options, []);
    return new FixedRecordDecoder(recordBytes, readRecords, 'a whole 32-bit key');
  },
};

function readRecords(view: DataView, start: number, count: number, _byte: number, sink: AccessSink): void {
  const segments = sink.segments;
  const end = start + count * recordBytes;
  for (let offset = start; offset < end; offset += recordBytes) {
    const key = view.getInt32(offset, false);
    const segment = key >= 0 ? segments.internU64(0, key) : segments.internString(String(key));
    sink.append(Number.NaN, segment, ABSENT, ABSENT, Operation.read, -1, 1);
  }
}

/**
 * Any bytes are a trace of this kind, so the claim is weak (.7 at most) and rests on what such traces look like: small keys
 * with a zero top byte, several distinct ones, and not the low bytes first (which would leave the low half zero).
 */
function detect(head: Uint8Array, isWhole: boolean): number {
  const keyCount = Math.min(Math.floor(head.length / recordBytes), keysLookedAt);
  if (keyCount < 2 || (isWhole && head.length % recordBytes !== 0)) return 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let smallCount = 0;
  let lowHalfZeroCount = 0;
  let changeCount = 0;
  let previous = -1;
  for (let i = 0; i < keyCount; i++) {
    const key = view.getUint32(i * recordBytes, false);
    if (key >= keyMax) return 0;
    if (key < 2 ** 24) smallCount++;
    if (key !== 0 && (key & 0xffff) === 0) lowHalfZeroCount++;
    if (key !== previous) changeCount++;
    previous = key;
  }
  if (changeCount < 2 || lowHalfZeroCount * 8 > keyCount) return 0;
  return smallCount * 2 > keyCount ? 0.7 : 0.5;
}

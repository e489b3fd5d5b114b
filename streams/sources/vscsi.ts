/** VSCSI v1 and v2: one fixed record per SCSI command of a virtual disk, as CloudPhysics recorded them. */

import { ABSENT, isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamDecoder, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { FixedRecordDecoder, type FixedRecordReader } from './fixed-record.ts';
import { refuseOtherOptions } from './format-options.ts';

/** Byte offsets of the fields of one version; all little-endian, times in microseconds, `lbn` in 512-byte sectors. */
interface Layout {
  readonly version: number;
  readonly recordBytes: number;
  readonly length: number;
  readonly command: number;
  /** The high byte of the u16 `ver` is the version. */
  readonly versionByte: number;
  readonly lbn: number;
  readonly time: number;
}

// v1: u32 sn, u32 len, u32 nSG, u16 cmd, u16 ver, u64 lbn, u64 ts.
const v1: Layout = { version: 1, recordBytes: 32, length: 4, command: 12, versionByte: 15, lbn: 16, time: 24 };
// v2: u16 cmd, u16 ver, u32 sn, u32 len, u32 nSG, u64 lbn, u64 ts, u64 rt.
const v2: Layout = { version: 2, recordBytes: 40, length: 8, command: 0, versionByte: 3, lbn: 16, time: 24 };

/** Enough bytes to see two records of either version. */
const headBytes = 2 * v2.recordBytes;
const recordsLookedAt = 512;

/** SCSI operation codes (SBC-3, table of commands). Whatever else a disk is asked is `other`: counted, never a read. */
const operationOfCommand: ReadonlyMap<number, OperationCode> = new Map<number, OperationCode>([
  [0x08, Operation.read], // READ(6)
  [0x28, Operation.read], // READ(10)
  [0xa8, Operation.read], // READ(12)
  [0x88, Operation.read], // READ(16)
  [0x0a, Operation.write], // WRITE(6)
  [0x2a, Operation.write], // WRITE(10)
  [0xaa, Operation.write], // WRITE(12)
  [0x8a, Operation.write], // WRITE(16)
  [0x2e, Operation.write], // WRITE AND VERIFY(10)
  [0xae, Operation.write], // WRITE AND VERIFY(12)
  [0x8e, Operation.write], // WRITE AND VERIFY(16)
  [0x41, Operation.write], // WRITE SAME(10)
  [0x93, Operation.write], // WRITE SAME(16)
  [0x42, Operation.delete], // UNMAP
]);

export const vscsi: StreamFormat = {
  kind: 'stream',
  name: 'vscsi',
  description: 'VSCSI v1 or v2 binary trace of a virtual disk (CloudPhysics); segments are sector addresses',
  reference: 'https://github.com/1a1a11a/libCacheSim, traceReader/customizedReader/vscsi.h',
  addressBytes: 512,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(vscsi.name, options, []);
    return new VscsiDecoder();
  },
};

/** Waits for two records to tell the version, then hands over. */
class VscsiDecoder implements StreamDecoder {
  readonly #head = new Uint8Array(headBytes);
  #headLength = 0;
  #records: FixedRecordDecoder | null = null;

  write(chunk: Uint8Array, sink: AccessSink): void {
    let rest = chunk;
    if (this.#records === null) {
      const taken = Math.min(headBytes - this.#headLength, chunk.length);
      this.#head.set(chunk.subarray(0, taken), this.#headLength);
      this.#headLength += taken;
      if (this.#headLength < headBytes) return;
      rest = chunk.subarray(taken);
      this.#start(sink);
    }
    if (rest.length > 0) this.#records?.write(rest, sink);
  }

  end(sink: AccessSink): void {
    if (this.#records === null && this.#headLength > 0) this.#start(sink);
    this.#records?.end(sink);
  }

  #start(sink: AccessSink): void {
    const head = this.#head.subarray(0, this.#headLength);
    const layout = layoutOf(head);
    this.#records = new FixedRecordDecoder(
      layout.recordBytes,
      recordReader(layout),
      `a whole VSCSI v${layout.version} record`,
    );
    this.#records.write(head, sink);
  }
}

/** The version that one of the first two records states. Where none does, v1: its reader then refuses each record by place. */
function layoutOf(head: Uint8Array): Layout {
  const states = (layout: Layout, record: number): boolean =>
    head[record * layout.recordBytes + layout.versionByte] === layout.version;
  if (states(v1, 0)) return v1; // byte 15 of a v2 record is the top byte of a scatter-gather count and never 1
  if (states(v2, 0)) return v2;
  return states(v2, 1) && !states(v1, 1) ? v2 : v1;
}

function recordReader(layout: Layout): FixedRecordReader {
  const { version, recordBytes, versionByte } = layout;
  return (view: DataView, start: number, count: number, byte: number, sink: AccessSink): void => {
    const segments = sink.segments;
    for (let i = 0, offset = start; i < count; i++, offset += recordBytes) {
      const found = view.getUint8(offset + versionByte);
      if (found !== version) {
        sink.reject(
          { byte: byte + i * recordBytes + versionByte },
          `version ${version} as in the records before`,
          `${found}`,
        );
        continue;
      }
      const microseconds =
        view.getUint32(offset + layout.time + 4, true) * 2 ** 32 + view.getUint32(offset + layout.time, true);
      if (!isTime(microseconds / 1000)) {
        sink.reject({ byte: byte + i * recordBytes + layout.time }, 'a time in microseconds', `${microseconds}`);
        continue;
      }
      const segment = segments.internU64(
        view.getUint32(offset + layout.lbn + 4, true),
        view.getUint32(offset + layout.lbn, true),
      );
      const op = operationOfCommand.get(view.getUint16(offset + layout.command, true)) ?? Operation.other;
      sink.append(microseconds / 1000, segment, ABSENT, ABSENT, op, view.getUint32(offset + layout.length, true), 1);
    }
  };
}

/** Version bytes, known commands and times that do not run back by more than a minute (completion order is not issue order). */
function detect(head: Uint8Array, isWhole: boolean): number {
  const layout = head.length >= v1.recordBytes ? layoutOf(head) : v1;
  const recordCount = Math.min(Math.floor(head.length / layout.recordBytes), recordsLookedAt);
  // A file that was cut inside a record is still to be told, and then refused at the place of the cut.
  const isCut = isWhole && head.length % layout.recordBytes !== 0;
  if (recordCount === 0 || (isCut && recordCount < 2)) return 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let lastTime = 0;
  for (let i = 0; i < recordCount; i++) {
    const offset = i * layout.recordBytes;
    const time = view.getUint32(offset + layout.time + 4, true) * 2 ** 32 + view.getUint32(offset + layout.time, true);
    const isPlausible =
      view.getUint8(offset + layout.versionByte) === layout.version &&
      operationOfCommand.has(view.getUint16(offset + layout.command, true)) &&
      time >= lastTime - 60e6 &&
      view.getUint32(offset + layout.lbn + 4, true) < 2 ** 16;
    if (!isPlausible) return 0;
    lastTime = time;
  }
  return recordCount >= 2 ? 0.97 : 0.8;
}

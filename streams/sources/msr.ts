/** MSR Cambridge block traces: csv, one disk request a line, times as Windows file times. */

import { ABSENT, isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import {
  Fields,
  type LineRecord,
  LineRecordDecoder,
  lookAtLines,
  refuseField,
  refuseLine,
  textOf,
  unsignedOf,
} from './line-records.ts';
import { WordCodes } from './word-codes.ts';

const fieldCount = 7;
const comma = 0x2c;
const linesLookedAt = 64;
const sectorBytes = 512;
/** Sectors given to each disk (512 TiB), so that no request of one can look adjacent to another's. */
const diskSectors = 2 ** 40;
/** 8,191 disks keep every address below 2^53. */
const disksMax = 2 ** 13 - 1;
const operations = new WordCodes<OperationCode>([
  ['Read', Operation.read],
  ['Write', Operation.write],
  ['read', Operation.read],
  ['write', Operation.write],
]);
/** Windows file times count 100 ns since 1601-01-01; this is the Unix epoch in ms on that scale. */
const unixEpochMs = 11_644_473_600_000;

/**
 * Fields: Timestamp, Hostname, DiskNumber, Type (Read or Write), Offset, Size, ResponseTime.
 *
 * A segment is the sector where a request starts (Offset / 512, rounded down). Disk k of a file, in order of first appearance,
 * owns addresses [k * 2^40, (k + 1) * 2^40): two disks never share a segment and never touch, and a trace of one disk keeps its
 * own sector numbers. The site is `Hostname.DiskNumber`.
 */
export const msr: StreamFormat = {
  kind: 'stream',
  name: 'msr',
  description: 'MSR Cambridge block trace (csv with Windows file times); segments are sector addresses',
  reference: 'SNIA IOTTA trace 388 (MSR Cambridge), README.txt; Narayanan et al., "Write Off-Loading", FAST 2008',
  addressBytes: sectorBytes,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(msr.name, options, []);
    return new LineRecordDecoder(new MsrReader().read);
  },
};

class MsrReader {
  readonly #fields = new Fields(fieldCount);
  /** First sector of each disk by site id. */
  readonly #diskBase = new Map<number, number>();
  #siteName = new Uint8Array(64);

  readonly read = (record: LineRecord, sink: AccessSink): boolean => {
    const { bytes, start, end } = record;
    const fields = this.#fields;
    fields.splitAt(bytes, start, end, comma);
    const { starts, ends } = fields;
    if (fields.count !== fieldCount) {
      const expected = 'Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime';
      return refuseLine(record, 1, expected, `${fields.count} fields in ${textOf(bytes, start, end)}`, sink);
    }
    if (record.line === 1 && isHeader(bytes, starts[0]!, ends[0]!)) {
      sink.skip('header');
      return false;
    }
    const timeMs = unixMsOfFileTime(bytes, starts[0]!, ends[0]!);
    if (!isTime(timeMs)) return refuseField(record, fields, 0, 'a Windows file time (100 ns since 1601)', sink);
    if (Number.isNaN(unsignedOf(bytes, starts[2]!, ends[2]!)))
      return refuseField(record, fields, 2, 'a disk number', sink);
    const op = operations.codeOf(bytes, starts[3]!, ends[3]!);
    if (op === null) return refuseField(record, fields, 3, 'Read or Write', sink);
    const offset = unsignedOf(bytes, starts[4]!, ends[4]!);
    if (!(offset < diskSectors * sectorBytes))
      return refuseField(record, fields, 4, 'an offset in bytes, below 2^49', sink);
    const size = unsignedOf(bytes, starts[5]!, ends[5]!);
    if (Number.isNaN(size)) return refuseField(record, fields, 5, 'a size in bytes', sink);
    if (Number.isNaN(unsignedOf(bytes, starts[6]!, ends[6]!)))
      return refuseField(record, fields, 6, 'a response time in 100 ns', sink);
    const site = this.#siteOf(bytes, starts[1]!, ends[2]!, sink);
    const base = this.#baseOf(site);
    if (base < 0) return refuseField(record, fields, 2, `at most ${disksMax} disks in one trace`, sink);
    const address = base + Math.floor(offset / sectorBytes);
    const segment = sink.segments.internU64(Math.floor(address / 2 ** 32), address >>> 0);
    sink.append(timeMs, segment, ABSENT, site, op, size, 1);
    return true;
  };

  /** `host,disk` as it stands in the line, with a point for the comma. */
  #siteOf(bytes: Uint8Array, start: number, end: number, sink: AccessSink): number {
    const length = end - start;
    if (this.#siteName.length < length) this.#siteName = new Uint8Array(length * 2);
    const name = this.#siteName;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i]!;
      name[i] = byte === comma ? 0x2e : byte;
    }
    return sink.sites.internBytes(name, 0, length);
  }

  #baseOf(site: number): number {
    let base = this.#diskBase.get(site);
    if (base === undefined) {
      if (this.#diskBase.size >= disksMax) return -1;
      base = this.#diskBase.size * diskSectors;
      this.#diskBase.set(site, base);
    }
    return base;
  }
}

/** File times exceed 2^53: the last four digits (below 1 ms) are read apart, which keeps every digit. */
function unixMsOfFileTime(bytes: Uint8Array, start: number, end: number): number {
  const cut = Math.max(start, end - 4);
  const milliseconds = cut === start ? 0 : unsignedOf(bytes, start, cut);
  return milliseconds - unixEpochMs + unsignedOf(bytes, cut, end) / 10_000;
}

function isHeader(bytes: Uint8Array, start: number, end: number): boolean {
  return textOf(bytes, start, end).toLowerCase() === 'timestamp';
}

function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(fieldCount);
  let isFirst = true;
  let requestCount = 0;
  const { isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    fields.splitAt(bytes, start, end, comma);
    const { starts, ends, count } = fields;
    if (count !== fieldCount) return false;
    const wasFirst = isFirst;
    isFirst = false;
    if (wasFirst && isHeader(bytes, starts[0]!, ends[0]!)) return true;
    requestCount++;
    return (
      unixMsOfFileTime(bytes, starts[0]!, ends[0]!) > 0 && // after 1970: seconds or milliseconds of another layout are not
      operations.codeOf(bytes, starts[3]!, ends[3]!) !== null &&
      [2, 4, 5, 6].every((field) => !Number.isNaN(unsignedOf(bytes, starts[field]!, ends[field]!)))
    );
  });
  return isEvery && requestCount > 0 ? 0.97 : 0;
}

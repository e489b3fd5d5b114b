/** libCacheSim's csv traces: columns chosen by number or name, times in seconds. */

import { AnteroomError } from '../../engine/errors.ts';
import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { ColumnRole, FormatOptions, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import { HeaderColumns } from './header-columns.ts';
import {
  Fields,
  type LineRecord,
  LineRecordDecoder,
  lookAtLines,
  numberOf,
  refuseField,
  refuseLine,
  textOf,
  timeMsOf,
  unsignedOf,
} from './line-records.ts';
import { operationOf } from './operation-words.ts';
import { WordCodes } from './word-codes.ts';

const fieldsMax = 64;
const linesLookedAt = 64;
const roles = ['time', 'segment', 'size', 'op', 'consumer'] as const;
type Role = (typeof roles)[number];

/** Names that libCacheSim's own files and converters use. */
const namesOfRole: Readonly<Record<Role, readonly string[]>> = {
  time: ['time', 'real_time', 'clock_time', 'timestamp', 'ts'],
  segment: ['obj_id', 'obj-id', 'object_id', 'object', 'lbn', 'id', 'key'],
  size: ['obj_size', 'obj-size', 'size'],
  op: ['op', 'op_type', 'opname'],
  consumer: ['tenant', 'tenant_id', 'client', 'client_id'],
};

/** Where no header and no option says otherwise, as in libCacheSim's own tests: time, object, size. */
const positionalRoles: readonly Role[] = ['time', 'segment', 'size'];

const msPerUnit = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;

/** The SCSI codes (hexadecimal) that its converted VSCSI traces carry; anything else is a word. */
const scsiOperations = new WordCodes<OperationCode>([
  ...['28', '88', '08', '8', 'a8', 'A8'].map((code) => [code, Operation.read] as const),
  ...['2a', '2A', '8a', '8A', '0a', '0A', 'a', 'A', 'aa', 'AA'].map((code) => [code, Operation.write] as const),
  ['42', Operation.delete],
]);

/**
 * What libCacheSim's `csv` reader takes: `time-col`, `obj-id-col`, `obj-size-col`, a delimiter and maybe a header, here through
 * the options `columns` (name or 1-based number), `delimiter`, `hasHeader` and `timeUnit` (seconds when not given).
 *
 * Without options the header's names decide; without a header the columns are time, object and size. Delimiter and header are
 * guessed as libCacheSim guesses them: the commonest of tab, comma, bar and colon; a header has more letters than digits.
 * Fields have no quotes. Ids are opaque, even `lbn`: give `--addresses` where they are addresses.
 */
export const libcachesimCsv: StreamFormat = {
  kind: 'stream',
  name: 'libcachesim-csv',
  description: 'libCacheSim csv trace (time, object id, size; other orders by header or --columns)',
  reference: 'https://github.com/1a1a11a/libCacheSim, doc/quickstart_cachesim.md and traceReader/generalReader/csv.c',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(libcachesimCsv.name, options, ['columns', 'delimiter', 'hasHeader', 'timeUnit']);
    return new LineRecordDecoder(new LibcachesimCsvReader(options).read);
  },
};

class LibcachesimCsvReader {
  readonly #options: FormatOptions;
  readonly #fields = new Fields(fieldsMax);
  readonly #msPerUnit: number;
  /** Column of each role from 0, or -1. */
  readonly #column: Record<Role, number> = { time: -1, segment: -1, size: -1, op: -1, consumer: -1 };
  #delimiter: number;
  #isStarted = false;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#msPerUnit = msPerUnit[options.timeUnit ?? 's'];
    if (
      options.delimiter !== undefined &&
      !(options.delimiter.length === 1 && options.delimiter.charCodeAt(0) < 0x80)
    ) {
      throw new AnteroomError('bad-usage', `a delimiter is one ASCII character, not "${options.delimiter}"`);
    }
    for (const role of Object.keys(options.columns ?? {}) as ColumnRole[]) {
      if (!(roles as readonly string[]).includes(role)) {
        throw new AnteroomError('bad-usage', `the format libcachesim-csv has no column for ${role}`);
      }
    }
    this.#delimiter = options.delimiter?.charCodeAt(0) ?? 0;
  }

  readonly read = (record: LineRecord, sink: AccessSink): boolean => {
    if (!this.#isStarted && this.#start(record, sink)) return false;
    const { bytes, start, end } = record;
    const fields = this.#fields;
    fields.splitAt(bytes, start, end, this.#delimiter);
    const { starts, ends } = fields;
    const { time, segment, size, op, consumer } = this.#column;
    const needed = Math.max(time, segment, size, op, consumer) + 1;
    if (fields.count < needed) {
      const found = `${fields.count} fields in ${textOf(bytes, start, end)}`;
      return refuseLine(record, 1, `at least ${needed} fields`, found, sink);
    }
    const timeMs = time < 0 ? Number.NaN : timeMsOf(bytes, starts[time]!, ends[time]!, this.#msPerUnit);
    if (time >= 0 && Number.isNaN(timeMs)) return refuseField(record, fields, time, 'a time', sink);
    const bytesOfObject = size < 0 ? -1 : unsignedOf(bytes, starts[size]!, ends[size]!);
    if (Number.isNaN(bytesOfObject)) return refuseField(record, fields, size, 'a size in bytes', sink);
    if (starts[segment] === ends[segment]) return refuseField(record, fields, segment, 'an object id', sink);
    const operation = op < 0 ? Operation.read : operationNamed(bytes, starts[op]!, ends[op]!);
    const segmentId = sink.segments.internBytes(bytes, starts[segment]!, ends[segment]!);
    const consumerId = consumer < 0 ? ABSENT : sink.consumers.internBytes(bytes, starts[consumer]!, ends[consumer]!);
    sink.append(timeMs, segmentId, consumerId, ABSENT, operation, bytesOfObject, 1);
    return true;
  };

  /** Settles delimiter, header and columns at the first line; true where that line is the header. */
  #start(record: LineRecord, sink: AccessSink): boolean {
    const { bytes, start, end } = record;
    this.#isStarted = true;
    if (this.#delimiter === 0) this.#delimiter = commonestDelimiter(bytes, start, end);
    this.#fields.splitAt(bytes, start, end, this.#delimiter);
    const hasHeader = this.#options.hasHeader ?? isHeader(bytes, start, end);
    const header = hasHeader ? new HeaderColumns(bytes, this.#fields) : null;
    const given = this.#options.columns;
    for (const role of roles) {
      const column = given?.[role];
      if (column !== undefined) this.#column[role] = columnOf(column, header, this.#fields.count);
      else if (given === undefined && header !== null) this.#column[role] = header.indexOf(...namesOfRole[role]);
      else if (given === undefined) this.#column[role] = positionalColumn(role, this.#fields.count);
    }
    if (this.#column.segment < 0) {
      this.#isStarted = false;
      const found = textOf(bytes, start, end);
      refuseLine(
        record,
        1,
        `a column with the object id (${namesOfRole.segment.join(', ')}, or --columns)`,
        found,
        sink,
      );
      return true;
    }
    return hasHeader;
  }
}

function columnOf(column: string, header: HeaderColumns | null, count: number): number {
  const index = /^\d+$/.test(column) ? Number(column) - 1 : (header?.indexOf(column.toLowerCase()) ?? -1);
  if (index >= 0 && index < Math.min(count, fieldsMax)) return index;
  throw new AnteroomError('bad-usage', `no column "${column}" among the ${count} of the first line`);
}

function positionalColumn(role: Role, count: number): number {
  if (count === 1) return role === 'segment' ? 0 : -1;
  const index = positionalRoles.indexOf(role);
  return index < count ? index : -1;
}

function operationNamed(bytes: Uint8Array, start: number, end: number): OperationCode {
  return scsiOperations.codeOf(bytes, start, end) ?? operationOf(bytes, start, end);
}

/** The delimiter that occurs most in the line, tabs and commas preferred over bars and colons. */
function commonestDelimiter(bytes: Uint8Array, start: number, end: number): number {
  let best = 0x2c;
  let bestScore = 0;
  for (const [index, delimiter] of [0x09, 0x2c, 0x7c, 0x3a].entries()) {
    let count = 0;
    for (let i = start; i < end; i++) if (bytes[i] === delimiter) count++;
    if (count * (4 - index) <= bestScore) continue;
    best = delimiter;
    bestScore = count * (4 - index);
  }
  return best;
}

function isHeader(bytes: Uint8Array, start: number, end: number): boolean {
  let digitCount = 0;
  let letterCount = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x30 && byte <= 0x39) digitCount++;
    else if ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) letterCount++;
  }
  return letterCount > digitCount;
}

/** Sure only of the names that are libCacheSim's own; three bare numbers a line are a guess that anything better may overrule. */
function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(fieldsMax);
  let columnCount = 0;
  let score = 0;
  const { lineCount, isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    if (columnCount === 0) {
      const delimiter = commonestDelimiter(bytes, start, end);
      fields.splitAt(bytes, start, end, delimiter);
      columnCount = fields.count;
      const header = isHeader(bytes, start, end) ? new HeaderColumns(bytes, fields) : null;
      if (header === null) score = columnCount === 3 ? 0.5 : 0;
      else if (header.indexOf('lbn', 'obj_id', 'obj-id') >= 0 && header.indexOf(...namesOfRole.time) >= 0) score = 0.9;
      if (header !== null) return score > 0;
    }
    const delimiter = commonestDelimiter(bytes, start, end);
    fields.splitAt(bytes, start, end, delimiter);
    if (fields.count !== columnCount) return false;
    if (score > 0.5) return true;
    for (let field = 0; field < columnCount; field++) {
      if (Number.isNaN(numberOf(bytes, fields.starts[field]!, fields.ends[field]!))) return false;
    }
    return true;
  });
  return isEvery && lineCount >= 1 ? score : 0;
}

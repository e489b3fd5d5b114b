/** Rows of a columnar table as accesses: which column holds what, and what its values mean. */

import { AnteroomError } from '../../engine/errors.ts';
import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { ColumnRole, FormatOptions } from '../format.ts';
import type { NameInterner } from '../name-table.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { columnRoles, roleOfName, rolesOfHeader } from './column-roles.ts';
import { MALFORMED } from './decimal-bytes.ts';
import { operationOf } from './operation-words.ts';
import { TimeScale, type TimeUnit } from './time-scale.ts';

/** Value of a column at a row of the run at hand: a string, number, bigint, boolean, bytes, or null where absent. */
export type ColumnValue = (row: number) => unknown;

/** What a column gives for a value that cannot be decoded: its row is then refused, whatever the column holds. */
export class DamagedValue {}

/** A column of a table's schema. `unit` is that of times by the column's type; null where its type does not say. */
export interface TableColumn {
  readonly name: string;
  readonly unit: TimeUnit | null;
}

/** No id: what `idOf` gives for a value that names nothing. */
const unnamed = -2;

/**
 * Appends the rows of a table.
 *
 * Columns are found as in delimited text: by known names (`column-roles.ts`), unless `columns` says otherwise. Times are numbers
 * (unit by type, by option, by name, else by magnitude), timestamps or ISO 8601 strings. A null is an absent field; a row without
 * a segment is refused. Places are rows, counted from 1, given as `line`, and columns of the table.
 */
export class TableColumns {
  /** Index of the column that holds each role. */
  readonly columnOfRole: ReadonlyMap<ColumnRole, number>;
  /** Names of the columns that are not read. */
  readonly leftOut: readonly string[];
  readonly #scale: TimeScale;
  readonly #text = new Uint8Array(128);
  readonly #encoder = new TextEncoder();

  /** @throws AnteroomError('bad-usage') where no column holds the segment or one that was asked for is not there. */
  constructor(format: string, columns: readonly TableColumn[], options: FormatOptions) {
    const names = columns.map((column) => column.name);
    const columnOfRole = rolesOfHeader(names);
    for (const [role, asked] of Object.entries(options.columns ?? {}) as [ColumnRole, string | undefined][]) {
      if (asked === undefined) continue;
      const named = names.indexOf(asked);
      const index = named >= 0 ? named : /^\d+$/.test(asked) ? Number(asked) - 1 : -1;
      if (index < 0 || index >= names.length) {
        throw new AnteroomError('bad-usage', `no column "${asked}" in the ${format} table: ${shownNames(names)}`);
      }
      for (const [other, taken] of columnOfRole) if (taken === index) columnOfRole.delete(other);
      columnOfRole.set(role, index);
    }
    if (!columnOfRole.has('segment')) {
      const problem = 'no column is known to hold the segment; say which, by name or number, e.g. --columns segment=2';
      throw new AnteroomError('bad-usage', `${problem}. The columns are: ${shownNames(names)}`);
    }
    this.columnOfRole = columnOfRole;
    const read = new Set(columnOfRole.values());
    this.leftOut = names.filter((name, column) => name !== '' && !read.has(column));
    const time = columnOfRole.get('time');
    const unit =
      time === undefined ? null : (columns[time]!.unit ?? options.timeUnit ?? roleOfName(names[time]!)?.unit);
    this.#scale = new TimeScale(unit ?? null);
  }

  /** Appends `rowCount` rows. `rowsBefore` are the rows of the table that came before them. */
  append(values: ReadonlyMap<ColumnRole, ColumnValue>, rowCount: number, rowsBefore: number, sink: AccessSink): void {
    const time = values.get('time');
    const segment = values.get('segment')!;
    const consumer = values.get('consumer');
    const site = values.get('site');
    const op = values.get('op');
    const size = values.get('size');
    const weight = values.get('weight');
    for (let row = 0; row < rowCount; row++) {
      const timeMs = time === undefined ? Number.NaN : this.#timeMsOf(time(row));
      if (timeMs === MALFORMED) {
        this.#reject('time', 'a time', time!(row), rowsBefore + row, sink);
        continue;
      }
      const operation = op === undefined ? Operation.read : this.#operationOf(op(row));
      if (operation === null) {
        this.#reject('op', 'an operation', op!(row), rowsBefore + row, sink);
        continue;
      }
      const bytes = size === undefined ? -1 : countOf(size(row), -1);
      if (!Number.isSafeInteger(bytes)) {
        this.#reject('size', 'a whole number of bytes', size!(row), rowsBefore + row, sink);
        continue;
      }
      const accessCount = weight === undefined ? 1 : countOf(weight(row), 1);
      if (!(accessCount >= 0)) {
        this.#reject('weight', 'a count of accesses', weight!(row), rowsBefore + row, sink);
        continue;
      }
      const segmentName = segment(row);
      const segmentId = isAbsent(segmentName) ? unnamed : idOf(sink.segments, segmentName);
      if (segmentId === unnamed) {
        this.#reject('segment', 'a segment', segmentName, rowsBefore + row, sink);
        continue;
      }
      const consumerId = consumer === undefined ? ABSENT : optionalIdOf(sink.consumers, consumer(row));
      const siteId = site === undefined ? ABSENT : optionalIdOf(sink.sites, site(row));
      sink.append(timeMs, segmentId, consumerId, siteId, operation, bytes, accessCount);
    }
  }

  #reject(role: ColumnRole, expected: string, found: unknown, row: number, sink: AccessSink): void {
    const column = this.columnOfRole.get(role)! + 1;
    sink.reject({ line: row + 1, column }, `${expected} in the ${role} column`, shown(found));
  }

  /** Milliseconds; NaN where absent, MALFORMED where it is no time. */
  #timeMsOf(value: unknown): number {
    if (value === null || value === undefined) return Number.NaN;
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return this.#scale.msOf(value);
      return Number.isNaN(value) ? Number.NaN : MALFORMED;
    }
    // Above 2^53 (nanoseconds of this century) a bigint is rounded to 256 ns at most.
    if (typeof value === 'bigint') return this.#scale.msOf(Number(value));
    if (typeof value !== 'string' || value.length * 3 > this.#text.length) return MALFORMED;
    return this.#scale.msOfBytes(this.#text, 0, this.#encoder.encodeInto(value, this.#text).written);
  }

  /** Words as in delimited text, or the codes of `Operation`. */
  #operationOf(value: unknown): OperationCode | null {
    if (value === null || value === undefined) return Operation.read;
    if (typeof value === 'string') {
      if (value.length * 3 > this.#text.length) return Operation.other;
      return operationOf(this.#text, 0, this.#encoder.encodeInto(value, this.#text).written);
    }
    const code = Number(value);
    return code === 0 || code === 1 || code === 2 || code === 3 ? code : null;
  }
}

/** The columns that are needed, in the order of `columnRoles`. */
export function neededColumns(
  columnOfRole: ReadonlyMap<ColumnRole, number>,
): readonly (readonly [ColumnRole, number])[] {
  return columnRoles.flatMap((role) => {
    const index = columnOfRole.get(role);
    return index === undefined ? [] : [[role, index] as const];
  });
}

function isAbsent(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

/** Ids of consumers and sites: null, an empty string, `-` and -1 name none. */
function optionalIdOf(names: NameInterner, value: unknown): number {
  if (isAbsent(value) || value === '-' || value === '-1' || value === -1 || value === -1n) return ABSENT;
  const id = idOf(names, value);
  return id === unnamed ? ABSENT : id;
}

function idOf(names: NameInterner, value: unknown): number {
  if (typeof value === 'string') return names.internString(value);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return names.internU64(Math.floor(value / 2 ** 32), value >>> 0);
    return Number.isNaN(value) ? unnamed : names.internString(String(value));
  }
  if (typeof value === 'bigint') {
    if (value < 0n || value >= 1n << 64n) return names.internString(value.toString());
    return names.internU64(Number(value >> 32n), Number(value & 0xffffffffn));
  }
  if (value instanceof Uint8Array) return names.internBytes(value, 0, value.length);
  return typeof value === 'boolean' ? names.internString(String(value)) : unnamed;
}

/** A number that is not negative; `absent` where there is none (data frames write NaN for that); NaN where it is no number. */
function countOf(value: unknown, absent: number): number {
  if (value === null || value === undefined || value === '' || value === '-' || Number.isNaN(value)) return absent;
  const count =
    typeof value === 'number'
      ? value
      : typeof value === 'bigint' || typeof value === 'string'
        ? Number(value)
        : Number.NaN;
  if (!Number.isFinite(count)) return Number.NaN;
  return count < 0 ? absent : count;
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'object' ? `a ${value.constructor.name}` : String(value);
}

/** Names as a message lists them. Nested columns have none here, since they are not looked into. */
function shownNames(names: readonly string[]): string {
  return names.map((name) => (name === '' ? '(nested)' : name)).join(', ');
}

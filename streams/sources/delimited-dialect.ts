/** How a delimited text is laid out: its delimiter, whether it has a header, and which column holds what. */

import { AnteroomError } from '../../engine/errors.ts';
import { printable } from '../../engine/printable.ts';
import type { ColumnRole, FormatOptions } from '../format.ts';
import { columnRoles, rolesOfHeader, timeUnitOfName } from './column-roles.ts';
import type { TimeUnit } from './time-scale.ts';

/** Roles as bytes, for the table that the parser goes by; 0 is a column that is not read. */
export const roleCodes: Readonly<Record<ColumnRole, number>> = {
  time: 1,
  segment: 2,
  consumer: 3,
  site: 4,
  op: 5,
  size: 6,
  weight: 7,
};

export interface DelimitedDialect {
  readonly delimiter: number;
  readonly hasHeader: boolean;
  /** Names by column; numbers (`3`) where there is no header. */
  readonly names: readonly string[];
  /** `roleCodes` by column. */
  readonly roles: Uint8Array;
  readonly timeUnit: TimeUnit | null;
}

/** A number or the start of an ISO 8601 date. */
const startsAsTime = /^(?:-?\d+(?:\.\d*)?$|\d{4}-\d\d-\d\d)/;
const DELIMITERS = [',', '\t', ';', '|', ' '] as const;

/**
 * The dialect, from the first record and the options; only the first record is looked at, so the answer does not depend on
 * how much of the input is at hand.
 *
 * A record is a header when it holds a name that is known or asked for, or a word where times or counts are asked for. Without a header, and without `columns`, one column is
 * the segment and two are time and segment, if the first looks like a time; more have to be named.
 * @throws AnteroomError 'bad-usage' when no column is the segment, or a column asked for is not there.
 */
export function dialectOf(first: string, format: string, options: FormatOptions): DelimitedDialect {
  const delimiter = options.delimiter ?? sniffDelimiter(first, options);
  if (delimiter.length !== 1 || delimiter.charCodeAt(0) > 127 || delimiter === '"' || delimiter === '\n')
    throw new AnteroomError('bad-usage', `the delimiter is one ASCII character, not ${JSON.stringify(delimiter)}`, {
      context: { format },
    });
  const fields = splitRecord(first, delimiter);
  const asked = Object.entries(options.columns ?? {}) as readonly (readonly [ColumnRole, string | undefined])[];
  const known = rolesOfHeader(fields);
  const isNamed =
    known.size > 0 ||
    asked.some(
      ([role, column]) =>
        column !== undefined && ((!isNumber(column) && fields.includes(column)) || isTitle(role, column, fields)),
    );
  const hasHeader = options.hasHeader ?? isNamed;
  const columns = new Map<ColumnRole, number>();
  if (hasHeader) for (const [role, column] of known) columns.set(role, column);
  else if (asked.length === 0 && fields.length === 1) columns.set('segment', 0);
  else if (asked.length === 0 && fields.length === 2 && startsAsTime.test(fields[0]!)) {
    columns.set('time', 0);
    columns.set('segment', 1);
  }
  for (const [role, column] of asked) {
    if (column === undefined) continue;
    const index = columnIndex(column, fields, hasHeader);
    if (index < 0)
      throw new AnteroomError('bad-usage', `no column ${column} for ${role}; there are: ${shown(fields)}`, {
        context: { format, role, column },
      });
    for (const [other, taken] of columns) if (taken === index) columns.delete(other);
    columns.set(role, index);
  }
  if (!columns.has('segment'))
    throw new AnteroomError(
      'bad-usage',
      `no column is known to hold the segment; say which, by name or number, e.g. --columns segment=2. The columns are: ${shown(fields)}`,
      { context: { format, columnCount: fields.length } },
    );
  const roles = new Uint8Array(fields.length);
  for (const role of columnRoles) {
    const column = columns.get(role);
    if (column !== undefined) roles[column] = roleCodes[role];
  }
  const timeColumn = columns.get('time');
  const namedUnit = hasHeader && timeColumn !== undefined ? timeUnitOfName(fields[timeColumn]!) : null;
  return {
    delimiter: delimiter.charCodeAt(0),
    hasHeader,
    names: hasHeader ? fields : fields.map((_, column) => String(column + 1)),
    roles,
    timeUnit: options.timeUnit ?? namedUnit,
  };
}

/** How many roles the header `first` names, with the delimiter that names the most; 0 when it is no header with a segment. */
export function headerRoleCount(first: string): { readonly count: number; readonly delimiter: string } {
  const delimiter = sniffDelimiter(first, {});
  const roles = rolesOfHeader(splitRecord(first, delimiter));
  return { count: roles.has('segment') ? roles.size : 0, delimiter };
}

/** The columns of the record `first`, numbered as `--columns` counts them; null where nothing divides it. */
export function columnsOf(first: string): string | null {
  const sniffed = splitRecord(first, sniffDelimiter(first, {}));
  const words = splitRecord(first, ' ');
  const fields = words.length > 4 * sniffed.length ? words : sniffed;
  return fields.length < 2 ? null : shown(fields);
}

/** The fields of one record without its line end. A quote that is not closed ends with the record. */
export function splitRecord(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  let at = 0;
  if (delimiter === ' ') while (record[at] === ' ') at++;
  for (;;) {
    let field = '';
    if (record[at] === '"') {
      at++;
      for (; at < record.length; at++) {
        if (record[at] !== '"') field += record[at];
        else if (record[at + 1] === '"') {
          field += '"';
          at++;
        } else break;
      }
      at++;
    }
    const end = record.indexOf(delimiter, at);
    field += record.slice(at, end < 0 ? record.length : end);
    fields.push(field.trim());
    if (end < 0) return fields;
    at = end + 1;
    if (delimiter === ' ') {
      while (record[at] === ' ') at++;
      if (at >= record.length) return fields;
    }
  }
}

/** The delimiter that makes all columns that are asked for by number, then the most known names, then the most fields; a space only where nothing else does. */
function sniffDelimiter(first: string, options: FormatOptions): string {
  const asked = Object.values(options.columns ?? {});
  const last = Math.max(0, ...asked.map((column) => (isNumber(column ?? '') ? Number(column) : 0)));
  let best = ',';
  let bestScore = 0;
  for (const delimiter of DELIMITERS) {
    const fields = splitRecord(first, delimiter);
    const named = rolesOfHeader(fields).size + asked.filter((column) => fields.includes(column)).length;
    const parts = fields.length > 1 ? Math.min(fields.length, 999) : 0;
    const score =
      (fields.length >= last ? 1_000_000 : 0) + named * 1000 + (delimiter === ' ' ? Math.min(parts, 1) : parts);
    if (score > bestScore) {
      best = delimiter;
      bestScore = score;
    }
  }
  return best;
}

/** Whether a numbered column that holds times or counts begins with a word: then the first record can only be a header. */
function isTitle(role: ColumnRole, column: string, fields: readonly string[]): boolean {
  if (role !== 'time' && role !== 'size' && role !== 'weight') return false;
  const field = fields[columnIndex(column, fields, false)] ?? '';
  return /^\p{L}/u.test(field) && !/^(?:na|nan|null|none)$/i.test(field);
}

/** Whether a column is asked for by its number; where there is a header, one may be called so all the same. */
function isNumber(column: string): boolean {
  return /^[1-9]\d*$/.test(column);
}

function columnIndex(column: string, fields: readonly string[], hasHeader: boolean): number {
  const byName = hasHeader ? fields.indexOf(column) : -1;
  if (byName >= 0) return byName;
  const number = isNumber(column) ? Number(column) : 0;
  return number >= 1 && number <= fields.length ? number - 1 : -1;
}

function shown(fields: readonly string[]): string {
  const list = fields.slice(0, 20).map((field, i) => `${i + 1}=${printable(field, 40)}`);
  return fields.length > 20 ? `${list.join(', ')}, ...` : list.join(', ');
}

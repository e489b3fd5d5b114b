/** What a person should know of a log before believing its figures, one sentence each. */

import { printable } from '../../engine/printable.ts';
import { countedText } from '../report/words.ts';
import type { Trace } from './trace.ts';

/** From this share of clamped times on, waits and everything else that is timed say little. */
const UNRELIABLE_SHARE = 0.1;

/** Columns that a warning names. */
const COLUMNS_LISTED_MAX = 12;

/** What a whole log of its format has beside accesses: counted in the result, and nothing to be warned of. */
const PARTS_OF_FORMATS: ReadonlySet<string> = new Set(['comment', 'header', 'mark', 'session']);

/** Whether so many times went backwards that timed figures are not to be relied on. */
export function areTimesUnreliable(clampedTimes: number, accesses: number): boolean {
  return accesses > 0 && clampedTimes / accesses >= UNRELIABLE_SHARE;
}

/** As errors and tables call it: a warning that began with `-: ` was of nothing. */
const shownName = ({ name }: Trace): string => (name === '-' ? '<stdin>' : name);

/** What a table may hold in a column whose name is not known. Empty where nothing is missing or every column is read. */
function unknownText(trace: Trace): string {
  const { summary } = trace;
  const { hasTime, hasConsumer, hasSize } = summary;
  const missing = [...(hasTime ? [] : ['time']), ...(hasConsumer ? [] : ['consumer']), ...(hasSize ? [] : ['size'])];
  if (summary.leftOut.length === 0 || missing.length === 0) return '';
  const columns = summary.leftOut.slice(0, COLUMNS_LISTED_MAX).map((column) => printable(column, 40));
  const list = summary.leftOut.length > columns.length ? [...columns, '...'] : columns;
  return `${shownName(trace)}: no ${missing.join(' or ')} was found; columns left out: ${list.join(', ')} (--columns ${missing[0]}=NAME says which holds it)`;
}

/** @param latency what the user said, if anything */
export function traceWarnings(
  trace: Trace,
  prefetchers: readonly string[],
  warmup: number,
  latency?: string,
): readonly string[] {
  const warnings: string[] = [];
  const { summary, facts } = trace;
  const name = shownName(trace);
  if (summary.rejectedCount > 0) {
    const records = countedText(summary.rejectedCount, 'bad record', 'bad records');
    warnings.push(
      `${name}: ${records} passed over${summary.rejectedCount > 1 ? '; the first' : ''}:`,
      ...summary.rejections,
    );
  }
  for (const [reason, count] of summary.skipped) {
    if (PARTS_OF_FORMATS.has(reason)) continue;
    warnings.push(`${name}: skipped ${countedText(count, 'record', 'records')}: ${reason}`);
  }
  const unknown = unknownText(trace);
  if (unknown !== '') warnings.push(unknown);
  const clamped = summary.clampedTimeCount;
  if (clamped > 0) {
    const went =
      clamped === 1
        ? '1 time went backwards and was clamped'
        : `${countedText(clamped, 'time')} went backwards and were clamped`;
    const advice = areTimesUnreliable(clamped, facts.accessCount)
      ? latency === undefined
        ? '; times are not relied on, fetches are counted in accesses (sort the log to have waits in ms)'
        : '; timed figures are unreliable, sort the log or count in accesses with --latency 8req'
      : '';
    warnings.push(`${name}: ${went}${advice}`);
  }
  if (trace.foreignSizes !== null) {
    warnings.push(
      `${name}: its sizes are ${trace.foreignSizes}, not bytes, and are left out; space is counted in segments`,
    );
  }
  if (warmup >= facts.accessCount) {
    warnings.push(
      `${name}: nothing is counted, the warm-up of ${warmup} is not shorter than its ${countedText(facts.accessCount, 'access', 'accesses')}`,
    );
  }
  if (trace.addresses === null && prefetchers.some((prefetch) => prefetch.split(':')[0] === 'obl')) {
    warnings.push(`${name}: ids are opaque, so obl abstains; say --addresses BYTES if they are addresses`);
  }
  return warnings;
}

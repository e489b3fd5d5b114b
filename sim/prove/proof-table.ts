/** A proof in the terminal: the answer for each cache first, then the figures it rests on. */

import { cellWidth, padLeft, padRight } from '../report/cell-text.ts';
import { isQueueing, tooSlow } from '../report/queueing.ts';
import { shortTraceNames } from '../report/trace-names.ts';
import { amountText, cacheText, countedText, grouped, percent } from '../report/words.ts';
import type { Interval } from './block-bootstrap.ts';
import { partText } from './parts.ts';
import type { CacheProof, Effect, ProofResult, TraceProof } from './proof.ts';

/** Lays a proof out as text, within about 140 columns. */
export function proofText(result: ProofResult): string {
  const names = shortTraceNames(result.traces.map((trace) => trace.trace));
  return result.traces
    .map((trace) => {
      const caches = trace.caches.map((cache) => cacheSection(cache, names.get(trace.trace)!));
      return `${introduction(trace, names.get(trace.trace)!, result)}\n\n${caches.join('\n\n')}\n`;
    })
    .join('\n');
}

/** How the log was cut, in one paragraph; for the page too. */
export function introduction(trace: TraceProof, name: string, result: ProofResult): string {
  const judged = trace.end - trace.judgedFrom;
  const cut = [
    ...(trace.chosenFrom === 0 ? [] : [`the first ${grouped(trace.chosenFrom)} were only learned from`]),
    ...(trace.judgedFrom === trace.chosenFrom
      ? []
      : [
          `the bound chosen on the ${trace.chosenFrom === 0 ? 'first' : 'next'} ${grouped(trace.judgedFrom - trace.chosenFrom)}`,
        ]),
    `all figures are of the last ${grouped(judged)} in ${countedText(trace.judgedBlocks, 'block')}`,
  ].join(', ');
  const unreliable = trace.timesAreUnreliable
    ? '\nToo many times of this log went backwards: waits and money here are unreliable.'
    : '';
  const changes =
    trace.changes === 0
      ? ''
      : `\n${percent(trace.changes / trace.log.accesses)} of the accesses are writes or deletes and count like reads here, as if a copy could answer them: --writes invalidate lets them end copies, --writes ignore leaves them out.`;
  const waited = trace.caches
    .map(({ baselineLatencyMs, baselineOrigin }) => ({
      ...trace.log,
      latency: trace.latency,
      latencyMs: baselineLatencyMs,
      originRequests: baselineOrigin.requests,
      originBytes: baselineOrigin.bytes,
    }))
    .find(isQueueing);
  const queueing = waited === undefined ? '' : ` ${tooSlow(waited)}`;
  return `${name}: ${countedText(trace.log.accesses, 'access', 'accesses')} to ${countedText(trace.log.segments, 'segment')}; ${cut}. Ranges are ${percent(Number(result.level))} intervals. Fetches take ${trace.latency === '0' ? 'no time' : trace.latency}.${queueing}${unreliable}${changes}`;
}

function cacheSection(cache: CacheProof, name: string): string {
  const { recommendation, evictionAlone, evictUsed, parts } = cache;
  const lines = [`${name}, cache of ${cacheText(cache)}: ${recommendation.headline}`];
  for (const sentence of recommendation.sentences) lines.push(`  ${sentence}`);
  // Without intervals there is nothing to lay out.
  if (recommendation.reason === 'too-short') return lines.join('\n');
  const rows: string[][] = [['against the eviction alone', ...effectHeadings]];
  for (const { trafficMax, isChosen, effect } of cache.budgets) {
    const bound = trafficMax === null ? 'no bound' : `--traffic-max ${trafficMax}`;
    rows.push([`${isChosen && cache.budgets.length > 1 ? '> ' : '  '}${bound}`, ...effectCells(effect)]);
  }
  if (evictionAlone !== null) rows.push([`  (${evictUsed} alone, against lru)`, ...effectCells(evictionAlone)]);
  lines.push('', aligned(rows));
  if (parts.length > 0 && cache.budgets.some((budget) => budget.isChosen && budget.issued > 0)) {
    const partRows = parts.map((part) => [
      `  ${partText(part)}`,
      percent(part.accessShare),
      intervalText(part.effect.missesSaved, percent),
      intervalText(part.effect.waitSaved, percent),
      intervalText(part.effect.benefitPerMillion, amountText),
      part.answer,
    ]);
    lines.push(
      '',
      aligned([
        ['part of the traffic', 'accesses', 'misses saved', 'wait saved', 'benefit / 1M', 'it pays'],
        ...partRows,
      ]),
    );
  }
  return lines.join('\n');
}

const effectHeadings = ['hits gained', 'misses saved', 'wait saved', 'requests added', 'bytes added', 'benefit / 1M'];

function effectCells(effect: Effect): string[] {
  return [
    intervalText(effect.hitsGained, percent),
    intervalText(effect.missesSaved, percent),
    intervalText(effect.waitSaved, percent),
    intervalText(effect.requestsAdded, percent),
    intervalText(effect.bytesAdded, percent),
    intervalText(effect.benefitPerMillion, amountText),
  ];
}

/** `4.2 % (3.9 .. 4.6)`: the unit stands once. */
export function intervalText({ estimate, low, high }: Interval, textOf: (value: number) => string): string {
  if (estimate === null || low === null || high === null) return '-';
  const bare = (value: number): string => textOf(value).replace(/ %$/, '');
  return `${textOf(estimate)} (${bare(low)} .. ${bare(high)})`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => cellWidth(row[c]!))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, c) => (c === 0 ? padRight(cell, widths[c]!) : padLeft(cell, widths[c]!)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

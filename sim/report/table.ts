/** The terminal table of a replay: one line a run, grouped by trace and cache size. */

import type { RunResult } from '../replay/result.ts';

import { cellWidth, padLeft, padRight } from './cell-text.ts';
import { shortTraceNames } from './trace-names.ts';

interface Column {
  readonly title: string;
  readonly isText?: boolean;
  readonly cell: (run: RunResult) => string;
}

/** What says nothing in a cell. A column with nothing else is left out. */
const NOTHING = '-';

const columns: readonly Column[] = [
  { title: 'evict', isText: true, cell: (r) => (r.evict === r.evictUsed ? r.evict : `${r.evict} (${r.evictUsed})`) },
  {
    title: 'prefetch',
    isText: true,
    cell: (r) => (r.trafficMax === null ? r.prefetch : `${r.prefetch} <=${r.trafficMax}`),
  },
  { title: 'misses', cell: (r) => String(r.misses) },
  { title: 'miss%', cell: (r) => percent(r.missRatio, 2) },
  { title: 'issued', cell: (r) => (r.prefetch === 'none' ? NOTHING : String(r.prefetches.issued)) },
  { title: 'prec%', cell: (r) => percent(r.precision) },
  { title: 'cover%', cell: (r) => (r.prefetch === 'none' ? NOTHING : percent(r.coverage)) },
  { title: 'late', cell: (r) => (r.prefetch === 'none' ? NOTHING : String(r.late)) },
  { title: 'poll%', cell: (r) => (r.prefetch === 'none' ? NOTHING : percent(r.pollution, 2)) },
  { title: 'traffic', cell: (r) => fixed(r.trafficRatio, 3) },
  { title: 'bytes', cell: (r) => fixed(r.trafficBytesRatio, 3) },
  { title: 'mean', cell: (r) => (r.latency === '0' ? NOTHING : waitText(r.latencyMs.mean, r)) },
  { title: 'p99', cell: (r) => (r.latency === '0' ? NOTHING : waitText(r.latencyMs.p99, r)) },
  { title: 'benefit', cell: (r) => (r.prefetch === 'none' ? NOTHING : fixed(r.netBenefit, 4)) },
  { title: 'acc/s', cell: (r) => rate(r.requestsPerSecond) },
];

/** What a narrow terminal goes without, the first of these first. */
const dispensable = ['poll%', 'late', 'cover%', 'p99', 'acc/s', 'issued', 'bytes', 'benefit', 'prec%'];

/**
 * Lays the runs out as text. Trace and cache size stand on the first line of their runs only; a blank line parts traces.
 * Within 160 columns, unless names or settings are long.
 * @param widthMax of the terminal: columns are left out, and named below, until the lines fit or only what matters most is left.
 */
export function replayTable(runs: readonly RunResult[], widthMax = Number.POSITIVE_INFINITY): string {
  const present = columns.filter((column) => column.isText || runs.some((run) => column.cell(run) !== NOTHING));
  const left: string[] = [];
  for (;;) {
    const text = tableOf(
      runs,
      present.filter(({ title }) => !left.includes(title)),
    );
    const next = dispensable.find((title) => !left.includes(title) && present.some((column) => column.title === title));
    if (next === undefined || text.indexOf('\n') <= widthMax)
      return left.length === 0
        ? text
        : `${text}(too narrow for ${left.join(', ')}: --report, --json or a pipe has them)\n`;
    left.push(next);
  }
}

function tableOf(runs: readonly RunResult[], shown: readonly Column[]): string {
  const names = shortTraceNames(runs.map((run) => run.trace));
  const titles = ['trace', 'cache', ...shown.map((column) => column.title)];
  const isText = [true, false, ...shown.map((column) => column.isText === true)];
  const rows = runs.map((run, i) => {
    const previous = runs[i - 1];
    const isNewTrace = previous?.trace !== run.trace;
    const isNewCache = isNewTrace || cacheText(previous!) !== cacheText(run);
    return {
      isNewTrace,
      cells: [
        isNewTrace ? names.get(run.trace)! : '',
        isNewCache ? cacheText(run) : '',
        ...shown.map((column) => column.cell(run)),
      ],
    };
  });
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map(({ cells }) => cellWidth(cells[i]!))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isText[i] ? padRight(cell, widths[i]!) : padLeft(cell, widths[i]!)))
      .join('  ')
      .trimEnd();
  const lines = [line(titles), widths.map((width) => '-'.repeat(width)).join('  ')];
  rows.forEach(({ cells, isNewTrace }, i) => {
    if (isNewTrace && i > 0) lines.push('');
    lines.push(line(cells));
  });
  return `${lines.join('\n')}\n`;
}

function cacheText(run: RunResult): string {
  const size = run.cache.unit === 'bytes' ? bytesText(run.cache.size) : String(run.cache.size);
  return run.cache.fraction === null ? size : `${size} (${Number((run.cache.fraction * 100).toPrecision(3))}%)`;
}

/** Milliseconds as ms, s or h, whichever is read without counting zeros. */
export function readableMs(ms: number): readonly [amount: number, unit: 'ms' | 's' | 'h'] {
  if (ms < 10_000) return [ms, 'ms'];
  return ms < 10_000_000 ? [ms / 1000, 's'] : [ms / 3_600_000, 'h'];
}

/** Bytes with a binary unit, to three digits. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}

function percent(value: number | null, digits = 1): string {
  return value === null ? NOTHING : (value * 100).toFixed(digits);
}

function fixed(value: number | null, digits: number): string {
  return value === null ? NOTHING : value.toFixed(digits);
}

function waitText(value: number | null, run: RunResult): string {
  if (value === null) return NOTHING;
  if (run.latencyUnit === 'requests') return `${Number(value.toPrecision(3))}req`;
  const [amount, unit] = readableMs(value);
  return `${Number(amount.toPrecision(3))}${unit}`;
}

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)}M`;
  if (perSecond >= 1e3) return `${(perSecond / 1e3).toFixed(0)}k`;
  return perSecond.toFixed(0);
}

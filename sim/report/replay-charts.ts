/** The charts of one trace in a replay's report. */

import type { RunDetails, RunResult } from '../replay/result.ts';
import { type Chart, joinSeries, rangeAround } from './chart.ts';
import { baselineOf, compare } from './comparison.ts';

/** A run with what only the report shows of it. */
export interface DetailedRun {
  readonly run: RunResult;
  readonly details: RunDetails;
}

/** Every chart that has something to show, in reading order. */
export function chartsOf(runs: readonly DetailedRun[], focus: DetailedRun | undefined): readonly Chart[] {
  if (runs.every(({ run }) => run.accesses === 0)) return [];
  const charts = [hitChart(runs), latencyChart(runs), tradeChart(runs)];
  if (focus !== undefined)
    charts.push(overTimeChart(focus), governorChart(focus), latenessChart(focus), reliabilityChart(focus));
  return charts.filter((chart): chart is Chart => chart !== null);
}

/** The name of a run's line: what it was made of. */
export function lineName(run: RunResult): string {
  const bound = run.trafficMax === null ? '' : ` ≤${run.trafficMax}`;
  return `${run.prefetch}${bound} on ${run.evictUsed}`;
}

/** Runs that differ only in cache size, in order of first appearance. */
function lines(runs: readonly DetailedRun[]): readonly (readonly RunResult[])[] {
  const byName = new Map<string, RunResult[]>();
  for (const { run } of runs) {
    const line = byName.get(lineName(run));
    if (line === undefined) byName.set(lineName(run), [run]);
    else if (!line.some((other) => other.cache.size === run.cache.size)) line.push(run);
  }
  return [...byName.values()];
}

/** The engine stands out, the reference stands back, and the others take turns. */
const ENGINE_COLOR = 0;
const REFERENCE_COLOR = 5;
const OTHER_COLORS = [1, 2, 3, 4, 6, 7, 8, 9];

interface Line {
  readonly name: string;
  readonly color: number;
  /** Tells those apart whose colours are the same; absent = the first of them. */
  readonly mark?: number;
  readonly runs: readonly RunResult[];
}

function coloredLines(runs: readonly DetailedRun[]): readonly Line[] {
  let others = 0;
  let isEngineDrawn = false;
  return lines(runs).map((line) => {
    const first = line[0]!;
    let color = OTHER_COLORS[others % OTHER_COLORS.length]!;
    let mark = Math.floor(others / OTHER_COLORS.length);
    if (first.prefetch === 'none' && first.evictUsed === 'lru') {
      color = REFERENCE_COLOR;
      mark = 0;
    } else if (first.prefetch === 'anteroom' && !isEngineDrawn) {
      color = ENGINE_COLOR;
      mark = 0;
      isEngineDrawn = true;
    } else others++;
    return { name: lineName(first), color, ...(mark === 0 ? {} : { mark }), runs: line };
  });
}

/** Cache sizes up to this many are each marked on the axis. */
const TICKS_MAX = 6;

function curve(
  runs: readonly DetailedRun[],
  measureOf: (run: RunResult) => number | null,
): Pick<Chart, 'xs' | 'series' | 'xScale' | 'xFormat' | 'xTicks' | 'xRange' | 'yRange'> {
  const parts = coloredLines(runs).map(({ name, runs: line, ...look }) => ({
    label: name,
    ...look,
    style: line[0]!.prefetch === 'none' ? ('dashed' as const) : ('line' as const),
    points: line.flatMap((run) => {
      const value = measureOf(run);
      return value === null ? [] : [[run.cache.size, value] as const];
    }),
  }));
  const joined = joinSeries(parts.filter((part) => part.points.length > 0));
  const sizes = joined.xs;
  const highest = Math.max(0, ...joined.series.flatMap(({ ys }) => ys.map((y) => y ?? 0)));
  return {
    xScale: 'log',
    // From zero on, so that a difference looks as large as it is.
    yRange: [0, highest > 0 ? 1.08 * highest : 1],
    ...(runs[0]!.run.cache.unit === 'bytes' ? { xFormat: 'bytes' as const } : {}),
    ...(sizes.length > 0 && sizes.length <= TICKS_MAX ? { xTicks: sizes } : {}),
    ...(sizes.length > 0 ? { xRange: [sizes[0]! / 1.25, sizes[sizes.length - 1]! * 1.25] as const } : {}),
    ...joined,
  };
}

function hitChart(runs: readonly DetailedRun[]): Chart {
  return {
    title: 'Hits by cache size',
    note: 'Share of accesses served from the site, counted from the first access. Dashed lines are evictions without prefetching.',
    xLabel: `cache size, ${runs[0]!.run.cache.unit}`,
    yLabel: 'hits, %',
    ...curve(runs, (run) => (run.missRatio === null ? null : 100 * (1 - run.missRatio))),
  };
}

function latencyChart(runs: readonly DetailedRun[]): Chart | null {
  const run = runs[0]!.run;
  if (run.latency === '0') return null;
  return {
    title: 'Mean wait by cache size',
    note: `Wait of a demand access when fetches take ${run.latency}; a late prefetch shortens the wait without ending it.`,
    xLabel: `cache size, ${run.cache.unit}`,
    yLabel: `mean wait, ${run.latencyUnit === 'ms' ? 'ms' : 'accesses'}`,
    ...curve(runs, (r) => r.latencyMs.mean),
  };
}

function tradeChart(runs: readonly DetailedRun[]): Chart | null {
  const all = runs.map(({ run }) => run);
  const hasWaits = all.some((run) => run.latencyRatio !== null);
  const parts = coloredLines(runs)
    .filter(({ runs: line }) => line[0]!.prefetch !== 'none')
    .map(({ name, runs: line, ...look }) => ({
      label: name,
      ...look,
      style: 'points' as const,
      points: line.flatMap((run) => {
        const baseline = baselineOf(run, all);
        if (baseline === undefined) return [];
        const { missesSaved, meanWaitSaved, requestsAdded } = compare(run, baseline);
        const saved = hasWaits ? meanWaitSaved : missesSaved;
        return saved === null || requestsAdded === null ? [] : [[100 * requestsAdded, 100 * saved] as const];
      }),
    }))
    .filter((part) => part.points.length > 0);
  if (parts.length === 0) return null;
  return {
    title: hasWaits ? 'Waiting saved against traffic added' : 'Misses avoided against traffic added',
    note: 'Each point is a run against the same eviction without prefetching; up and to the left is better.',
    xLabel: 'requests added, %',
    xRange: rangeAround(parts.flatMap((part) => part.points.map(([x]) => x))),
    yRange: rangeAround(parts.flatMap((part) => part.points.map(([, y]) => y))),
    yLabel: hasWaits ? 'mean wait saved, %' : 'misses avoided, %',
    xScale: 'linear',
    ...joinSeries(parts),
  };
}

function overTimeChart({ run, details }: DetailedRun): Chart | null {
  if (details.slices.length < 2) return null;
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : (100 * part) / whole);
  return {
    title: 'Precision and misses over time',
    note: `${lineName(run)}, by slices of the log; precision is of the prefetches sent in a slice, whenever they were used. A forecast that stops fitting shows here first.`,
    xLabel: 'log position, accesses',
    yLabel: '%',
    yRange: [0, 100],
    xScale: 'linear',
    xs: details.slices.map((slice) => slice.endPosition),
    series: [
      { label: 'precision', color: 0, style: 'line', ys: details.slices.map((s) => share(s.used, s.issued)) },
      { label: 'misses', color: 1, style: 'line', ys: details.slices.map((s) => share(s.misses, s.accesses)) },
      {
        label: 'misses without prefetching',
        color: REFERENCE_COLOR,
        style: 'dashed',
        ys: details.slices.map((s) => share(s.baselineMisses, s.accesses)),
      },
    ],
  };
}

/** Only where something was refused or room ran short: a flat line says nothing. */
function governorChart({ run, details }: DetailedRun): Chart | null {
  const { slices } = details;
  const isGoverned = slices.some((slice) => slice.throttled > 0 || slice.overBudget > 0);
  if (slices.length < 2 || !isGoverned) return null;
  const share = (count: number, issued: number): number | null =>
    count + issued === 0 ? null : (100 * count) / (count + issued);
  const forMisses = slices.map((slice) => share(slice.throttled, slice.issued));
  const forTraffic = slices.map((slice) => share(slice.overBudget, slice.issued));
  const most = Math.max(...[...forMisses, ...forTraffic].map((value) => value ?? 0));
  return {
    title: 'What the bounds refused over time',
    note: `${lineName(run)}, by slices of the log: of the prefetches that it would have sent, those that the bound on misses (or an expert’s record) and the bound on traffic refused.`,
    xLabel: 'log position, accesses',
    yLabel: 'refused, %',
    yRange: [0, Math.min(100, Math.max(5, 1.1 * most))],
    xScale: 'linear',
    xs: slices.map((slice) => slice.endPosition),
    series: [
      { label: 'for misses', color: 1, style: 'line', ys: forMisses },
      { label: 'for traffic', color: 0, style: 'line', ys: forTraffic },
    ],
  };
}

function latenessChart({ run, details }: DetailedRun): Chart | null {
  if (details.lateness.length === 0) return null;
  const unit = run.latencyUnit === 'ms' ? 'ms' : 'accesses';
  const bins = 24;
  const longest = details.lateness[details.lateness.length - 1]!.wait;
  const width = longest > 0 ? longest / bins : 1;
  const counts = new Array<number>(bins).fill(0);
  for (const { wait, count } of details.lateness) {
    const bin = Math.min(bins - 1, Math.floor(wait / width));
    counts[bin] = counts[bin]! + count;
  }
  return {
    title: 'How late the late ones were',
    note: 'Rest of the fetch that a demand had to wait for after joining a prefetch in flight.',
    xLabel: `wait, ${unit}`,
    yLabel: 'prefetches',
    xScale: 'linear',
    xRange: [0, width * bins],
    yRange: [0, 1.05 * Math.max(...counts)],
    xs: counts.map((_, i) => (i + 0.5) * width),
    series: [{ label: 'late prefetches', color: 0, style: 'bars', ys: counts }],
  };
}

function reliabilityChart({ run, details }: DetailedRun): Chart | null {
  const points = details.reliability.filter((bin) => bin.meanForecast !== null && bin.hitRatio !== null);
  if (points.length === 0) return null;
  const ece = run.calibration?.ece;
  const error = ece === null || ece === undefined ? '' : ` Expected calibration error ${ece.toFixed(3)}.`;
  return {
    title: 'Does 80 % mean 80 %?',
    note: `Stated probability of the issued prefetches against the share that was used; on the diagonal the engine means what it says.${error}`,
    xLabel: 'stated probability, %',
    yLabel: 'used, %',
    xScale: 'linear',
    xRange: [0, 100],
    yRange: [0, 100],
    ...joinSeries([
      {
        label: 'as it should be',
        color: 5,
        style: 'guide',
        points: [
          [0, 0],
          [100, 100],
        ],
      },
      {
        label: lineName(run),
        color: 0,
        style: 'line',
        points: points.map((bin) => [100 * bin.meanForecast!, 100 * bin.hitRatio!] as const),
      },
    ]),
  };
}

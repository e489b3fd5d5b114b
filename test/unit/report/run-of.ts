/** Results for the tests of the report: a plain run, and what a test changes about it. */

import type { Report, RunDetails, RunResult, TraceInsight } from '../../../sim/replay/result.ts';

/** A slice in which nothing was bounded. */
const unbounded = { throttled: 0, overBudget: 0, missSlack: null, trafficHeadroom: null };

export function runOf(fields: Partial<RunResult> = {}): RunResult {
  const isNone = (fields.prefetch ?? 'none') === 'none';
  return {
    trace: 'logs/access.log',
    format: 'clf',
    accesses: 1000,
    segments: 100,
    bytes: 50_000,
    log: { accesses: 1000, segments: 100, bytes: 50_000, rejected: 0, skipped: {} },
    cache: { unit: 'segments', size: 10, fraction: 0.1 },
    evict: 'lru',
    evictUsed: 'lru',
    prefetch: 'none',
    trafficMax: null,
    latency: '50ms',
    latencyUnit: 'ms',
    hits: 600,
    misses: 400,
    missRatio: 0.4,
    byteMissRatio: 0.4,
    late: 0,
    baselineMisses: 400,
    referenceMisses: 400,
    prefetches: {
      issued: isNone ? 0 : 200,
      useful: isNone ? 0 : 120,
      late: 0,
      wasted: isNone ? 0 : 80,
      cancelled: 0,
      stale: 0,
      pending: 0,
      withdrawn: 0,
      bytes: 0,
    },
    precision: isNone ? null : 0.6,
    coverage: isNone ? 0 : 0.3,
    timeliness: isNone ? null : 1,
    pollution: 0,
    trafficRatio: 1,
    trafficBytesRatio: 1,
    originRequests: 400,
    originBytes: 20_000,
    latencyMs: { mean: 20, p50: 0, p90: 50, p99: 50 },
    latencyRatio: 1,
    netBenefit: 0,
    netBenefitOverReference: 0,
    calibration: null,
    refusals: {},
    missClasses: { unseen: 0, late: 0, evicted: 0, throttled: 0, overBudget: 0, unpredicted: 0 },
    trafficBreaches: 0,
    trafficOvershoot: 0,
    missBreaches: 0,
    missExcess: 0,
    holdout: null,
    governor: null,
    clampedTimes: 0,
    notes: [],
    seconds: 0.5,
    readSeconds: 0.25,
    requestsPerSecond: 2000,
    replayRequestsPerSecond: 3000,
    rssBytesMax: 1e8,
    digest: '0123456789abcdef',
    ...fields,
  };
}

/** The engine's run over `runOf()`: 100 of 400 misses avoided for 10 % more requests. */
export function engineOf(fields: Partial<RunResult> = {}): RunResult {
  return runOf({
    prefetch: 'anteroom',
    trafficMax: 1.3,
    misses: 300,
    hits: 700,
    missRatio: 0.3,
    latencyMs: { mean: 15, p50: 0, p90: 50, p99: 50 },
    latencyRatio: 0.75,
    trafficRatio: 1.1,
    trafficBytesRatio: 1.1,
    originRequests: 440,
    originBytes: 22_000,
    netBenefit: 0.5,
    netBenefitOverReference: 0.5,
    ...fields,
  });
}

export const noDetails: RunDetails = { lateness: [], reliability: [], slices: [], experts: [] };

export const fullDetails: RunDetails = {
  lateness: [
    { wait: 5, count: 3 },
    { wait: 48, count: 1 },
  ],
  reliability: [
    { low: 0, high: 0.5, count: 10, meanForecast: 0.25, hitRatio: 0.2 },
    { low: 0.5, high: 1, count: 0, meanForecast: null, hitRatio: null },
  ],
  slices: [
    { endPosition: 500, accesses: 500, misses: 200, baselineMisses: 200, issued: 0, used: 0, ...unbounded },
    { endPosition: 1000, accesses: 500, misses: 100, baselineMisses: 200, issued: 200, used: 120, ...unbounded },
  ],
  experts: [{ name: 'successor', issued: 200, used: 120 }],
};

export function insightFor(fields: Partial<TraceInsight> = {}): TraceInsight {
  const hours = (busy: number): number[] => Array.from({ length: 168 }, (_, hour) => (hour % 24 === busy ? 5 : 0));
  const start = Date.UTC(2024, 0, 1);
  return {
    trace: 'logs/access.log',
    format: 'clf',
    accesses: 1000,
    segments: 100,
    consumers: 7,
    timeSpanMs: [start, start + 7 * 86_400_000],
    timeZone: 'UTC',
    hotByHourOfWeek: [
      { segment: '/evening', total: 35, hours: hours(20) },
      { segment: '/morning', total: 30, hours: hours(8) },
    ],
    dependencies: [{ from: '/morning', to: '/news', support: 30, confidence: 0.75, lift: 12, lagMs: 1500 }],
    ...fields,
  };
}

export function reportOf(runs: readonly RunResult[], fields: Partial<Report> = {}): Report {
  return {
    result: { schema: 'anteroom.replay/1', version: '0.0.0', seed: 1, runs },
    details: runs.map((run) => (run.prefetches.issued > 0 ? fullDetails : noDetails)),
    insights: [],
    command: 'npx anteroom replay logs/access.log',
    ...fields,
  };
}

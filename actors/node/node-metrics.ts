/** The node's figures for Prometheus, by the names and definitions of a replay's report. */

import { Counter, Gauge, Registry } from 'prom-client';
import type { HttpFault } from '../../engine/host/http-guard.ts';
import { cpuSeconds, residentBytes } from '../../engine/host/process-usage.ts';
import type { EngineStats } from '../engine/engine-stats.ts';
import { outcomeNames } from '../prefetcher.ts';
import type { NodeStatus } from './node-status.ts';
import type { SourceStatus } from './sources/source.ts';

/** Everything that a scrape tells, looked up when it is asked for. */
export interface MetricsSource {
  readonly status: () => NodeStatus;
  readonly stats: () => EngineStats | null;
}

/** Why a request or a connection was refused. */
export type HttpRefusal =
  | HttpFault
  | 'bad-request'
  | 'unauthorised'
  | 'forbidden'
  | 'not-found'
  | 'wrong-method'
  | 'conflict'
  | 'too-large'
  | 'unknown-format'
  | 'throttled'
  | 'unavailable'
  | 'full'
  | 'fault';

/** Registers every metric; `text` is one scrape. */
export class NodeMetrics {
  readonly #registry = new Registry();
  readonly #source: MetricsSource;
  readonly #posts: Counter<'result'>;
  readonly #refused: Counter<'reason'>;

  constructor(source: MetricsSource) {
    this.#source = source;
    this.#posts = new Counter({
      name: 'anteroom_posts_total',
      help: 'Posts of accesses by how they were answered.',
      labelNames: ['result'],
      registers: [this.#registry],
    });
    this.#refused = new Counter({
      name: 'anteroom_http_refused_total',
      help: 'Requests and connections refused, by reason.',
      labelNames: ['reason'],
      registers: [this.#registry],
    });
    for (const metric of engineMetrics) this.#add(metric, () => metricOf(metric, source.stats()));
    for (const metric of nodeMetrics) this.#add(metric, () => metric.value(this.#source.status()));
  }

  /** A post was answered. */
  posted(result: 'accepted' | 'duplicate' | 'refused' | 'throttled' | 'failed'): void {
    this.#posts.inc({ result });
  }

  /** A request or a connection was refused. */
  refused(reason: HttpRefusal): void {
    this.#refused.inc({ reason });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #add(metric: MetricFacts, lookUp: () => MetricValue): void {
    const { name, help, label } = metric;
    const labelNames = label === undefined ? [] : [label];
    const values = (): readonly (readonly [string, number | null])[] => {
      const value = lookUp();
      return value === null || typeof value === 'number' ? [['', value]] : Object.entries(value);
    };
    const labelsOf = (key: string): Record<string, string> => (label === undefined ? {} : { [label]: key });
    if (name.endsWith('_total')) {
      new Counter({
        name,
        help,
        labelNames,
        registers: [this.#registry],
        collect() {
          // The figures are kept elsewhere; a counter is set by starting over.
          this.reset();
          for (const [key, value] of values()) this.inc(labelsOf(key), value ?? 0);
        },
      });
      return;
    }
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        // A ratio without a denominator is absent, not zero.
        for (const [key, value] of values()) this.set(labelsOf(key), value ?? Number.NaN);
      },
    });
  }
}

type MetricValue = number | null | Readonly<Record<string, number | null>>;

interface MetricFacts {
  readonly name: string;
  readonly help: string;
  readonly label?: string;
}

function outcomesOf({ prefetches }: EngineStats): Record<string, number> {
  return Object.fromEntries(outcomeNames.map((name) => [name, prefetches[name]]));
}

/** Prefetches without an end yet: while the engine runs the ledger counts none as pending. */
function openOf(stats: EngineStats): number {
  const { useful, late, wasted, cancelled, stale, issued } = stats.prefetches;
  return issued - useful - late - wasted - cancelled - stale;
}

function bySource({ sources }: NodeStatus, value: (source: SourceStatus) => number): Record<string, number> {
  return Object.fromEntries(sources.map((source) => [source.name, value(source)]));
}

function metricOf(
  metric: MetricFacts & { readonly value: (stats: EngineStats) => MetricValue },
  stats: EngineStats | null,
): MetricValue {
  return stats === null ? {} : metric.value(stats);
}

const engineMetrics: readonly (MetricFacts & { readonly value: (stats: EngineStats) => MetricValue })[] = [
  { name: 'anteroom_accesses_total', help: 'Demand accesses learned from.', value: (s) => s.accesses },
  {
    name: 'anteroom_misses_total',
    help: 'Demand accesses not resident when asked, late ones included.',
    value: (s) => s.misses,
  },
  { name: 'anteroom_late_total', help: 'Misses that joined a prefetch in flight.', value: (s) => s.late },
  {
    name: 'anteroom_baseline_misses_total',
    help: 'Misses of the same cache without prefetching (the ghost).',
    value: (s) => s.baselineMisses,
  },
  { name: 'anteroom_reference_misses_total', help: 'Misses of LRU of the same size.', value: (s) => s.referenceMisses },
  {
    name: 'anteroom_prefetches_issued_total',
    help: 'Prefetches sent to the origin.',
    value: (s) => s.prefetches.issued,
  },
  {
    name: 'anteroom_prefetches_withdrawn_total',
    help: 'Prefetches withdrawn before they were sent.',
    value: (s) => s.prefetches.withdrawn,
  },
  {
    name: 'anteroom_prefetches_total',
    help: 'Issued prefetches by their one outcome.',
    label: 'outcome',
    value: (s) => ({ ...outcomesOf(s), pending: openOf(s) }),
  },
  { name: 'anteroom_prefetch_bytes_total', help: 'Bytes of issued prefetches.', value: (s) => s.prefetches.bytes },
  {
    name: 'anteroom_refused_total',
    help: 'Proposals not issued, by reason.',
    label: 'reason',
    value: (s) => s.refusals,
  },
  { name: 'anteroom_miss_ratio', help: 'Misses over accesses.', value: (s) => s.missRatio },
  { name: 'anteroom_byte_miss_ratio', help: 'Bytes missed over bytes accessed.', value: (s) => s.byteMissRatio },
  { name: 'anteroom_precision', help: 'Useful and late over issued.', value: (s) => s.precision },
  {
    name: 'anteroom_coverage',
    help: 'Baseline misses that became hits over baseline misses.',
    value: (s) => s.coverage,
  },
  { name: 'anteroom_timeliness', help: 'Useful over useful and late.', value: (s) => s.timeliness },
  {
    name: 'anteroom_pollution',
    help: 'Misses on segments that the baseline held, over accesses.',
    value: (s) => s.pollution,
  },
  {
    name: 'anteroom_traffic_ratio',
    help: 'Demand fetches and prefetches over the demand fetches of LRU.',
    value: (s) => s.trafficRatio,
  },
  {
    name: 'anteroom_traffic_bytes_ratio',
    help: 'Bytes fetched over the bytes that LRU would have fetched.',
    value: (s) => s.trafficBytesRatio,
  },
  {
    name: 'anteroom_latency_ratio',
    help: 'Waiting over the waiting without prefetching, an estimate by the misses of the ghost.',
    value: (s) => s.latencyRatio,
  },
  {
    name: 'anteroom_net_benefit',
    help: 'Value of waiting saved (estimated) less the price of requests, bytes and space, in the currency of the prices.',
    value: (s) => s.netBenefit,
  },
  {
    name: 'anteroom_latency_mean_seconds',
    help: 'Mean wait of demand accesses.',
    value: (s) => seconds(s.latencyMs.mean),
  },
  {
    name: 'anteroom_latency_seconds',
    help: 'Waits of demand accesses by quantile.',
    label: 'quantile',
    value: ({ latencyMs: { p50, p90, p99 } }) => ({ '0.5': seconds(p50), '0.9': seconds(p90), '0.99': seconds(p99) }),
  },
  {
    name: 'anteroom_calibration_brier',
    help: 'Brier score of stated probabilities.',
    value: (s) => s.calibration?.brier ?? null,
  },
  {
    name: 'anteroom_calibration_ece',
    help: 'Expected calibration error over ten bins.',
    value: (s) => s.calibration?.ece ?? null,
  },
  { name: 'anteroom_cache_used', help: 'Units resident, reactive and staged.', value: (s) => s.cache.used },
  { name: 'anteroom_cache_staged', help: 'Units staged and not yet demanded.', value: (s) => s.cache.staged },
  { name: 'anteroom_prefetches_in_flight', help: 'Prefetches on their way.', value: (s) => s.cache.inFlight },
  {
    name: 'anteroom_traffic_headroom',
    help: 'Further fetches that the traffic bound allows now.',
    value: (s) => s.governor.trafficHeadroom,
  },
  {
    name: 'anteroom_traffic_breaches_total',
    help: 'Accesses after which requests stood above their bound.',
    value: (s) => s.governor.trafficBreaches,
  },
  {
    name: 'anteroom_miss_breaches_total',
    help: 'Accesses after which misses stood above their bound.',
    value: (s) => s.governor.missBreaches,
  },
  {
    name: 'anteroom_miss_excess_max',
    help: 'The most by which misses stood above those of the ghost.',
    value: (s) => s.governor.missExcess,
  },
];

const nodeMetrics: readonly (MetricFacts & { readonly value: (status: NodeStatus) => MetricValue })[] = [
  {
    name: 'anteroom_up',
    help: '1 in the state that the node is in.',
    label: 'state',
    value: (s) => ({ [s.state]: 1 }),
  },
  { name: 'anteroom_process_resident_bytes', help: 'Memory held resident.', value: residentBytes },
  { name: 'anteroom_process_cpu_seconds_total', help: 'Time spent on a core.', value: cpuSeconds },
  { name: 'anteroom_ready', help: '1 = accesses are taken and questions answered.', value: (s) => (s.isReady ? 1 : 0) },
  { name: 'anteroom_log_start', help: 'Log position of the oldest access kept.', value: (s) => s.log.start },
  { name: 'anteroom_log_end', help: 'Log position after the newest access acknowledged.', value: (s) => s.log.end },
  { name: 'anteroom_log_bytes', help: 'Bytes that the log holds.', value: (s) => s.log.bytes },
  {
    name: 'anteroom_log_producers',
    help: 'Producers whose sequences are remembered.',
    value: (s) => s.log.producerCount,
  },
  { name: 'anteroom_log_told', help: 'Log position up to which the engine has learned.', value: (s) => s.toldUntil },
  { name: 'anteroom_queue_bytes', help: 'Bytes admitted and not learned from yet.', value: (s) => s.queueBytes },
  {
    name: 'anteroom_appends_total',
    help: 'Posts and chunks by what the log made of them.',
    label: 'result',
    value: (s) => ({ ...s.intake }),
  },
  {
    name: 'anteroom_segments_refused_total',
    help: 'Accesses to segments beyond engine.segmentsMax.',
    value: (s) => s.told.segmentsRefused,
  },
  {
    name: 'anteroom_consumers_refused_total',
    help: 'Accesses of consumers beyond engine.consumersMax.',
    value: (s) => s.told.consumersRefused,
  },
  {
    name: 'anteroom_consumer_limited_total',
    help: 'Accesses not learned from because their consumer was beyond its quota.',
    label: 'quota',
    value: (s) => ({ ...s.told.limited }),
  },
  {
    name: 'anteroom_checkpoint_position',
    help: 'Log position of the newest checkpoint.',
    value: (s) => s.checkpoint?.logPosition ?? null,
  },
  {
    name: 'anteroom_checkpoint_age_seconds',
    help: 'Age of the newest checkpoint.',
    value: (s) => s.checkpointAgeSeconds,
  },
  {
    name: 'anteroom_deliveries_total',
    help: 'Requests to sinks by how they went.',
    label: 'result',
    value: (s) => ({
      delivered: s.delivery.delivered,
      failed: s.delivery.failed,
      retried: s.delivery.retries,
      overflowed: s.delivery.overflowed,
      cancelled: s.delivery.cancelled,
      redriven: s.delivery.redriven,
    }),
  },
  { name: 'anteroom_dead_letters', help: 'Dead letters kept.', value: (s) => s.delivery.deadLetters },
  {
    name: 'anteroom_dead_letters_dropped_total',
    help: 'Dead letters that had to go.',
    value: (s) => s.delivery.deadLettersDropped,
  },
  {
    name: 'anteroom_source_up',
    help: '1 = the source reads, or waits for room; 0 = it is degraded, halted or stopped.',
    label: 'source',
    value: (s) => bySource(s, ({ state }) => (state === 'running' || state === 'paused' ? 1 : 0)),
  },
  {
    name: 'anteroom_source_messages_total',
    help: 'Messages that came to a source, repeated ones included.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.messages),
  },
  {
    name: 'anteroom_source_accesses_total',
    help: 'Accesses that a source has put into the log.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.accesses),
  },
  {
    name: 'anteroom_source_duplicates_total',
    help: 'Messages of a source that were in the log already.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.duplicates),
  },
  {
    name: 'anteroom_source_bad_total',
    help: 'Messages of a source that could not be read.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.bad),
  },
  {
    name: 'anteroom_source_failures_total',
    help: 'Connections of a source that broke or could not be made.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.failures),
  },
  {
    name: 'anteroom_source_pauses_total',
    help: 'Times that a source waited for room.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.pauses),
  },
  {
    name: 'anteroom_source_refused_total',
    help: 'Peers and messages that sources refused for who sent them.',
    label: 'reason',
    value: (s) => {
      const sums: Record<string, number> = {};
      for (const { refused } of s.sources)
        for (const [reason, count] of Object.entries(refused)) sums[reason] = (sums[reason] ?? 0) + count;
      return sums;
    },
  },
  {
    name: 'anteroom_bad_messages_redriven_total',
    help: 'Bad messages of a source that were taken at another try.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.redriven),
  },
  { name: 'anteroom_bad_messages', help: 'Bad messages of sources that are kept.', value: (s) => s.badMessages },
  {
    name: 'anteroom_bad_messages_dropped_total',
    help: 'Bad messages of sources that had to go.',
    label: 'source',
    value: (s) => bySource(s, ({ counts }) => counts.deadLettersDropped),
  },
  {
    name: 'anteroom_place_losses_total',
    help: 'Losses of the actors of a part, after each of which the engine was made again.',
    value: (s) => s.places?.losses ?? null,
  },
  {
    name: 'anteroom_place_silences_total',
    help: 'Waits for parts that were longer than places.silentMs.',
    value: (s) => s.places?.silences ?? null,
  },
  { name: 'anteroom_tail_lines_total', help: 'Accesses taken from followed files.', value: (s) => s.tail.lines },
  { name: 'anteroom_tail_rotations_total', help: 'Rotations of followed files.', value: (s) => s.tail.rotations },
  {
    name: 'anteroom_tail_lost_places_total',
    help: 'Followed files that were rotated away while the node was down.',
    value: (s) => s.tail.lostPlaces,
  },
];

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

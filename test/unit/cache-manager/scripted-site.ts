/** A site whose prefetcher does what a script says, for scenarios worked out by hand. */

import { createSite } from '../../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import type { Site, SiteOptions } from '../../../actors/cache-manager/site.ts';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../../actors/origin/simulated-origin.ts';
import { type AccessCursor, outcomeNames, type Prefetcher, type ProposalBuffer } from '../../../actors/prefetcher.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';
import { Operation } from '../../../streams/operation.ts';

/** Segments to propose after the access at a log position: an id, or an id with its probability. */
export type Script = Readonly<Record<number, readonly (number | readonly [number, number])[]>>;

export interface Row {
  readonly segment: number;
  readonly timeMs?: number;
  readonly size?: number;
  readonly isWrite?: boolean;
}

export class ScriptedPrefetcher implements Prefetcher {
  readonly name = 'scripted';
  readonly experts = ['script'];
  readonly staging: 'shared' | 'separate';
  /** How each access was served, as `Served` codes. */
  readonly served: number[] = [];
  /** Outcomes in the order in which they were known, as `segment:name`. */
  readonly outcomes: string[] = [];
  readonly #script: Script;

  constructor(script: Script, staging: 'shared' | 'separate' = 'separate') {
    this.#script = script;
    this.staging = staging;
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    this.served.push(served);
    for (const entry of this.#script[access.position] ?? []) {
      const [segment, probability] = typeof entry === 'number' ? [entry, Number.NaN] : entry;
      proposals.propose(segment, -1, probability, 0);
    }
  }

  onOutcome(segment: number, _expert: number, outcome: number): void {
    this.outcomes.push(`${segment}:${outcomeNames[outcome]}`);
  }
}

export interface Scenario extends Partial<SiteOptions> {
  readonly script: Script;
  readonly rows: readonly (number | Row)[];
  readonly latency?: string;
  readonly staging?: 'shared' | 'separate';
  /** Default true: what is still open becomes pending. */
  readonly isFinished?: boolean;
}

/** Plays a scenario: LRU, 4 segments, instant fetches, one access a second from 1 s on, unless it says otherwise. */
export function play(scenario: Scenario): { site: Site; prefetcher: ScriptedPrefetcher } {
  const { script, rows, latency = '0', staging, isFinished = true, ...options } = scenario;
  const prefetcher = new ScriptedPrefetcher(script, staging);
  const spec = parseLatencySpec(latency);
  const site = createSite({
    capacity: 4,
    unit: 'segments',
    makeEviction: (capacity, onEvict) =>
      createEviction('lru', onEvict === undefined ? { capacity } : { capacity, onEvict }),
    makePrefetcher: () => prefetcher,
    origin: createOrigin(spec, 1),
    modelTime: spec.kind === 'time' ? 'ms' : 'requests',
    ...options,
  });
  site.serve(batchOf(rows));
  if (isFinished) site.finish();
  return { site, prefetcher };
}

export function batchOf(rows: readonly (number | Row)[], position = 0): AccessBatch {
  const full = rows.map((row) => (typeof row === 'number' ? { segment: row } : row) as Row);
  return new AccessBatch(position, {
    timeMs: Float64Array.from(full, (row, i) => row.timeMs ?? 1000 * (position + i + 1)),
    segment: Uint32Array.from(full, (row) => row.segment),
    consumer: new Int32Array(full.length).fill(-1),
    site: new Int32Array(full.length).fill(-1),
    op: Uint8Array.from(full, (row) => (row.isWrite === true ? Operation.write : Operation.read)),
    size: Float64Array.from(full, (row) => row.size ?? -1),
    weight: new Float64Array(full.length).fill(1),
  });
}

/** The outcome counts by name, zeros left out. */
export function outcomesOf(site: Site): Record<string, number> {
  return Object.fromEntries(
    outcomeNames.map((name, i) => [name, site.ledger.outcomes[i]!] as const).filter(([, count]) => count > 0),
  );
}

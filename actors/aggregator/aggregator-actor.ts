/** The actor that keeps the access map and proposes what is used most. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import { exp2 } from '../../engine/exp2.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { FarLoopMessage, ProposalsMessage, SummaryMessage } from '../messages.ts';
import { ProposalRows } from '../proposal-rows.ts';
import { AccessMap } from './access-map.ts';
import { type AggregatorConfig, aggregatorConfigSchema } from './aggregator-config.ts';
import { MergedAccessMap } from './merged-access-map.ts';

export type AggregatorMessage = FarLoopMessage | SummaryMessage;

export interface AggregatorOptions {
  readonly config?: AggregatorConfig;
  /** Name under which its summaries are merged elsewhere. */
  readonly producer?: string;
  /** Horizons in the unit of the axis, as the forecaster has them. */
  readonly horizonsMs: readonly number[];
  readonly horizonsAccesses: readonly number[];
  readonly forecaster?: ActorRef<ProposalsMessage>;
  /** Who merges this map with others; a summary is made at each tick only where someone listens. */
  /** Segments that need no proposal, because the site has them; default: none. */
  readonly isResident?: (segment: number) => boolean;
  readonly mergers?: readonly ActorRef<SummaryMessage>[];
}

/** Name of the aggregator's expert. */
export const popularityExpert = 'popularity';

/**
 * As an expert it takes accesses to a segment for a Poisson process whose rate is the decayed frequency over its mean
 * memory, halfLife / ln 2: P(within h) = 1 - exp(-rate x h). Crude where accesses come in bursts; the forecaster calibrates.
 * At a tick it looks at as many segments as accesses came since the last, in turn, so it costs the same for each access.
 */
export class AggregatorActor implements Actor<AggregatorMessage> {
  readonly map: AccessMap;
  /** This producer's map with those of others. */
  readonly merged: MergedAccessMap;
  readonly #options: AggregatorOptions;
  readonly #producer: string;
  #refusedSummaryCount = 0;
  #proposedAt = 0;

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#producer = options.producer ?? 'local';
    this.map = new AccessMap(options.config ?? aggregatorConfigSchema.parse({}));
    this.merged = new MergedAccessMap(this.map.config.producersMax);
  }

  /** Summaries of one producer too many. */
  get refusedSummaryCount(): number {
    return this.#refusedSummaryCount;
  }

  receive(message: AggregatorMessage, _context: ActorContext<AggregatorMessage>): void {
    switch (message.kind) {
      case 'accesses':
        this.map.observe(message.batch);
        return;
      case 'summary':
        if (
          this.merged.summaries.size >= this.map.config.producersMax &&
          !this.merged.summaries.has(message.summary.producer)
        ) {
          this.#refusedSummaryCount++;
        } else {
          this.merged.merge(message.summary);
        }
        return;
      case 'tick':
        this.#tick(message.position, message.timeMs);
    }
  }

  /** Everything but what the settings give (#options, #producer) and summaries of other producers, who send them again. */
  persist(fields: StateFields): void {
    this.map.persist(fields);
    this.#refusedSummaryCount = fields.number(this.#refusedSummaryCount);
    this.#proposedAt = fields.number(this.#proposedAt);
  }

  #tick(position: number, timeMs: number): void {
    const { forecaster, mergers } = this.#options;
    if (mergers !== undefined && mergers.length > 0) {
      // The log position is a version that grows across restarts, for a producer that replays its log from a checkpoint.
      const summary = this.map.summarize(this.#producer, position);
      for (const merger of mergers) merger.tell({ kind: 'summary', position, timeMs, summary });
    }
    forecaster?.tell({
      kind: 'proposals',
      expert: popularityExpert,
      position,
      timeMs,
      proposals: this.propose(position, timeMs),
    });
  }

  /** The expert's proposals at a tick. */
  propose(position: number, timeMs: number): ProposalsMessage['proposals'] {
    const { axis } = this.map;
    const horizons = axis.usesTime === false ? this.#options.horizonsAccesses : this.#options.horizonsMs;
    const now = axis.instantAt(timeMs, position);
    const { hotSegmentsMax, probabilityMin } = this.map.config;
    const { isResident } = this.#options;
    const fresh = this.map.accessCount - this.#proposedAt;
    this.#proposedAt = this.map.accessCount;
    const aged = this.map.findNextFrequent(hotSegmentsMax, fresh, (segment) => isResident?.(segment) !== true);
    const rows = new ProposalRows(aged.length * horizons.length);
    for (const { segment } of aged) {
      const { frequency } = this.map.useOf(segment, now)!;
      for (let h = 0; h < horizons.length; h++) {
        const score = comesWithin(frequency, this.map.halfLife, horizons[h]!);
        if (score >= probabilityMin) rows.add(segment, h, score);
      }
    }
    return rows.columns();
  }
}

/** P(an access within `horizon`) of a Poisson process with that decayed frequency. */
export function comesWithin(frequency: number, halfLife: number, horizon: number): number {
  // The process's rate is this one x ln 2, so the exponential is a power of two.
  const rate = frequency / halfLife;
  return 1 - exp2(-rate * horizon);
}

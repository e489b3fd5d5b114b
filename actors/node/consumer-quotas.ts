/** What one consumer may take of a node, so that none can crowd out the others: accesses for each second, and new segments. */

import { z } from 'zod';
import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from '../cache-manager/grown-table.ts';

const rate = z.number().min(0.001).nullable();
const share = z.number().min(0).max(1);

export const quotasSchema = z.strictObject({
  accessesPerSecondMax: rate
    .default(null)
    .describe('Accesses of one consumer for each second of event time; null = as many as come.'),
  burstSeconds: z.number().min(0.001).default(10).describe('Seconds of that rate that a consumer may take at once.'),
  segmentShareMax: share
    .default(1)
    .describe('Share of `engine.segmentsMax` that one consumer may be the first to name; 1 = all of it.'),
  consumers: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('Of the consumer.'),
        accessesPerSecondMax: rate.default(null).describe('In the place of the rate for everybody.'),
        segmentShareMax: share.default(1).describe('In the place of the share for everybody.'),
      }),
    )
    .max(10_000)
    .default([])
    .describe('Consumers with quotas of their own.'),
});

export type QuotasConfig = z.output<typeof quotasSchema>;

/** Who was limited, and in how many accesses, by reason. */
export interface LimitedConsumer {
  /** Null: accesses of nobody in particular. */
  readonly consumer: string | null;
  /** Beyond its rate. */
  readonly rate: number;
  /** To segments that it was not allowed to be the first to name. */
  readonly segments: number;
}

interface Quota {
  readonly perMs: number;
  readonly burst: number;
  readonly segmentsMax: number;
}

/**
 * A token bucket in event time and a count of first namings for each consumer: what is limited depends on the log alone, so a restart limits the
 * same. Columns by consumer, and one row for accesses of nobody: 36 bytes a consumer, O(1) an access. What is limited stays in the log and
 * is not learned from. Gets wrong: who sends old times slowly is measured by these times.
 */
export class ConsumerQuotas {
  readonly #all: Quota;
  /** By the consumer's id plus 1, as far as one has quotas of its own. */
  readonly #own: ReadonlyMap<string, Quota>;
  readonly #nameOf: (consumer: number) => string;
  readonly #isOff: boolean;
  #quotaOf: (Quota | undefined)[] = [];
  #tokens = new Float64Array(64);
  #filledAt = new Float64Array(64).fill(Number.NaN);
  #named = new Uint32Array(64);
  #limitedRate = new Float64Array(64);
  #limitedSegments = new Float64Array(64);
  #count = 0;
  #nowMs = Number.NEGATIVE_INFINITY;

  constructor(config: QuotasConfig, segmentsMax: number, nameOf: (consumer: number) => string) {
    const quota = (perSecond: number | null, shareMax: number): Quota => ({
      perMs: (perSecond ?? Infinity) / 1000,
      burst: Math.max(1, (perSecond ?? Infinity) * config.burstSeconds),
      segmentsMax: Math.floor(shareMax * segmentsMax),
    });
    this.#all = quota(config.accessesPerSecondMax, config.segmentShareMax);
    this.#own = new Map(
      config.consumers.map((own) => [own.name, quota(own.accessesPerSecondMax, own.segmentShareMax)]),
    );
    this.#nameOf = nameOf;
    this.#isOff = config.accessesPerSecondMax === null && config.segmentShareMax === 1 && config.consumers.length === 0;
  }

  /** Whether anybody is limited in anything. */
  get isOff(): boolean {
    return this.#isOff;
  }

  /** Accesses limited so far, by reason. */
  get limited(): { readonly rate: number; readonly segments: number } {
    let [bySpeed, bySegments] = [0, 0];
    for (let row = 0; row < this.#count; row++) {
      bySpeed += this.#limitedRate[row]!;
      bySegments += this.#limitedSegments[row]!;
    }
    return { rate: bySpeed, segments: bySegments };
  }

  /** The `n` consumers that were limited most. */
  most(n: number): readonly LimitedConsumer[] {
    const rows = Array.from({ length: this.#count }, (_, row) => row).filter(
      (row) => this.#limitedRate[row]! + this.#limitedSegments[row]! > 0,
    );
    const total = (row: number): number => this.#limitedRate[row]! + this.#limitedSegments[row]!;
    rows.sort((a, b) => total(b) - total(a) || a - b);
    return rows.slice(0, n).map((row) => ({
      consumer: row === 0 ? null : this.#nameOf(row - 1),
      rate: this.#limitedRate[row]!,
      segments: this.#limitedSegments[row]!,
    }));
  }

  /** An access of `consumer` (-1 = of nobody) at `timeMs` (NaN = now); false = beyond its rate. */
  takes(consumer: number, timeMs: number): boolean {
    if (timeMs > this.#nowMs) this.#nowMs = timeMs;
    const row = this.#row(consumer);
    const { perMs, burst } = this.#quota(row);
    if (perMs === Infinity) return true;
    const before = this.#filledAt[row]!;
    const tokens = Number.isNaN(before)
      ? burst
      : Math.min(burst, this.#tokens[row]! + Math.max(0, this.#nowMs - before) * perMs);
    this.#filledAt[row] = this.#nowMs;
    if (tokens < 1) {
      this.#tokens[row] = tokens;
      this.#limitedRate[row]!++;
      return false;
    }
    this.#tokens[row] = tokens - 1;
    return true;
  }

  /** `consumer` names a segment that nobody has named; false = it may not name more. */
  names(consumer: number): boolean {
    const row = this.#row(consumer);
    if (this.#named[row]! >= this.#quota(row).segmentsMax) {
      this.#limitedSegments[row]!++;
      return false;
    }
    this.#named[row]!++;
    return true;
  }

  /** Everything but what the settings give: #all, #own, #nameOf, #isOff, #quotaOf. */
  persist(fields: StateFields): void {
    this.#tokens = fields.array(this.#tokens);
    this.#filledAt = fields.array(this.#filledAt);
    this.#named = fields.array(this.#named);
    this.#limitedRate = fields.array(this.#limitedRate);
    this.#limitedSegments = fields.array(this.#limitedSegments);
    this.#count = fields.number(this.#count);
    this.#nowMs = fields.number(this.#nowMs);
  }

  #row(consumer: number): number {
    const row = consumer + 1;
    if (row >= this.#count) this.#count = row + 1;
    if (row >= this.#tokens.length) this.#grow(row);
    return row;
  }

  #quota(row: number): Quota {
    if (this.#own.size === 0) return this.#all;
    const known = this.#quotaOf[row];
    if (known !== undefined) return known;
    const found = (row === 0 ? undefined : this.#own.get(this.#nameOf(row - 1))) ?? this.#all;
    this.#quotaOf[row] = found;
    return found;
  }

  #grow(row: number): void {
    const length = this.#filledAt.length;
    this.#tokens = grownTable(this.#tokens, row);
    this.#filledAt = grownTable(this.#filledAt, row).fill(Number.NaN, length);
    const named = new Uint32Array(this.#tokens.length);
    named.set(this.#named);
    this.#named = named;
    this.#limitedRate = grownTable(this.#limitedRate, row);
    this.#limitedSegments = grownTable(this.#limitedSegments, row);
  }
}

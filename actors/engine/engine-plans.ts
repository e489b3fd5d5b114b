/** What an engine means to stage and has not ended: planned, queued, on its way, staged, each with who asked and what it is worth. */

import type { Prospect } from '../cache-manager/prospects.ts';
import type { Pipeline } from '../pipeline.ts';

/** A prefetch that has not ended. */
export interface EnginePlan {
  readonly segment: number;
  readonly name: string;
  /**
   * `planned`: the far loop wants it, the site has not taken it yet. `queued`: it waits for a fetch slot. `inFlight`: it is being fetched.
   * `staged`: it is here and was not asked for yet.
   */
  readonly stage: 'planned' | Prospect['stage'];
  /** Who asked; null = not known. */
  readonly expert: string | null;
  /** The near loop asks at an access, the far loop at a tick. */
  readonly loop: 'near' | 'far';
  /** P(demanded before it would leave); null = not stated. */
  readonly probability: number | null;
  readonly sizeBytes: number;
  /** Waiting that it is expected to save: probability x what a fetch of that size lasts, ms; null where no probability was stated. */
  readonly savesMs: number | null;
  /** Expected net benefit in the currency of the prices; only what the far loop plans is priced one by one. */
  readonly netBenefit: number | null;
  /** Instants (ms of event time, or log position) by which the far loop wants it to start, and after which its reason has passed. */
  readonly startBy: number | null;
  readonly expiresAt: number | null;
  /** Log position at which it was sent; null = it was not. */
  readonly issuedAt: number | null;
}

/** What becomes of the far loop's candidates, since the start; see `ScheduleCounts`. */
export type PlanCounts = Readonly<Record<string, number>>;

/** At most `limit` of each stage: planned by deadline, queued by value, in flight by age, staged the latest first. Reading changes nothing. */
export function enginePlans(
  pipeline: Pipeline,
  limit: number,
  nameOf: (segment: number) => string,
  experts: readonly string[],
): readonly EnginePlan[] {
  const { site } = pipeline;
  const scheduler = pipeline.scheduler?.scheduler ?? null;
  const firstFar = site.prefetcher?.experts.length ?? 0;
  const planned = new Map((scheduler?.planned() ?? []).map((entry) => [entry.segment, entry]));
  const saved = (probability: number, sizeBytes: number): number | null =>
    Number.isNaN(probability) || scheduler === null ? null : probability * scheduler.fetchTime.expected(sizeBytes);
  const taken = site.prospects(limit).map((prospect): EnginePlan => {
    const { segment, stage, expert, probability, sizeBytes, issuedAt } = prospect;
    const loop = expert < firstFar ? 'near' : 'far';
    const entry = loop === 'far' ? planned.get(segment) : undefined;
    return {
      segment,
      name: nameOf(segment),
      stage,
      expert: experts[expert] ?? null,
      loop,
      probability: Number.isNaN(probability) ? null : probability,
      sizeBytes,
      savesMs: saved(probability, sizeBytes),
      netBenefit: entry?.netBenefit ?? null,
      startBy: entry?.startBy ?? null,
      expiresAt: entry?.expiresAt ?? null,
      issuedAt: issuedAt < 0 ? null : issuedAt,
    };
  });
  // Planned before and neither here nor on its way: the plan is still under way, or the site refused it and the next tick will say so.
  const waiting = [...planned.values()]
    .filter(({ segment }) => !site.isResident(segment))
    .sort((a, b) => a.startBy - b.startBy)
    .slice(0, limit)
    .map(
      ({ segment, expert, probability, sizeBytes, netBenefit, startBy, expiresAt }): EnginePlan => ({
        segment,
        name: nameOf(segment),
        stage: 'planned',
        expert: experts[firstFar + expert] ?? null,
        loop: 'far',
        probability,
        sizeBytes,
        savesMs: saved(probability, sizeBytes),
        netBenefit,
        startBy,
        expiresAt,
        issuedAt: null,
      }),
    );
  return [...waiting, ...taken];
}

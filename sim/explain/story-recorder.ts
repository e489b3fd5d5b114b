/** Looks on while a run is served and writes down what happened to one segment, or to all in sums. */

import { Decision } from '../../actors/cache-manager/decision-digest.ts';
import { type Ledger, refusalNames } from '../../actors/cache-manager/ledger.ts';
import { MissClass, type MissClassName, missClassNames } from '../../actors/cache-manager/miss-classes.ts';
import type { OnDecision, Site } from '../../actors/cache-manager/site.ts';
import { type Evidence, outcomeNames } from '../../actors/prefetcher.ts';
import { assert } from '../../engine/assert.ts';
import type { StoryEvent } from './story.ts';

const servedNames = ['miss', 'hit', 'staged-hit', 'late'] as const;

/** How ids are written, and which one is followed. */
export interface StoryNames {
  readonly segment: (id: number) => string;
  readonly consumer: (id: number) => string | null;
  readonly experts: readonly string[];
}

/** Expected net benefit of what the far loop has planned of a segment; null = nothing. */
export type BenefitOf = (segment: number) => number | null;

/**
 * O(1) an access; where one segment is followed, its candidates are looked at after each access. Memory: the events kept, and six
 * counters for each segment that missed.
 */
export class StoryRecorder {
  readonly events: StoryEvent[] = [];
  omitted = 0;
  issued = 0;
  demands = 0;
  hits = 0;
  avoided = 0;
  misses = 0;
  /** Misses that the baseline has too, by segment: one counter a class. */
  readonly byMiss = new Map<number, Float64Array>();
  readonly #names: StoryNames;
  /** Followed; -1 = none. */
  readonly #target: number;
  readonly #eventsMax: number;
  readonly #from: number;
  #ledger: Ledger | null = null;
  #plannedBenefitOf: BenefitOf = () => null;
  #site: Site | null = null;
  /** The segment waits for a fetch slot. */
  #isQueued = false;
  #misses = 0;
  #baseline = 0;
  readonly #classes = new Float64Array(missClassNames.length);
  /** The access whose proposals are being decided, and what spoke for the followed segment when it was weighed. */
  #trigger: { position: number; timeMs: number; segment: number; consumer: number; evidence: Evidence | null } | null =
    null;
  #isWeighed = false;

  /** @param from first log position of which events are kept. */
  constructor(names: StoryNames, target: number, eventsMax: number, from: number) {
    this.#names = names;
    this.#target = target;
    this.#eventsMax = eventsMax;
    this.#from = from;
  }

  /** To be given to the run. */
  readonly onSite = (site: Site): void => {
    const { prefetcher, ledger } = site;
    assert(prefetcher !== null, 'a run without a prefetcher has no story');
    this.#ledger = ledger;
    this.#site = site;
    const inner = prefetcher.onAccess.bind(prefetcher);
    prefetcher.onAccess = (access, served, proposals) => {
      this.#forget(access.segment);
      this.#demand(access.segment, access.position, access.timeMs, access.consumer, served);
      inner(access, served, proposals);
      if (this.#target < 0) return;
      const { position, timeMs, segment, consumer } = access;
      // At once: outcomes that come before the next access teach what it is asked of.
      const evidence = prefetcher.evidenceOf?.(this.#target) ?? null;
      this.#trigger = { position, timeMs, segment, consumer, evidence };
      this.#isWeighed = evidence !== null;
    };
  };

  /** Where the far loop's plans are known. */
  watchPlans(benefitOf: BenefitOf): void {
    this.#plannedBenefitOf = benefitOf;
  }

  /** To be given to the run. */
  readonly onDecision: OnDecision = (code, segment, position, now, expert, probability) => {
    if (segment !== this.#target) return;
    const timeMs = this.#trigger?.position === position ? known(this.#trigger.timeMs) : known(now);
    if (code === Decision.issued) this.issued++;
    if (code === Decision.withdrawn || (code >= Decision.outcome && code < Decision.refused)) {
      this.#isQueued = false;
      const outcome = code === Decision.withdrawn ? 'withdrawn' : outcomeNames[code - Decision.outcome]!;
      this.#keep({ kind: 'outcome', position, timeMs, outcome });
      return;
    }
    if (code === Decision.issued && this.#isQueued) {
      this.#isQueued = false;
      this.#keep({ kind: 'outcome', position, timeMs, outcome: 'sent' });
      return;
    }
    const verdict = code === Decision.issued ? 'issued' : refusalNames[code - Decision.refused]!;
    this.#forecast(position, timeMs, expert, probability, verdict);
  };

  /** The run is over. */
  close(): void {
    this.#forget(-1);
  }

  #demand(segment: number, position: number, timeMs: number, consumer: number, served: number): void {
    const ledger = this.#ledger!;
    const isCounted = ledger.isCounting;
    const isBaselineMiss = ledger.baselineMisses > this.#baseline;
    const missClass = ledger.missClasses.findIndex((count, i) => count > this.#classes[i]!);
    const isMiss = ledger.misses > this.#misses;
    this.#misses = ledger.misses;
    this.#baseline = ledger.baselineMisses;
    this.#classes.set(ledger.missClasses);
    if (isCounted && missClass >= 0) {
      const counts = this.byMiss.get(segment) ?? new Float64Array(missClassNames.length);
      counts[missClass]! += 1;
      this.byMiss.set(segment, counts);
    }
    if (segment !== this.#target) return;
    if (isCounted) {
      this.demands++;
      if (isMiss) this.misses++;
      else this.hits++;
      if (!isMiss && isBaselineMiss) this.avoided++;
    }
    if (servedNames[served] === 'hit' && !isBaselineMiss) {
      this.#hit(position, timeMs);
      return;
    }
    this.#keep({
      kind: 'demand',
      position,
      timeMs: known(timeMs),
      consumer: this.#names.consumer(consumer),
      served: servedNames[served]!,
      baseline: isBaselineMiss ? 'miss' : 'hit',
      missClass: missClass < 0 ? null : (missClassNames[missClass] as MissClassName),
    });
  }

  /** A hit that would have been one anyway: one event for all in a row. */
  #hit(position: number, timeMs: number): void {
    const last = this.events.at(-1);
    if (last?.kind === 'hits' && this.omitted === 0) {
      this.events[this.events.length - 1] = { ...last, lastPosition: position, count: last.count + 1 };
    } else {
      this.#keep({ kind: 'hits', position, lastPosition: position, timeMs: known(timeMs), count: 1 });
    }
  }

  /** What was weighed after the last access and not asked for was not worth a fetch, or there was no room for one. */
  #forget(nextSegment: number): void {
    if (this.#isWeighed) {
      const { position, timeMs, evidence } = this.#trigger!;
      // Once demanded it is resident in any case; then its miss says whether it had waited.
      this.#isQueued =
        nextSegment === this.#target
          ? this.#ledger!.missClasses[MissClass.late]! > this.#classes[MissClass.late]!
          : this.#site!.isResident(this.#target);
      const verdict = this.#isQueued ? 'queued' : evidence!.value < 0 ? 'below-threshold' : 'budget';
      this.#forecast(position, known(timeMs), -1, Number.NaN, verdict);
    }
    this.#isWeighed = false;
    this.#trigger = null;
  }

  #forecast(position: number, timeMs: number | null, expert: number, probability: number, verdict: string): void {
    const evidence = this.#trigger?.evidence ?? null;
    this.#isWeighed = false;
    this.#keep({
      kind: 'forecast',
      position,
      timeMs,
      after: evidence === null ? null : this.#names.segment(this.#trigger!.segment),
      consumer: evidence === null ? null : this.#names.consumer(this.#trigger!.consumer),
      expert: this.#names.experts[expert] ?? null,
      probability: known(probability) ?? evidence?.probability ?? null,
      evidence,
      netBenefit: evidence === null && expert >= 0 ? this.#plannedBenefitOf(this.#target) : null,
      verdict,
    });
  }

  #keep(event: StoryEvent): void {
    if (event.position < this.#from) return;
    if (this.events.length < this.#eventsMax) this.events.push(event);
    else this.omitted++;
  }
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** A prefetcher that also proposes what hints call for. */

import {
  type AccessCursor,
  type ConsumerCounts,
  type Evidence,
  Outcome,
  type Prefetcher,
  type ProposalBuffer,
  type SiteView,
} from '../prefetcher.ts';
import type { HintBook } from './hint-book.ts';

/** Name of the hints among the experts. */
const hintExpert = 'hint';

/** Each access is shown to it, for hints are called for by accesses. */
type Watched = Required<Omit<Prefetcher, 'quietRows' | 'onQuiet' | 'proposeChosen'>>;

/** Hands everything on to `inner`, whose proposals come first; what is resident or on its way is not called for. */
export class HintedPrefetcher implements Watched {
  readonly name: string;
  readonly staging: Prefetcher['staging'];
  readonly experts: readonly string[];
  readonly #inner: Watched;
  readonly #site: SiteView;
  readonly #book: HintBook;
  readonly #expert: number;
  #proposals: ProposalBuffer | null = null;
  readonly #call = (segment: number, probability: number): void => {
    if (!this.#site.isResident(segment)) this.#proposals!.propose(segment, -1, probability, this.#expert);
  };

  constructor(inner: Watched, site: SiteView, book: HintBook) {
    this.name = inner.name;
    this.staging = inner.staging;
    this.#expert = inner.experts.length;
    this.experts = [...inner.experts, hintExpert];
    this.#inner = inner;
    this.#site = site;
    this.#book = book;
  }

  get horizonAccesses(): number {
    return this.#inner.horizonAccesses;
  }

  forecastOf(segment: number, position: number): number {
    return this.#inner.forecastOf(segment, position);
  }

  evidenceOf(segment: number): Evidence | null {
    return this.#inner.evidenceOf(segment);
  }

  consumerCounts(): ConsumerCounts | null {
    return this.#inner.consumerCounts();
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    this.#inner.onAccess(access, served, proposals);
    this.#proposals = proposals;
    this.#book.visit(access.segment, access.timeMs, this.#call);
  }

  onEvict(segment: number, isUnused: boolean): boolean {
    return this.#inner.onEvict(segment, isUnused);
  }

  onHeld(segment: number, isHeld: boolean): void {
    this.#inner.onHeld(segment, isHeld);
  }

  onOutcome(segment: number, expert: number, outcome: number, probability: number): void {
    if (expert !== this.#expert) {
      this.#inner.onOutcome(segment, expert, outcome, probability);
      return;
    }
    const isUsed = outcome === Outcome.useful || outcome === Outcome.late;
    if (isUsed || outcome === Outcome.wasted) this.#book.learn(segment, isUsed);
  }
}

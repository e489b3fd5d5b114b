/** The near loop as an engine has it: watched, so that who keeps the values knows what left. */

import type { AccessCursor, ConsumerCounts, Evidence, Prefetcher, ProposalBuffer } from '../prefetcher.ts';

/** Each access is shown to it. */
type Watched = Required<Omit<Prefetcher, 'quietRows' | 'onQuiet' | 'proposeChosen'>>;

/** Hands everything on to `inner`. */
export class EnginePrefetcher implements Watched {
  readonly name = 'anteroom';
  readonly staging: Prefetcher['staging'];
  readonly experts: readonly string[];
  readonly #inner: Watched;
  readonly #onLeave: (segment: number) => void;

  constructor(inner: Watched, onLeave: (segment: number) => void) {
    this.staging = inner.staging;
    this.experts = inner.experts;
    this.#inner = inner;
    this.#onLeave = onLeave;
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
  }

  onEvict(segment: number, isUnused: boolean): boolean {
    this.#onLeave(segment);
    return this.#inner.onEvict(segment, isUnused);
  }

  onHeld(segment: number, isHeld: boolean): void {
    this.#inner.onHeld(segment, isHeld);
  }

  onOutcome(segment: number, expert: number, outcome: number, probability: number): void {
    this.#inner.onOutcome(segment, expert, outcome, probability);
  }
}

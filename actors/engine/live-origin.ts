/** The origin of a live engine: someone else fetches, and answers. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Origin } from '../cache-manager/origin.ts';
import type { ProposalNote } from '../near-loop/segment-facts.ts';
import { FetchTime } from '../prefetch-scheduler/fetch-time.ts';

export interface LiveOriginOptions {
  /** Prefetches that may be unanswered at once. */
  readonly concurrencyMax: number;
  /** Time after which an answer is no longer waited for, ms. */
  readonly answerWithinMs: number;
  /** What fetches are taken to last before any was measured, and how many measured ones count. */
  readonly firstByteMs: number;
  readonly bytesPerSecond: number;
  readonly measuredFetches: number;
  /** The latest proposal of a segment; absent or null = none is known. */
  readonly proposalOf?: (segment: number) => ProposalNote | null;
}

/** A prefetch that was handed out and not answered. */
export interface OpenPrefetch {
  readonly id: number;
  readonly segment: number;
  readonly sizeBytes: number;
  readonly sentAt: number;
  /** Log position of the access at which it was sent. */
  readonly position: number;
  /** Instant by which its slot is free again, answered or not. */
  readonly until: number;
}

/** One that a demand joined, who asked for it at what probability (null = not stated), and the proposal that it came of: by the time it is answered there may be a later one. */
interface JoinedPrefetch extends OpenPrefetch {
  readonly expert: number;
  readonly probability: number | null;
  readonly proposal: ProposalNote | null;
}

/**
 * Prefetches take a slot until they are answered, called back, given up, or joined by a demand, whose fetch they are from then on. What a fetch lasts is learned from fetches that the
 * caller measured, demand and prefetch alike; waits of demands that are not measured are taken to be as expected.
 * A demand never waits for a slot: the caller's own fetches are not limited here.
 */
export class LiveOrigin implements Origin {
  readonly isInstant = false;
  readonly isAnswered = true;
  readonly preempted = -1;
  readonly #options: LiveOriginOptions;
  readonly #fetchTime: FetchTime;
  /** By segment; a map keeps the order of sending, so the first is the oldest. */
  readonly #open = new Map<number, OpenPrefetch>();
  /** By id: those that a demand joined, still fetched by someone. As many as may be open, the oldest forgotten first. */
  readonly #joined = new Map<number, JoinedPrefetch>();
  #lastJoined: OpenPrefetch | null = null;
  readonly #segmentOf = new Map<number, number>();
  readonly #sent: OpenPrefetch[] = [];
  readonly #calledBack: number[] = [];
  #nextId = 1;
  #unansweredCount = 0;

  constructor(options: LiveOriginOptions) {
    this.#options = options;
    this.#fetchTime = new FetchTime(options);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Prefetches whose answer did not come in time. */
  get unansweredCount(): number {
    return this.#unansweredCount;
  }

  /** Expected ms of a fetch of `bytes`. */
  expectedMs(bytes: number): number {
    return this.#fetchTime.expected(bytes);
  }

  /** A fetch of `bytes` was measured to last `durationMs`. */
  measured(bytes: number, durationMs: number): void {
    this.#fetchTime.observe(Math.max(0, bytes), durationMs);
  }

  demand(_segment: number, sizeBytes: number, now: number): number {
    return now + this.#fetchTime.expected(sizeBytes);
  }

  prefetch(segment: number, sizeBytes: number, now: number, key: number): number {
    if (this.#open.size >= this.#options.concurrencyMax) return -1;
    const until = now + this.#options.answerWithinMs;
    const open = { id: this.#nextId++, segment, sizeBytes, sentAt: now, position: key, until };
    // One answer is waited for a segment, so that whoever knows answers by segment cannot mean the other.
    for (const { id, segment: joined } of this.#joined.values()) if (joined === segment) this.#joined.delete(id);
    this.#open.set(segment, open);
    this.#segmentOf.set(open.id, segment);
    this.#sent.push(open);
    return until;
  }

  remaining(segment: number, now: number): number {
    const open = this.#open.get(segment) ?? (this.#lastJoined?.segment === segment ? this.#lastJoined : null);
    return open === null ? 0 : Math.max(0, open.sentAt + this.#fetchTime.expected(open.sizeBytes) - now);
  }

  join(segment: number, expert: number, probability: number): void {
    const open = this.#open.get(segment);
    if (open === undefined) return;
    this.#close(segment);
    this.#lastJoined = open;
    const proposal = this.#options.proposalOf?.(segment) ?? null;
    const stated = Number.isNaN(probability) ? null : probability;
    this.#joined.set(open.id, { ...open, expert, probability: stated, proposal });
    if (this.#joined.size > this.#options.concurrencyMax) this.#joined.delete(this.#joined.keys().next().value!);
  }

  callBack(segment: number): void {
    const open = this.#open.get(segment);
    if (open === undefined) return;
    this.#calledBack.push(open.id);
    this.#close(segment);
  }

  answered(segment: number): void {
    this.#close(segment);
  }

  givenUp(segment: number): void {
    this.#unansweredCount++;
    this.callBack(segment);
  }

  /** The open prefetch with that id, if its answer is still of use. */
  find(id: number): OpenPrefetch | undefined {
    const segment = this.#segmentOf.get(id);
    return segment === undefined ? undefined : this.#open.get(segment);
  }

  /** The prefetch with that id that a demand joined: its fetch still says how long fetches take. */
  findJoined(id: number): OpenPrefetch | undefined {
    return this.#joined.get(id);
  }

  /** Its answer came, or is not needed; undefined = it was forgotten. */
  closeJoined(id: number): JoinedPrefetch | undefined {
    const joined = this.#joined.get(id);
    this.#joined.delete(id);
    return joined;
  }

  /** Calls back what was joined and not answered in time, so that who joined may fetch for itself. Decisions do not depend on it. */
  expireJoined(now: number): void {
    for (const { id, until } of this.#joined.values()) {
      if (!(until <= now)) return;
      this.#joined.delete(id);
      this.#calledBack.push(id);
    }
  }

  /** All whose answer is waited for, those that a demand joined as well, the oldest first; at most one a segment. */
  allAwaited(): readonly OpenPrefetch[] {
    return [...this.#open.values(), ...this.#joined.values()].sort((a, b) => a.id - b.id);
  }

  /** Prefetches sent since the last call, in order. */
  takeSent(): readonly OpenPrefetch[] {
    return this.#sent.length === 0 ? NONE : this.#sent.splice(0);
  }

  /** Ids called back since the last call. */
  takeCalledBack(): readonly number[] {
    return this.#calledBack.length === 0 ? NONE : this.#calledBack.splice(0);
  }

  /** Everything but what the settings give (#options); what was sent and called back since the last `take` is not waited for after a restart. */
  persist(fields: StateFields): void {
    this.#fetchTime.persist(fields);
    const open = fields.plain([...this.#open.values()]);
    const joined = fields.plain([...this.#joined.values()]);
    this.#lastJoined = fields.plain(this.#lastJoined);
    this.#nextId = fields.number(this.#nextId);
    this.#unansweredCount = fields.number(this.#unansweredCount);
    if (!fields.isRestoring) return;
    for (const known of [this.#open, this.#joined, this.#segmentOf]) known.clear();
    for (const one of open) {
      this.#open.set(one.segment, one);
      this.#segmentOf.set(one.id, one.segment);
    }
    for (const one of joined) this.#joined.set(one.id, one);
    this.#sent.length = 0;
    this.#calledBack.length = 0;
  }

  #close(segment: number): void {
    const open = this.#open.get(segment);
    if (open === undefined) return;
    this.#open.delete(segment);
    this.#segmentOf.delete(open.id);
  }
}

const NONE: readonly never[] = [];

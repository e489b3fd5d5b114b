/** Looks up what hints call for after an access and at a time, and learns which hints are right. */

import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from '../cache-manager/grown-table.ts';
import type { Hint, HintsConfig } from './hints-config.ts';

/** A hint with its names as ids, and its record. */
interface Entry {
  readonly hint: Hint;
  readonly segments: Int32Array;
  dueAt: number;
  used: number;
  ended: number;
  passedOver: number;
}

/** Segments that are called for after one access, at most. */
const CALLED_MAX = 256;

/**
 * An ordered list calls for the next `ahead` of its segments, any other for all of it; a timed one once its time is near, at the first
 * access after that. The record is that of Laplace's rule with the stated probability as prior.
 * Time: O(places of the segment in lists x what is called for) an access, one look where a segment is in no list.
 */
export class HintBook {
  readonly #config: HintsConfig;
  readonly #entries: Entry[] = [];
  /** By segment: first place in `#places`, plus 1; 0 = in no list. */
  #first = new Int32Array(1024);
  /** Triples: entry, index in its segments, next place plus 1. */
  readonly #places: number[] = [];
  /** Entry by a segment that it called for last. */
  readonly #caller = new Map<number, Entry>();
  #nextDueAt = Infinity;
  /** What may still be called for after the access that is visited. */
  #left = 0;

  constructor(config: HintsConfig) {
    this.#config = config;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Adds a hint. `segments` are the ids of its names; -1 = unknown, passed over. */
  add(hint: Hint, segments: Int32Array): void {
    const entry = {
      hint,
      segments,
      dueAt: hint.atMs === null ? Infinity : hint.atMs - hint.leadMs,
      used: 0,
      ended: 0,
      passedOver: 0,
    };
    const index = this.#entries.push(entry) - 1;
    this.#nextDueAt = Math.min(this.#nextDueAt, entry.dueAt);
    // From the back, so that places are found in the order of the list.
    for (let i = segments.length - 1; i >= 0; i--) {
      const segment = segments[i]!;
      if (segment < 0) continue;
      if (segment >= this.#first.length) this.#first = grownTable(this.#first, segment);
      this.#places.push(index, i, this.#first[segment]!);
      this.#first[segment] = this.#places.length / 3;
    }
  }

  /** Calls for what an access to `segment` at `timeMs` (NaN = no time) makes likely. */
  visit(segment: number, timeMs: number, call: (segment: number, probability: number) => void): void {
    this.#left = CALLED_MAX;
    if (timeMs >= this.#nextDueAt) this.#callDue(timeMs, call);
    let place = segment < this.#first.length ? this.#first[segment]! : 0;
    while (place > 0 && this.#left > 0) {
      const at = (place - 1) * 3;
      const entry = this.#entries[this.#places[at]!]!;
      const i = this.#places[at + 1]!;
      place = this.#places[at + 2]!;
      if (!this.#speaks(entry)) continue;
      const { hint, segments } = entry;
      if (hint.isOrdered) this.#call(entry, i + 1, Math.min(segments.length, i + 1 + hint.ahead), segment, call);
      else this.#call(entry, 0, segments.length, segment, call);
    }
  }

  /** A prefetch that a hint called for ended, used or not. */
  learn(segment: number, isUsed: boolean): void {
    const entry = this.#caller.get(segment);
    if (entry === undefined) return;
    this.#caller.delete(segment);
    entry.ended++;
    if (isUsed) entry.used++;
  }

  /** The lists beyond those that are here already, which settings gave, and the records of all; #first and #places follow, #config is given. */
  persist(fields: StateFields): void {
    const lists = fields.plain(this.#entries.map(({ hint, segments }) => ({ hint, segments })));
    for (const { hint, segments } of lists.slice(this.#entries.length)) this.add(hint, segments);
    for (const entry of this.#entries) {
      entry.dueAt = fields.number(entry.dueAt);
      entry.used = fields.number(entry.used);
      entry.ended = fields.number(entry.ended);
      entry.passedOver = fields.number(entry.passedOver);
    }
    const callers = fields.plain(
      [...this.#caller].map(([segment, entry]) => [segment, this.#entries.indexOf(entry)] as const),
    );
    if (fields.isRestoring) {
      this.#caller.clear();
      for (const [segment, entry] of callers) this.#caller.set(segment, this.#entries[entry]!);
    }
    this.#nextDueAt = fields.number(this.#nextDueAt);
    this.#left = fields.number(this.#left);
  }

  #call(
    entry: Entry,
    from: number,
    to: number,
    besides: number,
    call: (segment: number, probability: number) => void,
  ): void {
    const probability = this.#probability(entry);
    for (let i = from; i < to && this.#left > 0; i++) {
      const segment = entry.segments[i]!;
      if (segment < 0 || segment === besides) continue;
      this.#left--;
      this.#caller.set(segment, entry);
      call(segment, probability);
    }
  }

  #callDue(timeMs: number, call: (segment: number, probability: number) => void): void {
    this.#nextDueAt = Infinity;
    for (const entry of this.#entries) {
      const { everyMs, leadMs } = entry.hint;
      if (timeMs >= entry.dueAt) {
        // Nobody came by while it was due and for as long after: it is too late for this time.
        const isLate = timeMs > entry.dueAt + 2 * leadMs;
        if (!isLate && this.#speaks(entry)) this.#call(entry, 0, entry.segments.length, -1, call);
        entry.dueAt =
          everyMs === null ? Infinity : entry.dueAt + (Math.floor((timeMs - entry.dueAt) / everyMs) + 1) * everyMs;
      }
      this.#nextDueAt = Math.min(this.#nextDueAt, entry.dueAt);
    }
  }

  #probability({ hint, used, ended }: Entry): number {
    const { priorUses } = this.#config;
    return (priorUses * hint.probability + used) / (priorUses + ended);
  }

  #speaks(entry: Entry): boolean {
    if (this.#probability(entry) >= this.#config.probabilityMin) return true;
    if (++entry.passedOver < this.#config.trialEvery) return false;
    entry.passedOver = 0;
    return true;
  }
}

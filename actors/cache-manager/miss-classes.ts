/** Why a miss was not avoided: each in exactly one class. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { grownTable } from './grown-table.ts';
import type { SiteAddresses } from './site-layout.ts';

/** Classes of misses that the baseline had as well, in the order in which they are looked for. */
export const MissClass = { unseen: 0, late: 1, evicted: 2, throttled: 3, overBudget: 4, unpredicted: 5 } as const;
export type MissClassCode = (typeof MissClass)[keyof typeof MissClass];
export const missClassNames = ['unseen', 'late', 'evicted', 'throttled', 'overBudget', 'unpredicted'] as const;
export type MissClassName = (typeof missClassNames)[number];

/** What was decided about a segment since its last demand. The later decision counts. */
export const Note = { none: 0, evicted: 1, throttled: 2, overBudget: 3 } as const;
/** Beside the note: the log has asked for the segment before. */
export const SEEN = 0x80;

/**
 * Keeps, for each segment, what was last decided about it since it was last demanded:
 * - unseen: the log had not asked for it before;
 * - late: it was on its way, or waiting for a slot;
 * - evicted: it had been staged and left the cache unused;
 * - throttled: it was proposed, and the bound on misses or a cap refused it;
 * - overBudget: it was forecast within the horizon, but not worth its price or beyond the bound on traffic;
 * - unpredicted: none of these.
 * A refusal counts for as long as the forecast was meant, an eviction until the next demand. O(1) a call; 5 bytes a segment.
 */
export class MissClasses {
  #note: Uint8Array;
  #notedAt: Int32Array;

  constructor(segmentCountHint: number) {
    this.#note = new Uint8Array(segmentCountHint);
    this.#notedAt = new Int32Array(segmentCountHint);
  }

  /** A demand for `segment` was served, whichever way. */
  demanded(segment: number): void {
    if (segment >= this.#note.length) this.#grow(segment);
    this.#note[segment] = SEEN | Note.none;
  }

  /** A staged copy left unused. */
  evicted(segment: number, position: number): void {
    this.#set(segment, Note.evicted, position);
  }

  /** A proposal was refused: by the bound on misses or a cap (`isThrottled`), or by price or budget. */
  refused(segment: number, position: number, isThrottled: boolean): void {
    // What was staged and left says more than that it was not staged again.
    if (segment < this.#note.length && (this.#note[segment]! & ~SEEN) === Note.evicted) return;
    this.#set(segment, isThrottled ? Note.throttled : Note.overBudget, position);
  }

  /**
   * Class of a miss that the baseline has as well. To be called before `demanded`.
   * @param isLate it joined a prefetch in flight, or one waited to be sent.
   * @param isForecast a forecast of it, not older than `horizon` accesses, was too improbable to be proposed.
   */
  classOf(segment: number, position: number, horizon: number, isLate: boolean, isForecast: boolean): MissClassCode {
    const word = segment < this.#note.length ? this.#note[segment]! : Note.none;
    const note = word & ~SEEN;
    if (isLate) return MissClass.late;
    if (note === Note.evicted) return MissClass.evicted;
    if (note > Note.evicted && ((position - this.#notedAt[segment]!) | 0) <= horizon) {
      return note === Note.throttled ? MissClass.throttled : MissClass.overBudget;
    }
    if (isForecast) return MissClass.overBudget;
    return (word & SEEN) === 0 ? MissClass.unseen : MissClass.unpredicted;
  }

  /** Segments that it has a row for. */
  get segmentLimit(): number {
    return this.#note.length;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#note = place(this.#note, at.note);
    this.#notedAt = place(this.#notedAt, at.notedAt);
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#note = fields.array(this.#note);
    this.#notedAt = fields.array(this.#notedAt);
  }

  #set(segment: number, note: number, position: number): void {
    if (segment >= this.#note.length) this.#grow(segment);
    this.#note[segment] = (this.#note[segment]! & SEEN) | note;
    this.#notedAt[segment] = position;
  }

  #grow(segment: number): void {
    this.#note = grownTable(this.#note, segment);
    this.#notedAt = grownTable(this.#notedAt, segment);
  }
}

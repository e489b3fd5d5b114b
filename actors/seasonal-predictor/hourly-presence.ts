/** In which of the last hours each of a bounded set of segments was accessed. */

import type { StateFields } from '../../engine/state-fields.ts';

/**
 * Hours x segments of 0 or 1, one row an hour; a segment keeps its slot until it is released. The ones are also kept in the
 * order in which they came, so that an hour that leaves the history and a fit cost what is there, not the whole table.
 */
export class HourlyPresence {
  readonly segmentsMax: number;
  readonly historyHours: number;
  readonly #rows: Uint8Array;
  readonly #segment: Uint32Array;
  readonly #presentHours: Int32Array;
  readonly #lastHour: Float64Array;
  readonly #free: number[] = [];
  #slotOf = new Int32Array(1024).fill(-1);
  /** Ones, oldest first, as a ring; those of a released segment find a 0 in the table and are passed over. */
  #eventSlot = new Int32Array(1024);
  #eventHour = new Float64Array(1024);
  #firstEvent = 0;
  #eventCount = 0;
  #used = 0;
  #refusedCount = 0;
  #releasedCount = 0;

  constructor(segmentsMax: number, historyHours: number) {
    this.segmentsMax = segmentsMax;
    this.historyHours = historyHours;
    this.#rows = new Uint8Array(segmentsMax * historyHours);
    this.#segment = new Uint32Array(segmentsMax);
    this.#presentHours = new Int32Array(segmentsMax);
    this.#lastHour = new Float64Array(segmentsMax).fill(-Infinity);
  }

  /** Slots in use are among 0..slotCount-1; a released one has no present hours. */
  get slotCount(): number {
    return this.#used;
  }

  /** Accesses to segments that found no slot. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Segments that were released with their history. */
  get releasedCount(): number {
    return this.#releasedCount;
  }

  segmentAt(slot: number): number {
    return this.#segment[slot]!;
  }

  slotOf(segment: number): number {
    return segment < this.#slotOf.length ? this.#slotOf[segment]! : -1;
  }

  /** Hours of the history in which the slot's segment was accessed. */
  presentHours(slot: number): number {
    return this.#presentHours[slot]!;
  }

  isPresent(slot: number, hour: number): boolean {
    return this.#rows[this.#row(hour) + slot] === 1;
  }

  /** Marks an access of `segment` in the open hour. */
  mark(segment: number, hour: number): void {
    if (segment >= this.#slotOf.length) {
      const longer = new Int32Array(Math.max(segment + 1, this.#slotOf.length * 2)).fill(-1);
      longer.set(this.#slotOf);
      this.#slotOf = longer;
    }
    let slot = this.#slotOf[segment]!;
    if (slot < 0) {
      if (this.#free.length > 0) slot = this.#free.pop()!;
      else if (this.#used < this.segmentsMax) slot = this.#used++;
      else {
        this.#refusedCount++;
        return;
      }
      this.#slotOf[segment] = slot;
      this.#segment[slot] = segment;
    }
    if (this.#lastHour[slot] === hour) return;
    this.#lastHour[slot] = hour;
    this.#rows[this.#row(hour) + slot] = 1;
    this.#presentHours[slot]!++;
    if (this.#eventCount === this.#eventSlot.length) this.#growEvents();
    const at = (this.#firstEvent + this.#eventCount++) & (this.#eventSlot.length - 1);
    this.#eventSlot[at] = slot;
    this.#eventHour[at] = hour;
  }

  /** Calls back for each one of the table, oldest hour first. */
  forEachPresence(visit: (slot: number, hour: number) => void): void {
    const mask = this.#eventSlot.length - 1;
    for (let i = 0; i < this.#eventCount; i++) {
      const at = (this.#firstEvent + i) & mask;
      const slot = this.#eventSlot[at]!;
      const hour = this.#eventHour[at]!;
      if (this.isPresent(slot, hour)) visit(slot, hour);
    }
  }

  /** Opens `hour`, the next: the hour that leaves the history is emptied. */
  open(hour: number): void {
    const mask = this.#eventSlot.length - 1;
    while (this.#eventCount > 0 && this.#eventHour[this.#firstEvent]! <= hour - this.historyHours) {
      const at = this.#row(this.#eventHour[this.#firstEvent]!) + this.#eventSlot[this.#firstEvent]!;
      if (this.#rows[at] === 1) {
        this.#presentHours[this.#eventSlot[this.#firstEvent]!]!--;
        this.#rows[at] = 0;
      }
      this.#firstEvent = (this.#firstEvent + 1) & mask;
      this.#eventCount--;
    }
  }

  /** Forgets all hours, after a gap longer than the history. */
  clear(): void {
    this.#rows.fill(0);
    this.#presentHours.fill(0);
    this.#eventCount = 0;
  }

  /**
   * Makes room where accesses were refused since the last call: those without a present hour leave, and if that frees less than
   * an eighth, those with the fewest, ties by the longer absence, then the smaller id. Calls back for each slot that is released.
   */
  makeRoom(onRelease: (slot: number) => void): void {
    if (this.#used < this.segmentsMax || this.#refusedCount === this.#refusedBefore) return;
    this.#refusedBefore = this.#refusedCount;
    const held = Array.from({ length: this.#used }, (_, slot) => slot).filter(
      (slot) => this.#slotOf[this.#segment[slot]!] === slot,
    );
    held.sort(
      (a, b) =>
        this.#presentHours[a]! - this.#presentHours[b]! ||
        this.#lastHour[a]! - this.#lastHour[b]! ||
        this.#segment[a]! - this.#segment[b]!,
    );
    const target = Math.max(1, this.segmentsMax >> 3) - this.#free.length;
    held.forEach((slot, i) => {
      if (i >= target && this.#presentHours[slot]! > 0) return;
      this.#release(slot);
      onRelease(slot);
    });
  }

  #refusedBefore = 0;

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.into(this.#rows);
    fields.into(this.#segment);
    fields.into(this.#presentHours);
    fields.into(this.#lastHour);
    fields.list(this.#free);
    this.#slotOf = fields.array(this.#slotOf);
    this.#eventSlot = fields.array(this.#eventSlot);
    this.#eventHour = fields.array(this.#eventHour);
    this.#firstEvent = fields.number(this.#firstEvent);
    this.#eventCount = fields.number(this.#eventCount);
    this.#used = fields.number(this.#used);
    this.#refusedCount = fields.number(this.#refusedCount);
    this.#releasedCount = fields.number(this.#releasedCount);
    this.#refusedBefore = fields.number(this.#refusedBefore);
  }

  #release(slot: number): void {
    this.#slotOf[this.#segment[slot]!] = -1;
    for (let row = slot; row < this.#rows.length; row += this.segmentsMax) this.#rows[row] = 0;
    this.#presentHours[slot] = 0;
    this.#lastHour[slot] = -Infinity;
    this.#free.push(slot);
    this.#releasedCount++;
  }

  #growEvents(): void {
    const mask = this.#eventSlot.length - 1;
    const slot = new Int32Array(this.#eventSlot.length * 2);
    const hour = new Float64Array(this.#eventSlot.length * 2);
    for (let i = 0; i < this.#eventCount; i++) {
      slot[i] = this.#eventSlot[(this.#firstEvent + i) & mask]!;
      hour[i] = this.#eventHour[(this.#firstEvent + i) & mask]!;
    }
    this.#eventSlot = slot;
    this.#eventHour = hour;
    this.#firstEvent = 0;
  }

  #row(hour: number): number {
    const at = hour % this.historyHours;
    return (at < 0 ? at + this.historyHours : at) * this.segmentsMax;
  }
}

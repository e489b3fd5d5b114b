/** A set of slot numbers that is walked in time proportional to its members. */

const NONE = -1;

/** Members stand in a dense array, in an order that depends on the calls made; O(1) a call, 8 bytes a slot. */
export class SlotSet {
  readonly #members: Int32Array;
  readonly #placeOf: Int32Array;
  #count = 0;

  constructor(slotsMax: number) {
    this.#members = new Int32Array(slotsMax);
    this.#placeOf = new Int32Array(slotsMax).fill(NONE);
  }

  get count(): number {
    return this.#count;
  }

  /** The member at `index`, below `count`. */
  at(index: number): number {
    return this.#members[index]!;
  }

  has(slot: number): boolean {
    return this.#placeOf[slot] !== NONE;
  }

  /** Makes `slot` a member or not. */
  set(slot: number, isMember: boolean): void {
    const place = this.#placeOf[slot]!;
    if (isMember === (place !== NONE)) return;
    if (isMember) {
      this.#placeOf[slot] = this.#count;
      this.#members[this.#count++] = slot;
      return;
    }
    const last = this.#members[--this.#count]!;
    this.#members[place] = last;
    this.#placeOf[last] = place;
    this.#placeOf[slot] = NONE;
  }

  /** The members in their order: who adds them to an empty set in it has this one. */
  members(): Int32Array {
    return this.#members.slice(0, this.#count);
  }

  clear(): void {
    this.#placeOf.fill(NONE);
    this.#count = 0;
  }
}

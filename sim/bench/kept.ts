/** Something that outlives the run that made it. */

/**
 * Keeps what the last run worked with until the next one is over. V8 seems to drop a hidden class when its last instance is collected,
 * and the machine code that relies on it; without this, whether a run starts compiled depends on when memory was last collected.
 */
export class Kept<T extends object> {
  #last: T | null = null;

  keep(value: T): void {
    this.#last = value;
  }

  get last(): T | null {
    return this.#last;
  }
}

/** A connection that is made when it is first needed, shared by all deliveries, and made anew after it has failed. */

export class LazyConnection<T> {
  readonly #make: () => Promise<T>;
  readonly #end: (connection: T) => Promise<void> | void;
  #making: Promise<T> | null = null;

  /** `end` must not reject. */
  constructor(make: () => Promise<T>, end: (connection: T) => Promise<void> | void) {
    this.#make = make;
    this.#end = end;
  }

  /** @throws as `make` does; the next call tries again. */
  async get(): Promise<T> {
    const making = this.#making ?? this.#make();
    this.#making = making;
    try {
      return await making;
    } catch (error) {
      if (this.#making === making) this.#making = null;
      throw error;
    }
  }

  /** The connection that failed is not used again; one that was made meanwhile stays. */
  async drop(failed: T): Promise<void> {
    const making = this.#making;
    if (making === null || (await making.catch(() => null)) !== failed) return;
    if (this.#making === making) this.#making = null;
    await this.#end(failed);
  }

  async close(): Promise<void> {
    const making = this.#making;
    this.#making = null;
    const connection = await making?.catch(() => null);
    if (connection !== null && connection !== undefined) await this.#end(connection);
  }
}

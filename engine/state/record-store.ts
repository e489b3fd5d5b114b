/** A small durable list of records, oldest first, as a port: dead letters, places in tailed files. */

/** A record under a key. */
export interface StoredRecord {
  readonly key: string;
  readonly value: string;
}

/** The implementation must make each call durable before it resolves. Keys are at most 400 characters. */
export interface RecordStore {
  /** Puts or replaces. @throws AnteroomError 'disk-full' or 'io'. */
  put(key: string, value: string): Promise<void>;
  get(key: string): string | null;
  /** Records whose keys begin with `prefix`, in the order of their keys, at most `limit`. */
  list(prefix: string, limit: number): readonly StoredRecord[];
  /** Removes a record; one that is not there is ignored. */
  remove(key: string): Promise<void>;
  close(): Promise<void>;
}

/** Records in memory. */
export class MemoryRecordStore implements RecordStore {
  readonly #records = new Map<string, string>();

  async put(key: string, value: string): Promise<void> {
    this.#records.set(key, value);
  }

  get(key: string): string | null {
    return this.#records.get(key) ?? null;
  }

  list(prefix: string, limit: number): readonly StoredRecord[] {
    return [...this.#records.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map((key) => ({ key, value: this.#records.get(key)! }));
  }

  async remove(key: string): Promise<void> {
    this.#records.delete(key);
  }

  async close(): Promise<void> {}
}

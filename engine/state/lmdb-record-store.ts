/** Records in an LMDB file. */

import type { Database, Key, RootDatabase } from 'lmdb';
import { type LmdbOptions, lmdbFault, openLmdb } from './lmdb-environment.ts';
import { LmdbRoom } from './lmdb-room.ts';
import type { RecordStore, StoredRecord } from './record-store.ts';

export class LmdbRecordStore implements RecordStore {
  readonly #environment: RootDatabase<Uint8Array, Key>;
  readonly #records: Database<Uint8Array, string>;
  readonly #room: LmdbRoom;

  static async open(options: LmdbOptions): Promise<LmdbRecordStore> {
    const environment = await openLmdb(options);
    try {
      return new LmdbRecordStore(environment, options.path);
    } catch (error) {
      await environment.close();
      throw error;
    }
  }

  private constructor(environment: RootDatabase<Uint8Array, Key>, path: string) {
    this.#environment = environment;
    this.#records = environment.openDB({ name: 'records', encoding: 'binary' });
    this.#room = new LmdbRoom('records', path, environment, [this.#records]);
  }

  async put(key: string, value: string): Promise<void> {
    const bytes = Buffer.from(value);
    this.#commit(key, bytes.length, () => this.#records.putSync(key, bytes));
  }

  get(key: string): string | null {
    const found = this.#records.get(key);
    return found === undefined ? null : new TextDecoder().decode(found);
  }

  list(prefix: string, limit: number): readonly StoredRecord[] {
    const found: StoredRecord[] = [];
    for (const { key, value } of this.#records.getRange({ start: prefix })) {
      if (found.length >= limit || !key.startsWith(prefix)) break;
      found.push({ key, value: new TextDecoder().decode(value) });
    }
    return found;
  }

  async remove(key: string): Promise<void> {
    if (!this.#records.doesExist(key)) return;
    this.#commit(key, 0, () => this.#records.removeSync(key));
  }

  async close(): Promise<void> {
    await this.#environment.close();
  }

  #commit(key: string, bytes: number, write: () => void): void {
    const release = this.#room.take('write', [bytes], this.#records.get(key)?.length);
    try {
      this.#environment.transactionSync(write);
    } catch (cause) {
      throw lmdbFault('records', 'write', cause);
    } finally {
      release();
    }
  }
}

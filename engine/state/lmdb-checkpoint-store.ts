/** Checkpoints in an LMDB file of their own, in pieces, the header last. */

import type { Database, Key, RootDatabase } from 'lmdb';
import { parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import { eventLoopRound } from '../host/turns.ts';
import {
  type CheckpointContent,
  type CheckpointHeader,
  type CheckpointStore,
  type CheckpointStoreConfig,
  checkpointStoreSchema,
  type DamagedCheckpoint,
  type LoadedCheckpoint,
  problemOf,
  sealCheckpoint,
  sealedFacts,
} from './checkpoint-store.ts';
import { digestBeside } from './lmdb-digest.ts';
import { lmdbFault, openLmdb } from './lmdb-environment.ts';
import { isDiskFull, LmdbRoom } from './lmdb-room.ts';
import { noCheckpoint } from './memory-checkpoint-store.ts';

/** Bytes of one piece: one transaction, and so one pause of the event loop, each. */
const PIECE_BYTES = 4 * 2 ** 20;

/** Bytes from which a thread for the digest is worth its start. */
const BESIDE_BYTES = 64 * 2 ** 20;

export interface LmdbCheckpointOptions {
  readonly path: string;
  readonly config?: Partial<CheckpointStoreConfig>;
  readonly mustExist?: boolean;
  /** `checkLmdb` was just called for it. */
  readonly isChecked?: boolean;
}

/**
 * A header is written when all pieces are durable, so a checkpoint without its header does not exist; pieces without one are swept
 * when the store is opened.
 */
export class LmdbCheckpointStore implements CheckpointStore {
  readonly #environment: RootDatabase<Uint8Array, Key>;
  readonly #headers: Database<Uint8Array, number>;
  readonly #pieces: Database<Uint8Array, [id: number, part: number, piece: number]>;
  readonly #room: LmdbRoom;
  readonly #path: string;
  readonly #kept: number;
  #isClosed = false;

  static async open(options: LmdbCheckpointOptions): Promise<LmdbCheckpointStore> {
    const config = parseConfig(checkpointStoreSchema, options.config ?? {}, 'checkpoints');
    const environment = await openLmdb({
      path: options.path,
      what: 'checkpoints',
      ...(options.mustExist === undefined ? {} : { mustExist: options.mustExist }),
      ...(options.isChecked === undefined ? {} : { isChecked: options.isChecked }),
    });
    try {
      return new LmdbCheckpointStore(environment, options.path, config.kept);
    } catch (error) {
      await environment.close();
      throw error;
    }
  }

  private constructor(environment: RootDatabase<Uint8Array, Key>, path: string, kept: number) {
    this.#environment = environment;
    this.#path = path;
    this.#headers = environment.openDB({ name: 'headers', encoding: 'binary' });
    this.#pieces = environment.openDB({ name: 'pieces', encoding: 'binary' });
    this.#room = new LmdbRoom('checkpoints', path, environment, [this.#headers, this.#pieces]);
    this.#kept = kept;
    try {
      this.#sweep();
    } catch (error) {
      // Remains take room and do no harm: the next checkpoint is written over them.
      if (!isDiskFull(error)) throw error;
    }
  }

  async put(content: CheckpointContent): Promise<CheckpointHeader> {
    const last = [...this.#headers.getKeys({ reverse: true, limit: 1 })][0] ?? 0;
    const header = sealCheckpoint(last + 1, content);
    // All of it or none: what a part of it took of a full disk would stay with the file, where only shorter values find it.
    this.#room.take('put', piecesOf(content.parts))();
    try {
      for (const [part, bytes] of content.parts.entries()) {
        for (let at = 0, piece = 0; at < bytes.length; at += PIECE_BYTES, piece++) {
          const slice = bytes.subarray(at, at + PIECE_BYTES);
          this.#commit('put', slice.length, () => this.#pieces.putSync([header.id, part, piece], asBuffer(slice)));
          await eventLoopRound();
        }
      }
      const sealed = new TextEncoder().encode(JSON.stringify(header));
      this.#commit('put', sealed.length, () => this.#headers.putSync(header.id, asBuffer(sealed)));
    } catch (error) {
      // What was written of it takes room that a full disk does not have.
      try {
        this.#remove(header.id);
      } catch {
        // The sweep at the next opening does it.
      }
      throw error;
    }
    const ids = [...this.#headers.getKeys({ reverse: true })];
    for (const id of ids.slice(this.#kept)) this.#remove(id);
    return header;
  }

  async list(): Promise<readonly CheckpointHeader[]> {
    return [...this.#headers.getRange({ reverse: true })].map(({ key, value }) => parseHeader(key, value));
  }

  async verify(id: number): Promise<string | null> {
    const stored = this.#headers.get(id);
    if (stored === undefined) throw noCheckpoint(id);
    const header = parseHeader(id, stored);
    return problemOf(header, this.#parts(header));
  }

  async latest(faultOf: (checkpoint: LoadedCheckpoint) => string | null = () => null): Promise<{
    readonly loaded: LoadedCheckpoint | null;
    readonly damaged: readonly DamagedCheckpoint[];
  }> {
    const damaged: DamagedCheckpoint[] = [];
    for (const header of await this.list()) {
      const bytes = header.partBytes.reduce((sum, length) => sum + length, 0);
      // Both read one mapping of the file: what is copied here is what is digested there.
      const digesting = bytes >= BESIDE_BYTES ? digestBeside(this.#path, header.id, sealedFacts(header)) : null;
      // The thread is started in the next turn, before the copying takes this one.
      if (digesting !== null) await eventLoopRound();
      const parts = this.#parts(header);
      const problem = problemOf(header, parts, await digesting) ?? faultOf({ header, parts });
      if (problem === null) return { loaded: { header, parts }, damaged };
      damaged.push({ header, problem });
    }
    return { loaded: null, damaged };
  }

  async delete(id: number): Promise<void> {
    if (this.#headers.get(id) === undefined) throw noCheckpoint(id);
    this.#remove(id);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#environment.close();
  }

  /** The pieces that are there, joined: short where some are missing, which `problemOf` tells. */
  #parts(header: CheckpointHeader): Uint8Array[] {
    return header.partBytes.map((length, part) => {
      const bytes = new Uint8Array(length);
      let at = 0;
      for (let piece = 0; at < length; piece++) {
        const found = this.#pieces.get([header.id, part, piece]);
        if (found === undefined || at + found.length > length) return bytes.subarray(0, at);
        bytes.set(found, at);
        at += found.length;
      }
      return bytes;
    });
  }

  /** Leaves a byte, a stray, and then removes that: what a commit frees is used from the next but one on. */
  #remove(id: number): void {
    const keys = [...this.#pieces.getKeys({ start: [id, 0, 0], end: [id + 1, 0, 0] })];
    const [first] = keys;
    const removeAll = (): void => {
      this.#headers.removeSync(id);
      for (const key of keys) this.#pieces.removeSync(key);
      if (first !== undefined) this.#pieces.putSync(first, Buffer.alloc(1));
    };
    if (first === undefined && !this.#headers.doesExist(id)) return;
    this.#commit('remove', 1, removeAll, keys.length * PIECE_BYTES);
    if (first === undefined) return;
    try {
      this.#commit('remove', 0, () => this.#pieces.removeSync(first), 1);
    } catch (error) {
      // The sweep at the next opening does it.
      if (!isDiskFull(error)) throw error;
    }
  }

  #sweep(): void {
    const known = new Set(this.#headers.getKeys());
    const strays = new Set<number>();
    for (const [id] of this.#pieces.getKeys()) if (!known.has(id)) strays.add(id);
    for (const id of strays) this.#remove(id);
  }

  #commit(step: string, bytes: number, write: () => void, freedBytes = 0): void {
    const release = this.#room.take(step, [bytes], freedBytes);
    try {
      this.#environment.transactionSync(write);
    } catch (cause) {
      throw lmdbFault('checkpoints', step, cause);
    } finally {
      release();
    }
  }
}

/** A header that cannot be read is one that its digest will not fit. */
function parseHeader(id: number, stored: Uint8Array): CheckpointHeader {
  try {
    const header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(stored)) as CheckpointHeader;
    if (header.id === id && Array.isArray(header.partBytes) && header.partBytes.every(Number.isSafeInteger))
      return header;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError))
      throw new AnteroomError('io', `checkpoint ${id}`, { cause });
  }
  return { id, logPosition: 0, watermarkMs: null, schemaVersion: 0, createdAtMs: 0, partBytes: [], digest: '' };
}

/** Lengths of the pieces, in bytes. */
function piecesOf(parts: CheckpointContent['parts']): readonly number[] {
  return [...parts.values()].flatMap((bytes) =>
    Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, i) =>
      Math.min(PIECE_BYTES, bytes.length - i * PIECE_BYTES),
    ),
  );
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What is yet to come in a trace: next accesses for belady, the coming segments for clairvoyant. Offline bounds only. */

import type { Future } from '../../actors/cache-manager/eviction.ts';
import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { ScratchFile } from '../../engine/host/scratch-file.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Operation } from '../../streams/operation.ts';
import type { Upcoming } from '../baselines/index.ts';

/** In the file: no further access. */
const NEVER = 0xffffffff;

/** Whether a row counts as a demand under the write policy. */
export function isDemand(op: number, writes: WritePolicy): boolean {
  return writes === 'access' || (op !== Operation.write && op !== Operation.delete);
}

/**
 * For each access the log position of the next access of the same segment, found by one pass from the end.
 *
 * Kept in a scratch file of 4 bytes an access, so memory grows with distinct segments only.
 */
export class NextAccesses {
  readonly #file: ScratchFile;
  /** File offset of the batch that starts at a log position. */
  readonly #offsetOf: ReadonlyMap<number, number>;
  /** Position of the first access of each segment. */
  readonly first: Float64Array;

  private constructor(file: ScratchFile, offsetOf: ReadonlyMap<number, number>, first: Float64Array) {
    this.#file = file;
    this.#offsetOf = offsetOf;
    this.first = first;
  }

  /**
   * @param reversed the trace's batches, last first, rows in order.
   * @param file kept by the table, and closed where the table cannot be built.
   */
  static async build(
    reversed: AsyncIterable<AccessBatch>,
    segmentCount: number,
    writes: WritePolicy,
    file: ScratchFile,
  ): Promise<NextAccesses> {
    try {
      return await NextAccesses.#build(reversed, segmentCount, writes, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static async #build(
    reversed: AsyncIterable<AccessBatch>,
    segmentCount: number,
    writes: WritePolicy,
    file: ScratchFile,
  ): Promise<NextAccesses> {
    const next = new Float64Array(segmentCount).fill(Number.POSITIVE_INFINITY);
    const offsetOf = new Map<number, number>();
    for await (const batch of reversed) {
      if (batch.position + batch.length >= NEVER) {
        throw new AnteroomError('limit', `belady and clairvoyant replay at most ${NEVER - 1} accesses`);
      }
      const column = new Uint32Array(batch.length);
      for (let i = batch.length - 1; i >= 0; i--) {
        const segment = batch.segment[i]!;
        const at = next[segment]!;
        column[i] = at === Number.POSITIVE_INFINITY ? NEVER : at;
        if (isDemand(batch.op[i]!, writes)) next[segment] = batch.position + i;
      }
      offsetOf.set(batch.position, file.byteLength);
      await file.append(new Uint8Array(column.buffer));
    }
    return new NextAccesses(file, offsetOf, next);
  }

  /** The column of a batch as it was when the table was built. */
  async columnOf(batch: AccessBatch): Promise<Uint32Array> {
    const offset = this.#offsetOf.get(batch.position);
    assert(offset !== undefined, `no batch starts at ${batch.position}`);
    const bytes = await this.#file.read(offset, batch.length * 4);
    return new Uint32Array(bytes.buffer, bytes.byteOffset, batch.length);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The next access of each segment, kept true while a run goes through the trace. */
export class FutureTable implements Future {
  readonly #next: Float64Array;
  #start = 0;
  #column: Uint32Array = new Uint32Array(0);

  /** @param first position of each segment's first access. */
  constructor(first: Float64Array) {
    this.#next = first.slice();
  }

  /** Announces the batch about to be served, with its column. */
  load(position: number, column: Uint32Array): void {
    this.#start = position;
    this.#column = column;
  }

  beforeAccess(position: number, segment: number): void {
    const next = this.#column[position - this.#start]!;
    this.#next[segment] = next === NEVER ? Number.POSITIVE_INFINITY : next;
  }

  nextOf(segment: number): number {
    return segment < this.#next.length ? this.#next[segment]! : Number.POSITIVE_INFINITY;
  }
}

/** The accesses after the current one, over the batch being served and those read ahead. */
export class LookAhead implements Upcoming {
  readonly depth: number;
  readonly #writes: WritePolicy;
  readonly #batches: AccessBatch[] = [];
  #position = -1;

  /** @param depth log positions that it can see ahead. */
  constructor(depth: number, writes: WritePolicy) {
    this.depth = depth;
    this.#writes = writes;
  }

  /** Adds the batch that follows the last one added. */
  push(batch: AccessBatch): void {
    this.#batches.push(batch);
  }

  /** Whether more batches are needed before `batch` can be served. */
  needs(batch: AccessBatch): boolean {
    const last = this.#batches[this.#batches.length - 1];
    return last === undefined || last.position + last.length < batch.position + batch.length + this.depth;
  }

  /** The current access; batches that ended before it are let go. */
  beforeAccess(position: number): void {
    this.#position = position;
    const first = this.#batches[0];
    if (first !== undefined && first.position + first.length <= position) this.#batches.shift();
  }

  segmentAfter(k: number): number {
    const at = this.#locate(k);
    return at < 0 ? -1 : this.#batches[this.#found]!.segment[at]!;
  }

  sizeBytesAfter(k: number): number {
    const at = this.#locate(k);
    return at < 0 ? -1 : this.#batches[this.#found]!.size[at]!;
  }

  #found = 0;

  /** Row of the k-th access ahead in batch `#found`, or -1 past the end and where nothing is demanded. */
  #locate(k: number): number {
    const position = this.#position + k;
    for (let i = 0; i < this.#batches.length; i++) {
      const batch = this.#batches[i]!;
      const row = position - batch.position;
      if (row < batch.length) {
        this.#found = i;
        return row >= 0 && isDemand(batch.op[row]!, this.#writes) ? row : -1;
      }
    }
    return -1;
  }
}

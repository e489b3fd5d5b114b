/** Checkpoints on a disk that takes time and fails; one that was being written at a crash is absent, whole or torn. */

import type { Clock } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { CheckpointContent, CheckpointHeader, CheckpointStore } from '../../engine/state/checkpoint-store.ts';
import { type MemoryCheckpointDisk, MemoryCheckpointStore } from '../../engine/state/memory-checkpoint-store.ts';
import type { DiskWeather } from './faulty-log-store.ts';

export class FaultyCheckpointStore implements CheckpointStore {
  readonly #inner: MemoryCheckpointStore;
  readonly #disk: MemoryCheckpointDisk;
  readonly #clock: Clock;
  readonly #weather: DiskWeather;
  readonly #random: RandomSource;
  #underWay: CheckpointContent | null = null;

  constructor(options: {
    readonly disk: MemoryCheckpointDisk;
    readonly clock: Clock;
    readonly weather: DiskWeather;
    readonly random: RandomSource;
  }) {
    this.#inner = new MemoryCheckpointStore({ disk: options.disk });
    this.#disk = options.disk;
    this.#clock = options.clock;
    this.#weather = options.weather;
    this.#random = options.random;
  }

  put(content: CheckpointContent): Promise<CheckpointHeader> {
    this.#underWay = content;
    const delayMs = 10 + this.#random.next() * 90 + this.#weather.slowMs;
    return new Promise((resolve, reject) => {
      this.#clock.setTimeout(() => {
        this.#underWay = null;
        if (this.#weather.isFailing) reject(new AnteroomError('io', 'checkpoints: the disk does not write'));
        else this.#inner.put(content).then(resolve, reject);
      }, delayMs);
    });
  }

  list(): Promise<readonly CheckpointHeader[]> {
    return this.#inner.list();
  }

  verify(id: number): Promise<string | null> {
    return this.#inner.verify(id);
  }

  latest(): ReturnType<CheckpointStore['latest']> {
    return this.#inner.latest();
  }

  /** What the oldest kept one holds, whole or not: never what a restart may take, but a planted bug does. */
  async oldest(): Promise<Uint8Array | null> {
    const oldest = (await this.list()).at(-1);
    const part = oldest === undefined ? null : this.#disk.checkpoints.get(oldest.id)!.parts[0]!;
    return part === null || part.length !== oldest!.partBytes[0] ? null : part;
  }

  delete(id: number): Promise<void> {
    return this.#inner.delete(id);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** The process dies. A torn checkpoint beside a damaged one would be two faults at once, which two kept ones do not cover. */
  crash(): void {
    const content = this.#underWay;
    this.#underWay = null;
    const draw = this.#random.next();
    if (content === null || this.#weather.isFailing || draw < 1 / 3) return;
    const isTorn = draw > 2 / 3;
    this.#inner.put(content).then(
      () => isTorn && damageNewest(this.#disk, 'torn'),
      () => {},
    );
  }
}

/** Damages the newest checkpoint, unless another kept one is damaged already or there is no other. Returns whether it did. */
export function damageNewest(disk: MemoryCheckpointDisk, how: 'torn' | 'flipped'): boolean {
  const kept = [...disk.checkpoints.values()].sort((a, b) => b.header.id - a.header.id);
  const isDamaged = kept.some(({ header, parts }) =>
    parts.some((part, i) => part === null || part.length !== header.partBytes[i] || damagedParts.has(part)),
  );
  const newest = kept[0];
  if (newest === undefined || kept.length < 2 || isDamaged) return false;
  const part = newest.parts[0]!;
  if (how === 'torn') {
    newest.parts = [part.slice(0, part.length >> 1)];
  } else {
    const flipped = part.slice();
    flipped[flipped.length >> 1]! ^= 1;
    damagedParts.add(flipped);
    newest.parts = [flipped];
  }
  return true;
}

/** Parts with flipped bits, which their lengths do not show. */
const damagedParts = new WeakSet<Uint8Array>();

/** Checkpoints on a disk that takes time and fails; one that was being written at a crash is absent, whole or torn. */

import type { Clock } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { CheckpointContent, CheckpointHeader, CheckpointStore } from '../../engine/state/checkpoint-store.ts';
import { type MemoryCheckpointDisk, MemoryCheckpointStore } from '../../engine/state/memory-checkpoint-store.ts';
import { type DiskWeather, readingTime } from './faulty-log-store.ts';

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

  async latest(faultOf?: Parameters<CheckpointStore['latest']>[0]): ReturnType<CheckpointStore['latest']> {
    await readingTime(this.#clock, this.#weather);
    return this.#inner.latest(faultOf);
  }

  /** What the newest kept one holds, whole or not, as bytes of the length that it should have: what a planted bug takes. */
  async newest(): Promise<Uint8Array | null> {
    const [newest] = await this.list();
    if (newest === undefined) return null;
    const bytes = new Uint8Array(newest.partBytes[0]!);
    bytes.set(this.#disk.checkpoints.get(newest.id)!.parts[0] ?? []);
    return bytes;
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

/** What becomes of a checkpoint on a bad disk. */
export const damageKinds = ['torn', 'flipped', 'zeroed', 'lost'] as const;
export type DamageKind = (typeof damageKinds)[number];

/** A page of the disk. */
const PAGE_BYTES = 256;

/**
 * Damages the newest checkpoint somewhere in its middle, unless another kept one is damaged already or there is no other. `place` in [0, 1)
 * says where. Returns whether it did.
 */
export function damageNewest(disk: MemoryCheckpointDisk, how: DamageKind, place = 0.5): boolean {
  const kept = [...disk.checkpoints.values()].sort((a, b) => b.header.id - a.header.id);
  const isDamaged = kept.some(({ header, parts }) =>
    parts.some((part, i) => part === null || part.length !== header.partBytes[i] || damagedParts.has(part)),
  );
  const newest = kept[0];
  if (newest === undefined || kept.length < 2 || isDamaged) return false;
  let at = Math.floor(place * newest.parts.reduce((sum, part) => sum + part!.length, 0));
  const index = newest.parts.findIndex((part) => {
    if (at < part!.length) return true;
    at -= part!.length;
    return false;
  });
  const part = newest.parts[index]!;
  const parts: (Uint8Array | null)[] = [...newest.parts];
  parts[index] = damagedPart(part, how, at);
  newest.parts = parts;
  return true;
}

function damagedPart(part: Uint8Array, how: DamageKind, at: number): Uint8Array | null {
  if (how === 'lost') return null;
  if (how === 'torn') return part.slice(0, at);
  const damaged = part.slice();
  damagedParts.add(damaged);
  if (how === 'zeroed') damaged.fill(0, at, at + PAGE_BYTES);
  // A page of zeros may have been one before.
  if (how === 'flipped' || damaged.every((byte, i) => byte === part[i])) damaged[at]! ^= 1;
  return damaged;
}

/** Parts of which some bytes differ, which their lengths do not show. */
const damagedParts = new WeakSet<Uint8Array>();

/** What every eviction policy does alike. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionName, EvictionOptions } from '../eviction.ts';
import { Residents } from './residents.ts';

/**
 * A policy says who is resident, what a demand does, where a prefetch goes and who leaves; all else is here. What happens at each access is
 * in the policies and in `Residents` alone: code here is of as many shapes as there are policies, and slower by that (D-495).
 */
export abstract class Policy implements Eviction {
  abstract readonly name: EvictionName;
  protected readonly residents: Residents;

  constructor(options: EvictionOptions) {
    this.residents = new Residents(options);
  }

  get used(): number {
    return this.residents.used;
  }

  get count(): number {
    return this.residents.count;
  }

  get capacity(): number {
    return this.residents.capacity;
  }

  sizeOf(segment: number): number {
    return this.residents.sizeOf(segment);
  }

  abstract has(segment: number): boolean;
  abstract access(segment: number, size: number): boolean;

  touch(segment: number): boolean {
    return this.has(segment) && this.access(segment, this.sizeOf(segment));
  }

  admit(segment: number, size: number): boolean {
    const { residents } = this;
    if (segment >>> 0 >= residents.segmentLimit) this.grow(segment);
    if (size > residents.capacity || this.has(segment)) return false;
    this.insert(segment, size);
    return true;
  }

  remove(segment: number): boolean {
    if (!this.has(segment)) return false;
    this.drop(segment);
    this.residents.leave(segment);
    return true;
  }

  evictNext(): void {
    const { residents } = this;
    if (residents.count > 0) this.makeRoom(residents.capacity - residents.used + 1);
  }

  resize(capacity: number): void {
    this.residents.setCapacity(capacity);
    this.resized();
  }

  persist(fields: StateFields): void {
    this.residents.persist(fields);
  }

  /** Admits a segment that nobody demanded; it is not resident and no larger than the cache. */
  protected abstract insert(segment: number, size: number): void;

  /** Takes a resident segment out of the policy's order. */
  protected abstract drop(segment: number): void;

  /** Evicts until `size` more units fit. */
  protected abstract makeRoom(size: number): void;

  /** Makes room in the policy's tables for segments below `segmentLimit`. */
  protected abstract fit(segmentLimit: number): void;

  /** The capacity has changed. */
  protected resized(): void {
    this.makeRoom(0);
  }

  /** To be called before a segment beyond `residents.segmentLimit` is looked up. */
  protected grow(segment: number): void {
    this.residents.grow(segment);
    this.fit(this.residents.segmentLimit);
  }
}

/** A cache manager that tells actors elsewhere what they would otherwise have asked its site. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import {
  CacheManagerActor,
  type CacheManagerMessage,
  type CacheManagerOptions,
} from '../cache-manager/cache-manager-actor.ts';
import type { Site } from '../cache-manager/site.ts';
import { type ResidencyMessage, residencyOf } from './residency.ts';

/** The log has ended at `position`. */
export interface FinishMessage {
  readonly kind: 'finish';
  readonly position: number;
}

/** A plan was adopted: what follows its tick is decided with it. */
export interface AdoptedMessage {
  readonly kind: 'adopted';
  readonly position: number;
}

/** What the site came to. */
export interface FinishedMessage {
  readonly kind: 'finished';
  readonly position: number;
  readonly digest: string;
}

export type PlacedCacheManagerMessage = CacheManagerMessage | FinishMessage;

export class PlacedCacheManager implements Actor<PlacedCacheManagerMessage> {
  readonly #inner: CacheManagerActor;
  readonly #source: ActorRef<AdoptedMessage | FinishedMessage>;
  #segmentCount = 0;
  #sizeSum = 0;
  #sizeCount = 0;

  constructor(options: {
    readonly manager: Omit<CacheManagerOptions, 'bytesPerUnit' | 'onReport' | 'onAdopted'>;
    /** Bytes of a cache unit; null = units are segments, of the mean size seen so far. */
    readonly bytesPerUnit: number | null;
    /** Mean size before any was seen. */
    readonly sizeBytes: number;
    readonly askers: readonly ActorRef<ResidencyMessage>[];
    readonly source: ActorRef<AdoptedMessage | FinishedMessage>;
  }) {
    this.#source = options.source;
    // As the scheduler reckons it, from the same accesses in the same order.
    const meanSize = (): number =>
      this.#sizeCount > 0 ? Math.max(1, this.#sizeSum / this.#sizeCount) : options.sizeBytes;
    this.#inner = new CacheManagerActor({
      ...options.manager,
      bytesPerUnit: () => options.bytesPerUnit ?? meanSize(),
      onReport: (position) => {
        const residency = residencyOf(this.site, this.#segmentCount, position);
        for (const asker of options.askers) asker.tell(residency);
      },
      onAdopted: (position) => {
        this.#source.tell({ kind: 'adopted', position });
      },
    });
  }

  get site(): Site {
    return this.#inner.site;
  }

  receive(message: PlacedCacheManagerMessage, context: ActorContext<PlacedCacheManagerMessage>): void {
    if (message.kind === 'finish') {
      this.site.finish();
      const { position } = message;
      this.#source.tell({ kind: 'finished', position, digest: this.site.ledger.digest.hex() });
      return;
    }
    if (message.kind === 'accesses') {
      const { segment, size, length } = message.batch;
      for (let i = 0; i < length; i++) {
        if (segment[i]! >= this.#segmentCount) this.#segmentCount = segment[i]! + 1;
        if (size[i]! < 0) continue;
        this.#sizeSum += size[i]!;
        this.#sizeCount++;
      }
    }
    this.#inner.receive(message, context as unknown as ActorContext<CacheManagerMessage>);
  }
}

/** What a site holds at a tick, told to those who ask it when they live elsewhere. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { Site } from '../cache-manager/site.ts';
import { LogOrder } from '../log-order.ts';
import type { FarLoopMessage } from '../messages.ts';

/** One bit a segment: bit `id % 8` of byte `id / 8`. */
export interface ResidencyMessage {
  readonly kind: 'residency';
  /** Every access before this position has been served, none after it. */
  readonly position: number;
  /** Copies that a demand would be served from. */
  readonly held: Uint8Array;
  /** Held or on the way. */
  readonly resident: Uint8Array;
}

/** The site's answers for segments below `segmentCount`. O(segments). */
export function residencyOf(site: Site, segmentCount: number, position: number): ResidencyMessage {
  const held = new Uint8Array((segmentCount + 7) >> 3);
  const resident = new Uint8Array((segmentCount + 7) >> 3);
  for (let segment = 0; segment < segmentCount; segment++) {
    const bit = 1 << (segment & 7);
    if (site.holds(segment)) held[segment >> 3]! |= bit;
    if (site.isResident(segment)) resident[segment >> 3]! |= bit;
  }
  return { kind: 'residency', position, held, resident };
}

/**
 * Tells those who ask the site from elsewhere what it holds, at each tick, and reckons the mean size of an access as the scheduler does, from
 * the same accesses in the same order.
 */
export class ResidencyReporter {
  readonly #askers: readonly ActorRef<ResidencyMessage>[];
  readonly #sizeBytes: number;
  #segmentCount = 0;
  #sizeSum = 0;
  #sizeCount = 0;

  /** `sizeBytes`: before any was seen. */
  constructor(askers: readonly ActorRef<ResidencyMessage>[], sizeBytes: number) {
    this.#askers = askers;
    this.#sizeBytes = sizeBytes;
  }

  get meanSize(): number {
    return this.#sizeCount > 0 ? Math.max(1, this.#sizeSum / this.#sizeCount) : this.#sizeBytes;
  }

  get sizes(): readonly [segmentCount: number, sizeSum: number, sizeCount: number] {
    return [this.#segmentCount, this.#sizeSum, this.#sizeCount];
  }

  restore([segmentCount, sizeSum, sizeCount]: ResidencyReporter['sizes']): void {
    this.#segmentCount = segmentCount;
    this.#sizeSum = sizeSum;
    this.#sizeCount = sizeCount;
  }

  observe({ segment, size, length }: AccessBatch): void {
    for (let i = 0; i < length; i++) {
      if (segment[i]! >= this.#segmentCount) this.#segmentCount = segment[i]! + 1;
      if (size[i]! < 0) continue;
      this.#sizeSum += size[i]!;
      this.#sizeCount++;
    }
  }

  report(site: Site, position: number): void {
    const residency = residencyOf(site, this.#segmentCount, position);
    for (const asker of this.#askers) asker.tell(residency);
  }
}

/** A site as it was at its last report. Segments that nobody has accessed are not resident. */
export class ResidencyView {
  position = -1;
  #held = new Uint8Array(0);
  #resident = new Uint8Array(0);

  apply(message: ResidencyMessage): void {
    this.position = message.position;
    this.#held = message.held as Uint8Array<ArrayBuffer>;
    this.#resident = message.resident as Uint8Array<ArrayBuffer>;
  }

  holds(segment: number): boolean {
    return ((this.#held[segment >> 3] ?? 0) >> (segment & 7)) % 2 === 1;
  }

  isResident(segment: number): boolean {
    return ((this.#resident[segment >> 3] ?? 0) >> (segment & 7)) % 2 === 1;
  }
}

/**
 * An actor whose answer to a tick depends on what the site has: the tick waits for the site's report of that tick, what follows the tick
 * waits too, so the actor answers what it would have answered beside the site.
 */
export class ResidencyGate<M extends { readonly kind: string }> implements Actor<M | ResidencyMessage> {
  readonly #view: ResidencyView;
  readonly #inner: Actor<M>;
  readonly #order: LogOrder;
  #context: ActorContext<M> | undefined;

  constructor(options: { readonly view: ResidencyView; readonly inner: Actor<M>; readonly heldAccessesMax: number }) {
    this.#view = options.view;
    this.#inner = options.inner;
    this.#order = new LogOrder({
      accessesMax: options.heldAccessesMax,
      onBatch: (batch) => this.#pass({ kind: 'accesses', batch }),
      onTick: (tick) => {
        if (this.#view.position !== tick.position) return false;
        this.#pass(tick);
        return true;
      },
    });
  }

  receive(message: M | ResidencyMessage, context: ActorContext<M | ResidencyMessage>): void {
    this.#context = context as unknown as ActorContext<M>;
    if (isResidency(message)) {
      this.#view.apply(message);
      this.#order.advance();
    } else if (isOfLog(message)) {
      this.#order.push(message);
    } else {
      void this.#inner.receive(message as M, this.#context);
    }
  }

  #pass(message: FarLoopMessage): void {
    void this.#inner.receive(message as unknown as M, this.#context!);
  }
}

function isResidency(message: { readonly kind: string }): message is ResidencyMessage {
  return message.kind === 'residency';
}

function isOfLog(message: { readonly kind: string }): message is FarLoopMessage {
  return message.kind === 'accesses' || message.kind === 'tick';
}

/** Leads a placed pipeline through a log, at the pace of its slowest actor. */

import type { ActorRef } from '../../engine/actor.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { LogDriver } from '../engine/log-driver.ts';
import type { FarLoopConfig } from '../far-loop-config.ts';
import type { FarLoopMessage } from '../messages.ts';
import type { AdoptedMessage, FinishedMessage, FinishMessage } from './placed-cache-manager.ts';
import type { PlacedPipeline } from './placed-pipeline.ts';

type SourceMessage = AdoptedMessage | FinishedMessage;
type Told = FarLoopMessage | FinishMessage;

/**
 * One tick is under way at a time: the next waits until the site has adopted the plan of the last, so what actors hold back
 * is at most what lies between two ticks. Accesses go out as fast as there is credit.
 */
export class PlacedLog {
  readonly #learners: readonly ActorRef<Told>[];
  readonly #cacheManager: ActorRef<Told>;
  readonly #driver: LogDriver;
  #waiting: { readonly message: Told; readonly to: readonly ActorRef<Told>[] }[] = [];
  #tickedAt = -1;
  #adoptedAt = -1;
  #finished: FinishedMessage | null = null;
  #wake: () => void = () => {};

  /** To be made in the place of the source. */
  constructor(pipeline: PlacedPipeline, farLoop: FarLoopConfig, isTimed: boolean) {
    pipeline.spawnSource<SourceMessage>((message) => {
      if (message.kind === 'adopted') this.#adoptedAt = message.position;
      else this.#finished = message;
      this.#wake();
    });
    this.#learners = pipeline.learners.map((name) => pipeline.refOf<Told>(name));
    this.#cacheManager = pipeline.refOf<Told>('cache-manager');
    this.#driver = new LogDriver(
      {
        learn: (batch) => this.#queue({ kind: 'accesses', batch }, this.#learners),
        serve: (batch) => this.#queue({ kind: 'accesses', batch }, [this.#cacheManager]),
        tick: (position, timeMs) =>
          this.#queue({ kind: 'tick', position, timeMs }, [...this.#learners, this.#cacheManager]),
      },
      farLoop,
      isTimed,
    );
  }

  /** Resolves when the batch has been sent, not when it has been served. */
  async push(batch: AccessBatch): Promise<void> {
    this.#driver.push(batch);
    await this.#send();
  }

  /** Ends the log; resolves to what the site came to, every access served. */
  async finish(): Promise<FinishedMessage> {
    await this.#adopted();
    this.#queue({ kind: 'finish', position: this.#driver.position }, [this.#cacheManager]);
    await this.#send();
    while (this.#finished === null) await this.#woken();
    return this.#finished;
  }

  #queue(message: Told, to: readonly ActorRef<Told>[]): void {
    this.#waiting.push({ message, to });
  }

  async #send(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { message, to } of waiting) {
      if (message.kind === 'tick') {
        await this.#adopted();
        this.#tickedAt = message.position;
      }
      for (const ref of to) await told(ref, message);
    }
  }

  async #adopted(): Promise<void> {
    while (this.#adoptedAt !== this.#tickedAt) await this.#woken();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function told(ref: ActorRef<Told>, message: Told): Promise<void> {
  for (;;) {
    const delivery = ref.tell(message);
    if (delivery === 'accepted') return;
    if (delivery !== 'full') {
      throw new AnteroomError('actor-stopped', `${ref.address} did not take a message: ${delivery}`);
    }
    await ref.ready();
  }
}

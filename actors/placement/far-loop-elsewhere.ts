/** The owner's side of a far loop that lives in other places: begins it, feeds it in order, waits for its plans, and has it saved. */

import type { ActorRef } from '../../engine/actor.ts';
import type { Clock } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { ActorGateway } from '../../engine/transport/actor-gateway.ts';
import type { CacheManagerMessage } from '../cache-manager/cache-manager-actor.ts';
import { actorOfQuestion, type ModelQuestion, modelAnswerSchemas } from '../engine/model-questions.ts';
import type { FarLoopLinks } from '../pipeline.ts';
import { joined, piecesOf, suffixOf } from './part-host.ts';
import { OWNER, PART, type PartOrder, type PartReport, partCodec } from './part-messages.ts';
import { pipelineCodec } from './pipeline-codec.ts';
import type { PlacedActor, Placement } from './placement-config.ts';

type AnyMessage = { readonly kind: string };

export interface FarLoopElsewhereOptions {
  /** The owner's own place. */
  readonly place: string;
  readonly placement: Placement;
  /** Attached to a transport that knows every place of the placement. */
  readonly gateway: ActorGateway;
  /** Different for each life of the owner. */
  readonly nonce: string;
  /** Experts that take part, the forecaster and the scheduler. */
  readonly learners: readonly PlacedActor[];
  /** The engine's configuration as JSON. */
  readonly settings: string;
  /** The actors of this epoch are lost; whoever waits is told the same. */
  readonly onLost: (why: string) => void;
  /** Who waits for something that was told longer than `silentMs` is told as silence; absent = nobody is. */
  readonly silence?: {
    readonly clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
    readonly silentMs: number;
    /** The first wait that is too long, and the end of the last of them. */
    readonly onSilent: (isSilent: boolean) => void;
  };
}

/**
 * What the pipeline tells is kept in one queue and sent as fast as the places take it; `settle` waits until all is sent and the plans are here, so
 * that queue holds what one call made. A place that is away makes `settle` wait; one that has lost its actors makes it reject: then the owner
 * begins anew from what was saved. Exactly-once and in order is the transport's promise while both live.
 */
export class FarLoopElsewhere {
  readonly #options: FarLoopElsewhereOptions;
  readonly #places: readonly string[];
  #epoch = '';
  #epochCount = 0;
  #queue: { readonly ref: ActorRef<AnyMessage>; readonly message: AnyMessage }[] = [];
  #begun = new Set<string>();
  #saves = new Map<number, Map<string, Uint8Array[]>>();
  #whole = new Map<number, Map<string, Uint8Array>>();
  #asked = 0;
  readonly #answers = new Map<number, PartReport & { readonly kind: 'answered' }>();
  #lost: AnteroomError | null = null;
  #wakers: (() => void)[] = [];
  #isFlushing = false;
  /** Waits that are too long. */
  #silentCount = 0;

  constructor(options: FarLoopElsewhereOptions) {
    this.#options = options;
    const { gateway, placement, learners } = options;
    this.#places = [...new Set(learners.map((name) => placement[name]))];
    const reports: ActorRef<PartReport> = {
      address: OWNER,
      tell: (report) => {
        this.#heard(report);
        return 'accepted';
      },
      ready: () => Promise.resolve(),
    };
    gateway.export(OWNER, reports, partCodec<PartReport>());
  }

  /**
   * Has every place make its actors, from `states` where there are any; resolves when all have. Call it again after a loss.
   * @throws AnteroomError 'actor-stopped' where one was lost meanwhile
   */
  async begin(states: ReadonlyMap<string, Uint8Array>): Promise<FarLoopLinks> {
    const { gateway, nonce, placement, learners, settings } = this.#options;
    if (this.#epoch !== '') gateway.withdraw(suffixOf(this.#epoch));
    const epoch = `${nonce}-${++this.#epochCount}`;
    this.#epoch = epoch;
    this.#queue = [];
    this.#begun = new Set();
    this.#saves.clear();
    this.#whole.clear();
    this.#answers.clear();
    this.#lost = null;
    // Whoever waits for an answer of the epoch before is told that there will be none.
    this.#wake();
    for (const place of this.#places) {
      const part = gateway.ref(place, PART, partCodec<PartOrder>());
      const order = (message: PartOrder): void => this.#keep(part as unknown as ActorRef<AnyMessage>, message);
      order({ kind: 'begin', epoch, settings, placement });
      for (const actor of learners.filter((name) => placement[name] === place)) {
        const state = states.get(actor);
        if (state === undefined || state.length === 0) continue;
        for (const { piece, isLast } of piecesOf(state)) order({ kind: 'state', epoch, actor, bytes: piece, isLast });
      }
      order({ kind: 'go', epoch });
    }
    await this.settle(() => this.#begun.size === this.#places.length);
    return this.#links();
  }

  /** Resolves when everything told has been sent and `isSettled` says so. @throws AnteroomError 'actor-stopped' once the actors are lost. */
  async settle(isSettled: () => boolean): Promise<void> {
    let endWatch: (() => void) | null = null;
    try {
      for (;;) {
        if (this.#lost !== null) throw this.#lost;
        if (this.#queue.length === 0 && isSettled()) return;
        endWatch ??= this.#watch();
        if (this.#queue.length > 0) await this.#flush();
        else await this.#woken();
      }
    } finally {
      endWatch?.();
    }
  }

  /**
   * The states of all actors as they are when all that was told before has been dealt with; the order to save is given before it returns.
   * @throws as `settle`
   */
  save(position: number): Promise<ReadonlyMap<string, Uint8Array>> {
    const { learners } = this.#options;
    this.#saves.set(position, new Map());
    this.#whole.set(position, new Map());
    for (const name of learners) this.#keep(this.#refOf(name), { kind: 'save', position } as AnyMessage);
    const whole = this.#whole.get(position)!;
    return this.settle(() => whole.size === learners.length)
      .then(() => whole)
      .finally(() => {
        this.#saves.delete(position);
        this.#whole.delete(position);
      });
  }

  /**
   * What the actor says to a question about its model, after all that it was told before. Waits for as long as it takes.
   * @throws AnteroomError 'actor-stopped' once the actors are lost, 'unavailable' for an answer that is none.
   */
  async ask(question: ModelQuestion): Promise<unknown> {
    const actor = actorOfQuestion(question);
    const epoch = this.#epoch;
    const id = ++this.#asked;
    this.#keep(this.#refOf(actor), { kind: 'ask', id, question } as AnyMessage);
    // Another epoch has other actors, which were not asked.
    await this.settle(() => this.#answers.has(id) || this.#epoch !== epoch);
    const report = this.#answers.get(id);
    this.#answers.delete(id);
    if (report === undefined) throw new AnteroomError('unavailable', `the ${actor} is made again; ask later`);
    if (report.fault !== null) throw new AnteroomError('unavailable', `the ${actor} did not answer: ${report.fault}`);
    const answer = modelAnswerSchemas[question.kind].safeParse(report.answer);
    if (!answer.success)
      throw new AnteroomError('unavailable', `the ${actor} gave no answer to ${question.kind} that could be read`);
    return answer.data;
  }

  /** A place of them has restarted, or says that its actors failed. */
  lose(why: string): void {
    if (this.#lost !== null) return;
    this.#lost = new AnteroomError('actor-stopped', why, { isRetryable: true });
    this.#wake();
    this.#options.onLost(why);
  }

  /** Sees to it that a wait that becomes too long is told; gives what ends it. */
  #watch(): () => void {
    const { silence } = this.#options;
    if (silence === undefined) return () => {};
    const { clock, silentMs, onSilent } = silence;
    let isSilent = false;
    const timer = clock.setTimeout(() => {
      isSilent = true;
      if (++this.#silentCount === 1) onSilent(true);
    }, silentMs);
    return () => {
      clock.clearTimeout(timer);
      if (isSilent && --this.#silentCount === 0) onSilent(false);
    };
  }

  #heard(report: PartReport): void {
    if (report.epoch !== this.#epoch) return;
    if (report.kind === 'fault') this.lose(`${report.place}: ${report.why}`);
    else if (report.kind === 'begun') this.#begun.add(report.place);
    else if (report.kind === 'answered') this.#answers.set(report.id, report);
    else this.#saved(report);
    this.#wake();
  }

  #saved({ actor, position, bytes, isLast }: PartReport & { readonly kind: 'saved' }): void {
    const saves = this.#saves.get(position);
    if (saves === undefined) return;
    const pieces = saves.get(actor) ?? [];
    saves.set(actor, pieces);
    pieces.push(bytes.slice());
    if (isLast) this.#whole.get(position)!.set(actor, joined(pieces));
  }

  #links(): FarLoopLinks {
    const { learners, gateway } = this.#options;
    const kept = (name: PlacedActor): ActorRef<never> => {
      const ref = this.#refOf(name);
      return {
        address: ref.address,
        tell: (message) => {
          this.#keep(ref, message);
          return 'accepted';
        },
        ready: () => Promise.resolve(),
      };
    };
    return {
      learners: learners.map(kept),
      forecaster: kept('forecaster'),
      scheduler: kept('scheduler'),
      askers: learners.filter((name) => name !== 'forecaster').map(kept),
      export: (cacheManager) => {
        const ref: ActorRef<CacheManagerMessage> = {
          address: cacheManager.address,
          tell: (message) => {
            const delivery = cacheManager.tell(message);
            this.#wake();
            return delivery;
          },
          ready: () => cacheManager.ready(),
        };
        gateway.export(`cache-manager${suffixOf(this.#epoch)}`, ref, pipelineCodec<CacheManagerMessage>());
      },
    };
  }

  #refOf(name: PlacedActor): ActorRef<AnyMessage> {
    const { gateway, placement } = this.#options;
    return gateway.ref(placement[name], `${name}${suffixOf(this.#epoch)}`, pipelineCodec<AnyMessage>());
  }

  #keep(ref: ActorRef<AnyMessage>, message: AnyMessage): void {
    this.#queue.push({ ref, message });
  }

  async #flush(): Promise<void> {
    // One at a time, or two who wait would send out of order.
    if (this.#isFlushing) return this.#woken();
    this.#isFlushing = true;
    try {
      while (this.#queue.length > 0 && this.#lost === null) {
        const queue = this.#queue;
        const { ref, message } = queue[0]!;
        const delivery = ref.tell(message);
        if (queue !== this.#queue) continue;
        if (delivery === 'accepted') queue.shift();
        else if (delivery === 'full') await Promise.race([ref.ready(), this.#woken()]);
        else this.lose(`${ref.address} did not take a message: ${delivery}`);
      }
    } finally {
      this.#isFlushing = false;
      this.#wake();
    }
  }

  #woken(): Promise<void> {
    return new Promise((settle) => this.#wakers.push(settle));
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}

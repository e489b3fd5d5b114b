/** A place that hosts actors of someone else's pipeline: it makes them, restores them and saves them when it is told to. */

import type { ActorRef } from '../../engine/actor.ts';
import type { Clock } from '../../engine/clock.ts';
import { parseConfig } from '../../engine/config.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { ActorSystem } from '../../engine/system.ts';
import type { ActorGateway } from '../../engine/transport/actor-gateway.ts';
import type { TurnScheduler } from '../../engine/turns.ts';
import { loadComponent, saveComponent, sketchOf } from '../engine/component-state.ts';
import { engineConfigSchema, isEngineTimed } from '../engine/engine-config.ts';
import { answerModel, modelQuestionSchema } from '../engine/model-questions.ts';
import { OWNER, PART, type PartOrder, type PartReport, PIECE_BYTES, partCodec } from './part-messages.ts';
import { PlacedPipeline } from './placed-pipeline.ts';
import type { PlacedActor } from './placement-config.ts';

export interface PartHostOptions {
  readonly place: string;
  /** Whose pipeline it is. */
  readonly owner: string;
  /** Attached to a transport that knows the owner and the other places. */
  readonly gateway: ActorGateway;
  readonly clock: Clock;
  readonly turns: TurnScheduler;
  /** A new set of actors was made (null), or one of them failed: the owner is told and begins anew. */
  readonly onBegun: (epoch: string) => void;
  readonly onFault: (why: string) => void;
}

/** One set of actors at a time; an order to begin ends the one before it. Its limits are those of the gateway and of the actors. */
export class PartHost {
  readonly #options: PartHostOptions;
  readonly #owner: ActorRef<PartReport>;
  #epoch: string | null = null;
  #system: ActorSystem | null = null;
  #pipeline: PlacedPipeline | null = null;
  #sketches = new Map<string, string>();
  readonly #pieces = new Map<string, Uint8Array[]>();
  #outgoing: Promise<void> = Promise.resolve();

  constructor(options: PartHostOptions) {
    this.#options = options;
    const { gateway, owner } = options;
    this.#owner = gateway.ref(owner, OWNER, partCodec<PartReport>());
    const orders: ActorRef<PartOrder> = {
      address: PART,
      tell: (order) => {
        this.#follow(order);
        return 'accepted';
      },
      ready: () => Promise.resolve(),
    };
    gateway.export(PART, orders, partCodec<PartOrder>());
  }

  async stop(): Promise<void> {
    await this.#system?.stop();
    this.#options.gateway.stop();
  }

  #follow(order: PartOrder): void {
    try {
      if (order.kind === 'begin') this.#begin(order);
      else if (order.epoch !== this.#epoch) return;
      else if (order.kind === 'state') this.#take(order);
      else this.#go();
    } catch (error) {
      this.#fault(error instanceof Error ? error.message : String(error));
    }
  }

  #begin({ epoch, settings, placement }: PartOrder & { readonly kind: 'begin' }): void {
    const { place, gateway, clock, turns } = this.#options;
    if (this.#epoch !== null) gateway.withdraw(suffixOf(this.#epoch));
    void this.#system?.stop();
    this.#epoch = epoch;
    this.#pieces.clear();
    const engine = parseConfig(engineConfigSchema, JSON.parse(settings), `engine of ${this.#options.owner}`);
    const system = new ActorSystem({
      clock,
      turns,
      random: new Xoshiro128(engine.seed).fork('actors'),
      onEvent: ({ kind, address, detail }) => {
        if ((kind === 'fault' || kind === 'stop-fault') && this.#system === system)
          this.#fault(`${address}: ${detail}`);
      },
    });
    this.#system = system;
    const isTimed = isEngineTimed(engine);
    this.#pipeline = new PlacedPipeline({
      place,
      placement,
      system,
      gateway,
      suffix: suffixOf(epoch),
      farLoop: engine.farLoop,
      prices: engine.prices,
      bytesPerUnit: engine.unit === 'bytes' ? 1 : null,
      missPenaltyMs: isTimed ? null : engine.missPenaltyMs,
      makeSite: () => {
        throw new Error('the site lives with the owner');
      },
      onSave: (name, position) => this.#save(name, position),
      onAsk: (name, id, question) => this.#answer(name, id, question),
    });
    this.#sketches = new Map([...this.#pipeline.farActors].map(([name, actor]) => [name, sketchOf(actor)]));
  }

  #take({ actor, bytes, isLast }: PartOrder & { readonly kind: 'state' }): void {
    const pieces = this.#pieces.get(actor) ?? [];
    this.#pieces.set(actor, pieces);
    pieces.push(bytes.slice());
    if (!isLast) return;
    this.#pieces.delete(actor);
    const component = this.#pipeline!.farActors.get(actor as PlacedActor);
    if (component === undefined) throw new Error(`there is no ${actor} here`);
    if (!loadComponent(component, joined(pieces)))
      throw new Error(`the state of ${actor} was saved by a version with other fields`);
  }

  #go(): void {
    this.#tell({ kind: 'begun', epoch: this.#epoch!, place: this.#options.place });
    this.#options.onBegun(this.#epoch!);
  }

  #save(name: PlacedActor, position: number): void {
    const epoch = this.#epoch!;
    const bytes = saveComponent(this.#pipeline!.farActors.get(name)!, this.#sketches.get(name)!);
    for (const { piece, isLast } of piecesOf(bytes))
      this.#tell({ kind: 'saved', epoch, actor: name, position, bytes: piece, isLast });
  }

  /** A question that cannot be answered is the asker's fault, and no reason to lose the actors. */
  #answer(name: PlacedActor, id: number, asked: unknown): void {
    const epoch = this.#epoch!;
    const question = modelQuestionSchema.safeParse(asked);
    try {
      if (!question.success) throw new Error(`no such question: ${question.error.issues[0]!.message}`);
      const answer = answerModel(this.#pipeline!.farActors.get(name), question.data);
      this.#tell({ kind: 'answered', epoch, id, fault: null, answer });
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      this.#tell({ kind: 'answered', epoch, id, fault, answer: null });
    }
  }

  #fault(why: string): void {
    this.#options.onFault(why);
    if (this.#epoch !== null) this.#tell({ kind: 'fault', epoch: this.#epoch, place: this.#options.place, why });
  }

  /** In order, waiting for room where there is none. */
  #tell(report: PartReport): void {
    this.#outgoing = this.#outgoing.then(async () => {
      while (this.#owner.tell(report) === 'full') await this.#owner.ready();
    });
  }
}

export function suffixOf(epoch: string): string {
  return `.${epoch}`;
}

/** A state in pieces that fit a message; at least one. */
export function* piecesOf(bytes: Uint8Array): Generator<{ readonly piece: Uint8Array; readonly isLast: boolean }> {
  for (let at = 0; at === 0 || at < bytes.length; at += PIECE_BYTES) {
    const end = Math.min(bytes.length, at + PIECE_BYTES);
    yield { piece: bytes.subarray(at, end), isLast: end === bytes.length };
  }
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

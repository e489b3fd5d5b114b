/** How an actor is made: its factory, what the factory may use, and how the actor is run. */

import type { Actor, ActorContext, ActorRef } from './actor.ts';
import type { MailboxConfig } from './mailbox.ts';
import type { RandomSource } from './random.ts';
import type { Decide, SupervisionInput } from './supervisor.ts';

/** What a behaviour may use besides its {@link ActorContext}: children, chance, and its own end. */
export interface SpawnContext<M> extends ActorContext<M> {
  /** A random stream of this actor's own, from the system's seed and the address. */
  readonly random: RandomSource;
  /** Starts a child, which is stopped with this actor and whose failure this actor's supervisor decides. */
  spawn<C>(name: string, factory: BehaviourFactory<C>, options?: SpawnOptions): ActorRef<C>;
  /** Stops a child, or this actor itself when called without one, after the current message. What waits is dead letters. */
  stop(child?: ActorRef<never>): void;
}

/** Makes a behaviour: at the start and again at every restart. It may throw; that is a fault like any other. */
export type BehaviourFactory<M> = (context: SpawnContext<M>) => Actor<M>;

/** How an actor is run. What is left out comes from the system's configuration. */
export interface SpawnOptions {
  readonly mailbox?: Partial<MailboxConfig>;
  readonly supervision?: SupervisionInput;
  /** Decides about single errors before the configured strategy does. */
  readonly decide?: Decide;
  /** Actors that this one uses: an ordered stop keeps them running until this one has stopped. */
  readonly dependsOn?: readonly ActorRef<never>[];
}

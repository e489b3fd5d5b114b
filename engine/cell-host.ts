/** The two sides of the line between an actor system and the cells of its actors. Not public. */

import type { ActorRef } from './actor.ts';
import type { InvariantError } from './assert.ts';
import type { BehaviourFactory, SpawnOptions } from './behaviour.ts';
import type { Clock } from './clock.ts';
import type { DeadLetterReason, DeadLetters } from './dead-letters.ts';
import type { LifeCycleState } from './life-cycle.ts';
import type { MessageCounts } from './message-counts.ts';

/** Something that happened in an actor's life; for traces and metrics. */
export interface SystemEvent {
  readonly kind: 'entered' | 'fault' | 'escalated' | 'stop-fault' | 'abandoned';
  readonly address: string;
  /** The system's time, in ms. */
  readonly at: number;
  /** The state entered, or the error's message. */
  readonly detail: string;
}

/** What a cell needs of its system. */
export interface CellHost {
  readonly clock: Clock;
  readonly deadLetters: DeadLetters;
  readonly timersPerActorMax: number;
  enqueue(cell: RunnableCell): void;
  spawnChild<C>(
    parent: RunnableCell,
    name: string,
    factory: BehaviourFactory<C>,
    options: SpawnOptions | undefined,
  ): ActorRef<C>;
  asyncBegan(): void;
  asyncEnded(): void;
  emit(event: SystemEvent): void;
  /** A broken invariant leaves the system as an exception of whatever drives it. */
  invariantBroken(error: InvariantError): void;
  /** The actor is gone; its counts are final. */
  ended(cell: RunnableCell): void;
  /** A message came to an actor that is gone, and is a dead letter. */
  toldLate(): void;
}

/** A cell as its system and its parent see it, whatever its messages are. */
export interface RunnableCell {
  readonly address: string;
  readonly phase: LifeCycleState;
  readonly children: readonly RunnableCell[];
  readonly dependsOn: readonly string[];
  /** True when a graceful stop has nothing more to wait for: all is handled, or nothing can be before a restart. */
  readonly isDrained: boolean;
  start(): void;
  /** Handles up to `throughput` messages. Returns how many. */
  turn(throughput: number): number;
  addChild(child: RunnableCell): void;
  childEnded(child: RunnableCell, error: unknown): void;
  /** Takes no more messages; what waits is still handled. */
  close(): void;
  stop(leftoverReason?: DeadLetterReason): void;
  /** Waits no longer for a receive, start or stop in progress. */
  abandon(): void;
  counts(): MessageCounts;
}

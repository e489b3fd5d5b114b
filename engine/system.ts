/** An actor system: starts actors, gives them turns in a fair and repeatable order, and stops them in order. */

import type { z } from 'zod';
import type { ActorRef } from './actor.ts';
import { ActorCell } from './actor-cell.ts';
import { assert, InvariantError } from './assert.ts';
import type { BehaviourFactory, SpawnOptions } from './behaviour.ts';
import type { CellHost, RunnableCell, SystemEvent } from './cell-host.ts';
import type { Clock } from './clock.ts';
import { parseConfig } from './config.ts';
import { DeadLetters } from './dead-letters.ts';
import { AnteroomError } from './errors.ts';
import type { LifeCycleState } from './life-cycle.ts';
import { mailboxSchema } from './mailbox.ts';
import { addCounts, type MessageCounts } from './message-counts.ts';
import type { RandomSource } from './random.ts';
import { RunQueue } from './run-queue.ts';
import { shutdownOrder } from './shutdown-order.ts';
import { type SupervisionConfig, type SupervisionInput, supervisionSchema } from './supervisor.ts';
import { type ActorSystemConfig, actorSystemSchema } from './system-config.ts';
import type { TurnScheduler } from './turns.ts';

/** What a system is made with: time, chance and turns are given to it, the rest is configuration. */
export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Who runs actors when nobody drains: `immediateTurns` in real time, `clockTurns(clock)` or `manualTurns` in virtual time. */
  readonly turns: TurnScheduler;
  /** See {@link actorSystemSchema}; a problem is AnteroomError `bad-config`. */
  readonly config?: z.input<typeof actorSystemSchema>;
  /** Told of every state entered, fault and escalation, in order. It must not throw and not tell. */
  readonly onEvent?: (event: SystemEvent) => void;
}

/** How an ordered stop went. */
export interface StopReport {
  /** Addresses in the order in which they ended. */
  readonly stopped: readonly string[];
  /** Messages that were still waiting or being handled when the time ran out. */
  readonly leftCount: number;
  /** Actors whose receive or onStop did not end in time. */
  readonly abandonedCount: number;
}

/** Sums over all actors that ever lived, and how many do now. */
export interface SystemCounts extends MessageCounts {
  readonly actors: number;
  readonly restarts: number;
  readonly failures: number;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Dispatch: a FIFO queue of actors that have something to do. Each turn handles up to `throughput` messages of the actor at
 * its head, which goes to the back if it has more. The order depends only on the order of tells, so a run on a virtual clock
 * with a seed repeats exactly. An actor in an asynchronous receive has no turn until its promise settles; others go on.
 *
 * A broken invariant is not supervised: the actor fails, and the InvariantError leaves `drain`, `settled` or the host's turn.
 */
export class ActorSystem {
  readonly deadLetters: DeadLetters;
  readonly #config: ActorSystemConfig;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #turns: TurnScheduler;
  readonly #onEvent: ((event: SystemEvent) => void) | undefined;
  readonly #host: CellHost;
  readonly #queue = new RunQueue<RunnableCell>();
  readonly #cells = new Map<string, RunnableCell>();
  readonly #refs = new Map<string, ActorRef<never>>();
  readonly #roots = new Set<RunnableCell>();
  readonly #tick = (): void => this.#runTick();
  #endedCounts: MessageCounts = { told: 0, handled: 0, deadLetters: 0, refused: 0, queued: 0, inFlight: 0 };
  #restartCount = 0;
  #failureCount = 0;
  #abandonedCount = 0;
  #inFlightCount = 0;
  #progressWaiters: (() => void)[] = [];
  #isRunning = false;
  #isTickScheduled = false;
  #brokenInvariant: InvariantError | undefined;
  #stopping: Promise<StopReport> | undefined;

  constructor(options: ActorSystemOptions) {
    this.#config = parseConfig(actorSystemSchema, options.config ?? {}, 'actor system');
    this.#clock = options.clock;
    this.#random = options.random;
    this.#turns = options.turns;
    this.#onEvent = options.onEvent;
    this.deadLetters = new DeadLetters({
      keptMax: this.#config.deadLettersKeptMax,
      addressesMax: this.#config.deadLetterAddressesMax,
      onInvariantBroken: (error) => this.#invariantBroken(error),
    });
    this.#host = {
      clock: options.clock,
      deadLetters: this.deadLetters,
      timersPerActorMax: this.#config.timersPerActorMax,
      enqueue: (cell) => this.#enqueue(cell),
      spawnChild: (parent, name, factory, spawnOptions) => this.#spawn(parent, name, factory, spawnOptions ?? {}),
      asyncBegan: () => {
        this.#inFlightCount++;
      },
      asyncEnded: () => {
        this.#inFlightCount--;
        this.#progressed();
      },
      emit: (event) => this.#emit(event),
      invariantBroken: (error) => this.#invariantBroken(error),
      ended: (cell) => this.#ended(cell),
      toldLate: () => {
        const { told, deadLetters } = this.#endedCounts;
        this.#endedCounts = { ...this.#endedCounts, told: told + 1, deadLetters: deadLetters + 1 };
      },
    };
  }

  /**
   * Starts an actor. It is `starting` or already `running` when this returns; a factory that throws is a fault for its
   * supervisor, not an exception here.
   * @throws AnteroomError `limit` when `actorsMax` live, `actor-stopped` when the system is stopping, `bad-config` for options
   */
  spawn<M>(name: string, factory: BehaviourFactory<M>, options: SpawnOptions = {}): ActorRef<M> {
    return this.#spawn(undefined, name, factory, options);
  }

  /** The reference of a living actor. */
  lookup(address: string): ActorRef<never> | undefined {
    return this.#refs.get(address);
  }

  /** The state of an actor; undefined when no such actor lives. */
  stateOf(ref: ActorRef<never>): LifeCycleState | undefined {
    return this.#cells.get(ref.address)?.phase;
  }

  /** Where the messages of one living actor went; undefined when no such actor lives. */
  countsOf(ref: ActorRef<never>): MessageCounts | undefined {
    return this.#cells.get(ref.address)?.counts();
  }

  /** Where all messages went. Calling it now and then is cheap; it visits every living actor. */
  counts(): SystemCounts {
    let sum = this.#endedCounts;
    for (const cell of this.#cells.values()) sum = addCounts(sum, cell.counts());
    return { ...sum, actors: this.#cells.size, restarts: this.#restartCount, failures: this.#failureCount };
  }

  /**
   * Runs everything that can run synchronously until nothing can. Returns the messages handled.
   * @throws AnteroomError `limit` after `turnsPerDrainMax` turns; InvariantError when an actor broke one
   */
  drain(): number {
    const turnsMax = this.#config.turnsPerDrainMax;
    const handled = this.#run(turnsMax);
    if (this.#queue.size > 0) {
      throw new AnteroomError('limit', `actors still feed each other after ${turnsMax} turns`, {
        context: { turnsPerDrainMax: turnsMax, next: this.#queue.peek()?.address ?? '' },
      });
    }
    return handled;
  }

  /**
   * Resolves when nothing runs, nothing is queued and no asynchronous receive, start or stop is in progress. It drains as
   * it goes, so it works without turns of the host. Timers are not waited for: who waits on the clock must be woken by it.
   */
  async settled(): Promise<void> {
    for (;;) {
      this.drain();
      if (this.#inFlightCount === 0) return;
      await this.#progress();
    }
  }

  /** Stops one actor and its children in order, as {@link stop} does the system. */
  async stopActor(ref: ActorRef<never>, options: { readonly deadlineMs?: number } = {}): Promise<StopReport> {
    const cell = this.#cells.get(ref.address);
    return this.#stopAll(cell === undefined ? [] : [cell], options.deadlineMs);
  }

  /**
   * Ordered stop: actors one after the other, users before what they use (`dependsOn`), otherwise the latest started first.
   * Each is closed to new messages, handles what waits, has its children stopped, then stops itself. When the deadline has
   * passed, what waits becomes dead letters (`stop-deadline`) and what hangs is abandoned. An actor that is backing off is
   * not waited for. Calling it again returns the same promise.
   */
  stop(options: { readonly deadlineMs?: number } = {}): Promise<StopReport> {
    this.#stopping ??= this.#stopAll(shutdownOrder([...this.#roots]), options.deadlineMs);
    return this.#stopping;
  }

  #spawn<M>(
    parent: RunnableCell | undefined,
    name: string,
    factory: BehaviourFactory<M>,
    options: SpawnOptions,
  ): ActorRef<M> {
    assert(
      NAME.test(name),
      `an actor's name is letters, digits, dots, dashes and underscores, not ${JSON.stringify(name)}`,
    );
    const address = `${parent?.address ?? ''}/${name}`;
    assert(!this.#cells.has(address), `an actor named ${address} lives already`);
    if (this.#stopping !== undefined || (parent !== undefined && isEnding(parent.phase))) {
      throw new AnteroomError('actor-stopped', `${address} cannot start: its system or parent is stopping`, {
        context: { address },
      });
    }
    if (this.#cells.size >= this.#config.actorsMax) {
      throw new AnteroomError('limit', `${address} cannot start: ${this.#config.actorsMax} actors live`, {
        context: { address, actorsMax: this.#config.actorsMax },
      });
    }
    const { mailbox, supervision } = options;
    const cell = new ActorCell<M>({
      address,
      host: this.#host,
      parent,
      factory,
      mailbox: mailbox
        ? parseConfig(mailboxSchema, { ...this.#config.mailbox, ...mailbox }, address)
        : this.#config.mailbox,
      supervision: supervision
        ? parseConfig(supervisionSchema, mergeSupervision(this.#config.supervision, supervision), address)
        : this.#config.supervision,
      decide: options.decide,
      dependsOn: (options.dependsOn ?? []).map((ref) => ref.address),
      random: this.#random.fork(address),
    });
    this.#cells.set(address, cell);
    this.#refs.set(address, cell.ref as ActorRef<never>);
    if (parent === undefined) this.#roots.add(cell);
    else parent.addChild(cell);
    cell.start();
    return cell.ref;
  }

  #enqueue(cell: RunnableCell): void {
    this.#queue.push(cell);
    if (!this.#isRunning && !this.#isTickScheduled) this.#scheduleTick();
  }

  #scheduleTick(): void {
    this.#isTickScheduled = true;
    this.#turns.schedule(this.#tick);
  }

  #runTick(): void {
    this.#isTickScheduled = false;
    if (this.#isRunning) return;
    try {
      this.#run(this.#config.turnsPerTick);
    } finally {
      if (this.#queue.size > 0 && !this.#isTickScheduled) this.#scheduleTick();
    }
  }

  /** Takes up to `turnsMax` turns. Returns the messages handled synchronously. */
  #run(turnsMax: number): number {
    assert(!this.#isRunning, 'an actor may not drain the system that runs it');
    const { throughput } = this.#config;
    let handled = 0;
    this.#isRunning = true;
    try {
      for (let turns = 0; turns < turnsMax && this.#queue.size > 0; turns++) {
        handled += this.#queue.shift().turn(throughput);
        if (this.#brokenInvariant !== undefined) break;
      }
    } finally {
      this.#isRunning = false;
      this.#progressed();
    }
    this.#throwBrokenInvariant();
    return handled;
  }

  #invariantBroken(error: InvariantError): void {
    this.#brokenInvariant ??= error;
    // Found outside a turn, by a promise or a timer, it needs a turn to be thrown from.
    if (!this.#isRunning && !this.#isTickScheduled) this.#scheduleTick();
  }

  #throwBrokenInvariant(): void {
    const error = this.#brokenInvariant;
    this.#brokenInvariant = undefined;
    if (error !== undefined) throw error;
  }

  #emit(event: SystemEvent): void {
    if (event.kind === 'entered' && event.detail === 'restarting') this.#restartCount++;
    if (event.kind === 'entered' && event.detail === 'failed') this.#failureCount++;
    if (event.kind === 'abandoned') this.#abandonedCount++;
    try {
      this.#onEvent?.(event);
    } catch (error) {
      this.#invariantBroken(
        new InvariantError(`onEvent threw: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
  }

  #ended(cell: RunnableCell): void {
    this.#cells.delete(cell.address);
    this.#refs.delete(cell.address);
    this.#roots.delete(cell);
    this.#endedCounts = addCounts(this.#endedCounts, cell.counts());
    this.#progressed();
  }

  /** Resolves at the next completion of something asynchronous. */
  #progress(): Promise<void> {
    return new Promise((resolve) => {
      this.#progressWaiters.push(resolve);
    });
  }

  #progressed(): void {
    if (this.#progressWaiters.length === 0) return;
    const waiters = this.#progressWaiters;
    this.#progressWaiters = [];
    for (const resolve of waiters) resolve();
  }

  async #stopAll(cells: readonly RunnableCell[], deadlineMs = this.#config.stopDeadlineMs): Promise<StopReport> {
    const stopped: string[] = [];
    const leftBefore = this.deadLetters.countOf('stop-deadline');
    const abandonedBefore = this.#abandonedCount;
    const deadline = { at: this.#clock.now() + deadlineMs };
    const timer = this.#clock.setTimeout(() => this.#progressed(), deadlineMs);
    try {
      for (const cell of cells) await this.#stopInOrder(cell, deadline.at, stopped);
    } finally {
      this.#clock.clearTimeout(timer);
    }
    return {
      stopped,
      leftCount: this.deadLetters.countOf('stop-deadline') - leftBefore,
      abandonedCount: this.#abandonedCount - abandonedBefore,
    };
  }

  async #stopInOrder(cell: RunnableCell, deadlineAt: number, stopped: string[]): Promise<void> {
    cell.close();
    const isInTime = await this.#runUntil(() => cell.isDrained, deadlineAt);
    for (const child of [...cell.children].reverse()) await this.#stopInOrder(child, deadlineAt, stopped);
    cell.stop(isInTime ? 'stopped' : 'stop-deadline');
    if (!(await this.#runUntil(() => isEnded(cell.phase), deadlineAt))) cell.abandon();
    // An abandoned receive may be followed by an onStop that hangs as well, after that of a restart.
    for (let i = 0; i < 4 && !isEnded(cell.phase); i++) cell.abandon();
    assert(isEnded(cell.phase), `${cell.address} ends when it is abandoned, but is ${cell.phase}`);
    stopped.push(cell.address);
  }

  /** Gives turns to everyone until `isDone`, or until the deadline. Returns whether it was done. */
  async #runUntil(isDone: () => boolean, deadlineAt: number): Promise<boolean> {
    for (;;) {
      if (isDone()) return true;
      if (this.#clock.now() >= deadlineAt) return false;
      if (this.#queue.size > 0 && !this.#isRunning) this.#run(this.#config.turnsPerTick);
      else await this.#progress();
    }
  }
}

function isEnded(phase: LifeCycleState): boolean {
  return phase === 'stopped' || phase === 'failed';
}

function isEnding(phase: LifeCycleState): boolean {
  return phase === 'stopping' || isEnded(phase);
}

function mergeSupervision(base: SupervisionConfig, own: SupervisionInput): SupervisionInput {
  return { ...base, ...own, backOff: { ...base.backOff, ...own.backOff } };
}

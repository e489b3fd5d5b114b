/** What an actor system keeps for one actor: mailbox, behaviour, children, life cycle and counts. Not public. */

import type { Actor, ActorRef, Delivery } from './actor.ts';
import { assert, InvariantError } from './assert.ts';
import type { BehaviourFactory, SpawnContext } from './behaviour.ts';
import type { CellHost, RunnableCell, SystemEvent } from './cell-host.ts';
import type { TimerId } from './clock.ts';
import type { DeadLetterReason } from './dead-letters.ts';
import { AnteroomError } from './errors.ts';
import type { LifeCycleState } from './life-cycle.ts';
import { LocalRef } from './local-ref.ts';
import { Mailbox, type MailboxConfig } from './mailbox.ts';
import type { MessageCounts } from './message-counts.ts';
import type { RandomSource } from './random.ts';
import { type Decide, type SupervisionConfig, Supervisor } from './supervisor.ts';

/**
 * One actor. Exactly one of receive, onStart and onStop runs at a time, asynchronous ones included: what the life cycle
 * wants done meanwhile waits in `#afterOperation` or `#afterDiscard`, where a stop replaces a restart.
 * Long for one file because its parts would have to share this state, and no invariant would then be seen whole.
 */
export class ActorCell<M> implements RunnableCell {
  readonly address: string;
  readonly ref: ActorRef<M>;
  readonly dependsOn: readonly string[];
  readonly #host: CellHost;
  readonly #parent: RunnableCell | undefined;
  readonly #factory: BehaviourFactory<M>;
  readonly #mailbox: Mailbox<M>;
  readonly #supervisor: Supervisor;
  readonly #context: SpawnContext<M>;
  readonly #children: RunnableCell[] = [];
  readonly #timers = new Set<TimerId>();
  #behaviour: Actor<M> | undefined;
  #phase: LifeCycleState = 'starting';
  #isOpen = true;
  /** Running, idle and not queued: the next message must put it into the run queue. */
  #canWake = false;
  #isQueued = false;
  #isInTurn = false;
  #operation = 0;
  #isBusy = false;
  #whenAbandoned: (() => void) | undefined;
  #inFlight: { readonly message: M } | undefined;
  #afterOperation: (() => void) | undefined;
  #isDiscarding = false;
  #afterDiscard: (() => void) | undefined;
  #whenChildEnds: (() => void) | undefined;
  #pendingFault: { readonly error: unknown } | undefined;
  #isStopPending = false;
  #leftoverReason: DeadLetterReason = 'stopped';
  #handledCount = 0;
  #deadLetterCount = 0;
  #refusedCount = 0;
  #lateCount = 0;

  constructor(options: {
    readonly address: string;
    readonly host: CellHost;
    readonly parent: RunnableCell | undefined;
    readonly factory: BehaviourFactory<M>;
    readonly mailbox: MailboxConfig;
    readonly supervision: SupervisionConfig;
    readonly decide: Decide | undefined;
    readonly dependsOn: readonly string[];
    readonly random: RandomSource;
  }) {
    const { address, host } = options;
    this.address = address;
    this.dependsOn = options.dependsOn;
    this.ref = new LocalRef(address, this);
    this.#host = host;
    this.#parent = options.parent;
    this.#factory = options.factory;
    this.#mailbox = new Mailbox(options.mailbox, (message, reason) => this.#bury(message, reason));
    this.#supervisor = new Supervisor({
      config: options.supervision,
      decide: options.decide,
      clock: host.clock,
      random: options.random.fork('back-off'),
      effects: {
        start: () => this.#startBehaviour(),
        discard: () => this.#discard(),
        end: () => this.#end(),
        entered: (state, error, endsAs) => this.#entered(state, error, endsAs),
      },
    });
    this.#context = {
      self: this.ref,
      random: options.random.fork('behaviour'),
      now: () => host.clock.now(),
      after: (delayMs, message) => this.#after(delayMs, message),
      spawn: (name, factory, spawnOptions) => host.spawnChild(this, name, factory, spawnOptions),
      stop: (child) => this.#stopFromWithin(child),
    };
  }

  get phase(): LifeCycleState {
    return this.#phase;
  }

  get children(): readonly RunnableCell[] {
    return this.#children;
  }

  get isDrained(): boolean {
    if (this.#phase === 'starting') return !this.#isBusy;
    return this.#phase !== 'running' || (!this.#isBusy && this.#mailbox.size === 0);
  }

  start(): void {
    this.#supervisor.start();
  }

  /** The fast path: one ring write, and a queue entry when the actor was idle. */
  tell(message: M): Delivery {
    if (!this.#isOpen) return this.#tellLate(message);
    const delivery = this.#mailbox.offer(message);
    if (delivery === 'accepted') {
      if (this.#canWake) this.#enqueue();
    } else if (delivery === 'full') {
      this.#refusedCount++;
    } else if (delivery === 'failed' && this.#phase === 'running') {
      const { capacity } = this.#mailbox;
      this.#interrupt(
        new AnteroomError(
          'mailbox-full',
          `the mailbox of ${this.address} is full (${capacity} messages) and may not overflow`,
          {
            context: { address: this.address, capacity },
          },
        ),
      );
    }
    return delivery;
  }

  ready(): Promise<void> {
    return this.#isOpen ? this.#mailbox.ready() : Promise.resolve();
  }

  turn(throughput: number): number {
    this.#isQueued = false;
    if (this.#phase !== 'running') return 0;
    assert(!this.#isBusy, `${this.address} has no turn while it is busy`);
    const behaviour = this.#behaviour as Actor<M>;
    const mailbox = this.#mailbox;
    const handledBefore = this.#handledCount;
    let remaining = throughput;
    this.#isInTurn = true;
    while (remaining-- > 0 && mailbox.size > 0 && this.#pendingFault === undefined && !this.#isStopPending) {
      const message = mailbox.take();
      let result: unknown;
      try {
        result = behaviour.receive(message, this.#context);
      } catch (error) {
        this.#bury(message, 'fault');
        this.#raise(error);
        if (this.#phase !== 'running') break;
        continue;
      }
      if (isThenable(result)) {
        this.#awaitReceive(message, result);
        break;
      }
      this.#handledCount++;
    }
    this.#isInTurn = false;
    this.#applyInterrupts();
    if (this.#phase === 'running' && !this.#isBusy) this.#becomeRunnable();
    return this.#handledCount - handledBefore;
  }

  addChild(child: RunnableCell): void {
    this.#children.push(child);
  }

  childEnded(child: RunnableCell, error: unknown): void {
    const index = this.#children.lastIndexOf(child);
    assert(index >= 0, `${child.address} is a child of ${this.address}`);
    this.#children.splice(index, 1);
    if (child.phase === 'failed') {
      this.#emit('escalated', `${child.address}: ${messageOf(error)}`);
      if (this.#isInTurn) this.#pendingFault ??= { error };
      else this.#raise(error);
    }
    const next = this.#whenChildEnds;
    this.#whenChildEnds = undefined;
    next?.();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#mailbox.releaseWaiters();
  }

  stop(leftoverReason: DeadLetterReason = 'stopped'): void {
    if (this.#phase === 'stopping' || this.#hasEnded()) return;
    this.#leftoverReason = leftoverReason;
    if (this.#isInTurn) this.#isStopPending = true;
    else this.#supervisor.stop();
  }

  abandon(): void {
    for (let i = this.#children.length - 1; i >= 0; i--) this.#children[i]?.abandon();
    if (!this.#isBusy) return;
    this.#emit('abandoned', this.#phase);
    if (this.#inFlight !== undefined) this.#bury(this.#inFlight.message, 'stop-deadline');
    this.#finishOperation(this.#whenAbandoned);
  }

  counts(): MessageCounts {
    return {
      told: this.#mailbox.offeredCount + this.#lateCount,
      handled: this.#handledCount,
      deadLetters: this.#deadLetterCount,
      refused: this.#refusedCount,
      queued: this.#mailbox.size,
      inFlight: this.#inFlight === undefined ? 0 : 1,
    };
  }

  #hasEnded(): boolean {
    return this.#phase === 'stopped' || this.#phase === 'failed';
  }

  #tellLate(message: M): Delivery {
    // The counts of an actor that is gone have been handed over; the system goes on counting for it.
    if (this.#hasEnded()) this.#host.toldLate();
    else this.#lateCount++;
    this.#bury(message, this.#phase === 'failed' ? 'failed' : 'stopped');
    return 'stopped';
  }

  #bury(message: M, reason: DeadLetterReason): void {
    this.#deadLetterCount++;
    this.#host.deadLetters.add({ address: this.address, reason, message, at: this.#host.clock.now() });
  }

  #enqueue(): void {
    this.#canWake = false;
    this.#isQueued = true;
    this.#host.enqueue(this);
  }

  #becomeRunnable(): void {
    if (this.#isQueued) return;
    if (this.#mailbox.size > 0 || this.#pendingFault !== undefined || this.#isStopPending) this.#enqueue();
    else this.#canWake = true;
  }

  /** A fault found outside the actor's own turn: it is dealt with at its next one, never inside the sender's. */
  #interrupt(error: unknown): void {
    this.#pendingFault ??= { error };
    if (this.#canWake) this.#enqueue();
  }

  #applyInterrupts(): void {
    const fault = this.#pendingFault;
    this.#pendingFault = undefined;
    if (fault !== undefined) this.#raise(fault.error);
    if (!this.#isStopPending) return;
    this.#isStopPending = false;
    this.#supervisor.stop();
  }

  #raise(error: unknown): void {
    this.#emit('fault', messageOf(error));
    if (error instanceof InvariantError) {
      this.#host.invariantBroken(error);
      this.#supervisor.giveUp(error);
    } else {
      this.#supervisor.fault(error);
    }
  }

  #entered(state: LifeCycleState, error: unknown, endsAs: 'stopped' | 'failed'): void {
    this.#phase = state;
    this.#canWake = false;
    this.#emit('entered', state);
    if (state === 'running') {
      this.#becomeRunnable();
    } else if (state === 'stopping') {
      this.close();
      const reason = endsAs === 'failed' ? 'failed' : this.#leftoverReason;
      while (this.#mailbox.size > 0) this.#bury(this.#mailbox.take(), reason);
    } else if (state === 'stopped' || state === 'failed') {
      this.#host.ended(this);
      this.#parent?.childEnded(this, error);
    }
  }

  #startBehaviour(): void {
    if (this.#isDiscarding) {
      this.#afterDiscard = () => this.#startBehaviour();
      return;
    }
    this.#perform(
      () => {
        this.#behaviour = this.#factory(this.#context);
        return this.#behaviour.onStart?.(this.#context);
      },
      (fault) => {
        if (fault === undefined) this.#supervisor.started();
        else this.#raise(fault.error);
      },
    );
  }

  #discard(): void {
    this.#isDiscarding = true;
    this.#pendingFault = undefined;
    this.#whenQuiet(() =>
      this.#dispose(() => {
        this.#isDiscarding = false;
        const next = this.#afterDiscard;
        this.#afterDiscard = undefined;
        next?.();
      }),
    );
  }

  #end(): void {
    if (this.#isDiscarding) {
      this.#afterDiscard = () => this.#end();
      return;
    }
    this.#whenQuiet(() => this.#dispose(() => this.#supervisor.ended()));
  }

  /** Timers, then children, the latest first, then the behaviour's own `onStop`. Its fault is told and changes nothing. */
  #dispose(done: () => void): void {
    for (const timer of this.#timers) this.#host.clock.clearTimeout(timer);
    this.#timers.clear();
    this.#stopChildren(() => {
      const behaviour = this.#behaviour;
      this.#behaviour = undefined;
      const report = (fault: { readonly error: unknown } | undefined): void => {
        if (fault !== undefined) this.#emit('stop-fault', messageOf(fault.error));
        if (fault?.error instanceof InvariantError) this.#host.invariantBroken(fault.error);
        done();
      };
      this.#perform(() => behaviour?.onStop?.(), report, done);
    });
  }

  #stopChildren(done: () => void): void {
    for (;;) {
      const child = this.#children.at(-1);
      if (child === undefined) {
        done();
        return;
      }
      child.stop(this.#leftoverReason);
      if (this.#children.at(-1) === child) {
        this.#whenChildEnds = () => this.#stopChildren(done);
        return;
      }
    }
  }

  #whenQuiet(then: () => void): void {
    if (this.#isBusy) this.#afterOperation = then;
    else then();
  }

  /** Runs one of the behaviour's methods; `done` follows at once, or when its promise settles, or else `abandoned`. */
  #perform(
    run: () => unknown,
    done: (fault: { readonly error: unknown } | undefined) => void,
    abandoned?: () => void,
  ): void {
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      done({ error });
      return;
    }
    if (isThenable(result)) this.#await(result, done, abandoned);
    else done(undefined);
  }

  #awaitReceive(message: M, result: PromiseLike<unknown>): void {
    this.#inFlight = { message };
    this.#await(result, (fault) => {
      if (fault === undefined) {
        this.#handledCount++;
      } else {
        this.#bury(message, 'fault');
        this.#raise(fault.error);
      }
    });
  }

  #await(
    result: PromiseLike<unknown>,
    done: (fault: { readonly error: unknown } | undefined) => void,
    abandoned?: () => void,
  ): void {
    const operation = ++this.#operation;
    this.#whenAbandoned = abandoned;
    const finish = (fault: { readonly error: unknown } | undefined): void => {
      if (operation === this.#operation && this.#isBusy) this.#finishOperation(() => done(fault));
    };
    this.#isBusy = true;
    this.#host.asyncBegan();
    result.then(
      () => finish(undefined),
      (error: unknown) => finish({ error }),
    );
  }

  /** Ends the asynchronous operation in progress, then lets what waited for it go on. */
  #finishOperation(done?: () => void): void {
    this.#isBusy = false;
    this.#inFlight = undefined;
    done?.();
    if (!this.#isBusy) {
      const next = this.#afterOperation;
      this.#afterOperation = undefined;
      if (next !== undefined) next();
      else if (this.#phase === 'running') this.#becomeRunnable();
    }
    this.#host.asyncEnded();
  }

  #after(delayMs: number, message: M): () => void {
    if (this.#timers.size >= this.#host.timersPerActorMax) {
      throw new AnteroomError('limit', `${this.address} has ${this.#timers.size} timers pending, which is the limit`, {
        context: { address: this.address, timersPerActorMax: this.#host.timersPerActorMax },
      });
    }
    const { clock } = this.#host;
    const timer = clock.setTimeout(() => {
      this.#timers.delete(timer);
      // Nobody is there to keep a refused message of a timer, so it must not be lost unseen.
      if (this.tell(message) === 'full') {
        this.#refusedCount--;
        this.#bury(message, 'mailbox-full');
      }
    }, delayMs);
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      clock.clearTimeout(timer);
    };
  }

  #stopFromWithin(child: ActorRef<never> | undefined): void {
    if (child === undefined) {
      this.stop();
      return;
    }
    const cell = this.#children.find((candidate) => candidate.address === child.address);
    if (cell !== undefined) cell.stop();
    else assert(child.address.startsWith(`${this.address}/`), `${this.address} may stop its own children only`);
  }

  #emit(kind: SystemEvent['kind'], detail: string): void {
    this.#host.emit({ kind, address: this.address, at: this.#host.clock.now(), detail });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

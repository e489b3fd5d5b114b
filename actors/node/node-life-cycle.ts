/** The life of a node as a state machine: which state follows what, and whether it may take accesses in it. */

import { assign, createActor, setup } from 'xstate';
import type { Clock } from '../../engine/clock.ts';

export type NodeState = 'starting' | 'recovering' | 'ready' | 'degraded' | 'draining' | 'stopped';

/**
 * What can be wrong with a node that goes on. `log` and `engine` keep it from taking accesses. `place`: a part of the engine is away, so
 * nothing more is decided and accesses are taken while there is room. With the others it does its work.
 */
export type Trouble = 'log' | 'engine' | 'place' | 'checkpoint' | 'sink' | 'tail' | 'source';

/** Troubles in which a node cannot do its main job. */
const grave: ReadonlySet<string> = new Set<Trouble>(['log', 'engine', 'place']);

type NodeEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'recovered' }
  | { readonly type: 'trouble'; readonly trouble: Trouble; readonly why: string }
  | { readonly type: 'relief'; readonly trouble: Trouble }
  | { readonly type: 'drain' }
  | { readonly type: 'stopped' };

interface NodeContext {
  readonly troubles: Readonly<Partial<Record<Trouble, string>>>;
}

const machine = setup({
  types: {} as { context: NodeContext; events: NodeEvent },
  actions: {
    worry: assign({
      troubles: ({ context, event }) =>
        event.type === 'trouble' ? { ...context.troubles, [event.trouble]: event.why } : context.troubles,
    }),
    relieve: assign({
      troubles: ({ context, event }) => {
        if (event.type !== 'relief') return context.troubles;
        const { [event.trouble]: _, ...left } = context.troubles;
        return left;
      },
    }),
  },
  guards: {
    isLast: ({ context, event }) =>
      event.type === 'relief' && Object.keys(context.troubles).every((trouble) => trouble === event.trouble),
    isTroubled: ({ context }) => Object.keys(context.troubles).length > 0,
  },
}).createMachine({
  context: { troubles: {} },
  initial: 'starting',
  on: { trouble: { actions: 'worry' }, relief: { actions: 'relieve' } },
  states: {
    starting: { on: { opened: 'recovering', drain: 'draining', stopped: 'stopped' } },
    recovering: {
      on: {
        recovered: [{ guard: 'isTroubled', target: 'degraded' }, { target: 'ready' }],
        drain: 'draining',
        stopped: 'stopped',
      },
    },
    ready: { on: { trouble: { target: 'degraded', actions: 'worry' }, drain: 'draining', stopped: 'stopped' } },
    degraded: {
      on: {
        relief: [{ guard: 'isLast', target: 'ready', actions: 'relieve' }, { actions: 'relieve' }],
        drain: 'draining',
        stopped: 'stopped',
      },
    },
    draining: { on: { stopped: 'stopped' } },
    stopped: { type: 'final' },
  },
});

/** Where a node stands, for all who ask. */
export class NodeLifeCycle {
  readonly #actor;
  #entered: (state: NodeState) => void;

  /** `onEntered` is told of each state after the transition; it must not throw. */
  constructor(clock: Clock, onEntered: (state: NodeState) => void = () => {}) {
    this.#actor = createActor(machine, { clock });
    this.#entered = onEntered;
    let last: NodeState | null = null;
    this.#actor.subscribe((snapshot) => {
      const state = snapshot.value as NodeState;
      if (state !== last) this.#entered(state);
      last = state;
    });
    this.#actor.start();
  }

  get state(): NodeState {
    return this.#actor.getSnapshot().value as NodeState;
  }

  /** What is wrong, with the reason. */
  get troubles(): Readonly<Partial<Record<Trouble, string>>> {
    return this.#actor.getSnapshot().context.troubles;
  }

  /** Accesses are taken and questions answered. */
  get isReady(): boolean {
    const { state } = this;
    return state === 'ready' || (state === 'degraded' && !Object.keys(this.troubles).some((name) => grave.has(name)));
  }

  /** Why it is not ready; empty when it is. */
  get reasons(): readonly string[] {
    const troubles = Object.entries(this.troubles).map(([name, why]) => `${name}: ${why}`);
    return this.isReady ? [] : [this.state, ...troubles];
  }

  opened(): void {
    this.#actor.send({ type: 'opened' });
  }

  recovered(): void {
    this.#actor.send({ type: 'recovered' });
  }

  trouble(trouble: Trouble, why: string): void {
    this.#actor.send({ type: 'trouble', trouble, why });
  }

  relief(trouble: Trouble): void {
    if (trouble in this.troubles) this.#actor.send({ type: 'relief', trouble });
  }

  drain(): void {
    this.#actor.send({ type: 'drain' });
  }

  stopped(): void {
    this.#actor.send({ type: 'stopped' });
  }
}

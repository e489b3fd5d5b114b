/** The life of a supervised actor as a state machine: which state follows which fault, and what happens on entering it. */

import { type ActorRefFrom, assign, setup } from 'xstate';
import type { RestartBudget } from './restart-budget.ts';

/** Where a supervised actor is in its life; `stopped` and `failed` are its ends. */
export type LifeCycleState = 'starting' | 'running' | 'backing-off' | 'restarting' | 'stopping' | 'stopped' | 'failed';

/** What a supervisor may decide about a fault. */
export type Directive = 'resume' | 'restart' | 'stop' | 'escalate';

/** What can happen to a supervised actor. `at` is the system's time, in ms. */
export type LifeCycleEvent =
  | { readonly type: 'started' }
  | { readonly type: 'fault'; readonly directive: Directive; readonly error: unknown; readonly at: number }
  | { readonly type: 'stop' }
  | { readonly type: 'ended' };

/** What the machine has done to the actor, in this order, once the transition is over. */
export interface LifeCycleEffects {
  /** Builds the behaviour and starts it; answers `started` or `fault`. */
  start(): void;
  /** Puts away the faulted behaviour and its children; a later `start` or `end` waits for it. */
  discard(): void;
  /** Stops the children, then the behaviour; answers `ended`. */
  end(): void;
  /** How long to back off before the restart that follows `usedCount` others. */
  backOffMs(usedCount: number): number;
  /** A state has been entered; `error` is the last fault, `endsAs` where a stop from here leads. */
  entered(state: LifeCycleState, error: unknown, endsAs: 'stopped' | 'failed'): void;
}

/** What one life cycle is made with. */
export interface LifeCycleInput {
  readonly effects: LifeCycleEffects;
  readonly budget: RestartBudget;
  /** What a spent budget does: the actor ends `stopped`, or `failed` and its parent decides. */
  readonly exhausted: 'stop' | 'escalate';
}

interface LifeCycleContext extends LifeCycleInput {
  readonly endsAs: 'stopped' | 'failed';
  readonly waitMs: number;
  readonly error: unknown;
}

/** The first that applies: within the budget restart, else stop or fail. A behaviour that never started cannot resume. */
const onFault = [
  { guard: 'restarts', target: 'backing-off', actions: ['remember', 'spendBudget'] },
  { guard: 'stops', target: 'stopping', actions: ['remember', 'endAsStopped'] },
  { target: 'stopping', actions: ['remember', 'endAsFailed'] },
] as const;

const machine = setup({
  types: {} as { context: LifeCycleContext; events: LifeCycleEvent; input: LifeCycleInput },
  actions: {
    start: ({ context }) => context.effects.start(),
    discard: ({ context }) => context.effects.discard(),
    end: ({ context }) => context.effects.end(),
    entered: ({ context }, params: { readonly state: LifeCycleState }) =>
      context.effects.entered(params.state, context.error, context.endsAs),
    remember: assign({ error: ({ event }) => (event.type === 'fault' ? event.error : undefined) }),
    spendBudget: assign({
      waitMs: ({ context, event }) => {
        const at = event.type === 'fault' ? event.at : 0;
        const waitMs = context.effects.backOffMs(context.budget.usedCount(at));
        context.budget.spend(at);
        return waitMs;
      },
    }),
    endAsStopped: assign({ endsAs: 'stopped' as const }),
    endAsFailed: assign({ endsAs: 'failed' as const }),
  },
  guards: {
    resumes: ({ event }) => event.type === 'fault' && event.directive === 'resume',
    escalates: ({ event }) => event.type === 'fault' && event.directive === 'escalate',
    stops: ({ event, context }) =>
      event.type === 'fault' &&
      (event.directive === 'stop' || (event.directive === 'restart' && context.exhausted === 'stop')),
    restarts: ({ event, context }) =>
      event.type === 'fault' && event.directive === 'restart' && context.budget.hasRoom(event.at),
    endsAsFailed: ({ context }) => context.endsAs === 'failed',
  },
  delays: { backOff: ({ context }) => context.waitMs },
}).createMachine({
  id: 'life-cycle',
  context: ({ input }) => ({ ...input, endsAs: 'stopped' as const, waitMs: 0, error: undefined }),
  initial: 'starting',
  states: {
    starting: {
      entry: [{ type: 'entered', params: { state: 'starting' } }, 'start'],
      on: {
        started: 'running',
        fault: onFault,
        stop: 'stopping',
      },
    },
    running: {
      entry: { type: 'entered', params: { state: 'running' } },
      on: {
        fault: [{ guard: 'resumes' }, ...onFault],
        stop: 'stopping',
      },
    },
    'backing-off': {
      entry: [{ type: 'entered', params: { state: 'backing-off' } }, 'discard'],
      after: { backOff: 'restarting' },
      on: {
        // The old behaviour is gone; only what cannot be restarted away still matters here.
        fault: { guard: 'escalates', target: 'stopping', actions: ['remember', 'endAsFailed'] },
        stop: 'stopping',
      },
    },
    restarting: {
      entry: [{ type: 'entered', params: { state: 'restarting' } }, 'start'],
      on: {
        started: 'running',
        fault: onFault,
        stop: 'stopping',
      },
    },
    stopping: {
      entry: [{ type: 'entered', params: { state: 'stopping' } }, 'end'],
      on: { ended: [{ guard: 'endsAsFailed', target: 'failed' }, { target: 'stopped' }] },
    },
    stopped: { type: 'final', entry: { type: 'entered', params: { state: 'stopped' } } },
    failed: { type: 'final', entry: { type: 'entered', params: { state: 'failed' } } },
  },
});

/** The machine, one for all actors; each actor's own life is an xstate actor made from it. */
export const lifeCycle = machine;
export type LifeCycle = ActorRefFrom<typeof machine>;

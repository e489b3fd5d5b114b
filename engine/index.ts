/** The actor runtime: mailboxes, supervision, time and chance. It knows nothing of access events. */

export type { Actor, ActorContext, ActorRef, Delivery } from './actor.ts';
export { assert, InvariantError, unreachable } from './assert.ts';
export { type BackOffConfig, backOffCeilingMs, backOffMs, backOffSchema } from './back-off.ts';
export type { BehaviourFactory, SpawnContext, SpawnOptions } from './behaviour.ts';
export type { SystemEvent } from './cell-host.ts';
export type { Clock, TimerId } from './clock.ts';
export { bytesField, durationField, parseConfig, rateField } from './config.ts';
export {
  type DeadLetter,
  type DeadLetterReason,
  DeadLetters,
  type DeadLettersOptions,
  OTHER_ADDRESSES,
} from './dead-letters.ts';
export { AnteroomError, type ErrorCode, type ErrorContext } from './errors.ts';
export { entropySeed } from './host/entropy.ts';
export { RealClock } from './host/real-clock.ts';
export { eventLoopRound, immediateTurns, microtaskTurns } from './host/turns.ts';
export type { Directive, LifeCycleState } from './life-cycle.ts';
export { Mailbox, type MailboxConfig, type MailboxDrop, type MailboxPolicy, mailboxSchema } from './mailbox.ts';
export type { MessageCounts } from './message-counts.ts';
export { type RandomSource, Xoshiro128 } from './random.ts';
export { RestartBudget } from './restart-budget.ts';
export { RxScheduler } from './rx-scheduler.ts';
export { type Dependent, shutdownOrder } from './shutdown-order.ts';
export { type Decide, type SupervisionConfig, type SupervisionInput, supervisionSchema } from './supervisor.ts';
export {
  ActorSystem,
  type ActorSystemOptions,
  type StopReport,
  type SystemCounts,
} from './system.ts';
export { type ActorSystemConfig, actorSystemSchema } from './system-config.ts';
export { clockTurns, manualTurns, type TurnScheduler } from './turns.ts';
export {
  formatBytes,
  formatDuration,
  formatRate,
  parseBytes,
  parseDuration,
  parseRate,
} from './units.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';

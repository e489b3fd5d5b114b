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
export { type CurveKeyPair, generateCurveKeyPair, SecretKey } from './host/curve-keys.ts';
export { entropySeed } from './host/entropy.ts';
export { generatePlaceKeys, type PlaceKeys, readPlaceKeys } from './host/key-folder.ts';
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
export { ActorGateway } from './transport/actor-gateway.ts';
export { type AllowedKeys, AllowList } from './transport/allow-list.ts';
export type { Carrier, CarrierSink, Route } from './transport/carrier.ts';
export { CurveGuard } from './transport/curve-guard.ts';
export { type GatewayConfig, gatewayConfigSchema } from './transport/gateway-config.ts';
export { InProcessNetwork } from './transport/in-process-carrier.ts';
export { LinkTransport, type LinkTransportOptions } from './transport/link-transport.ts';
export { codecByKind, type EncodedMessage, type MessageCodec } from './transport/message-codec.ts';
export { openGuard, type SessionGuard } from './transport/session-guard.ts';
export {
  SimulatedNetwork,
  type SimulatedNetworkConfig,
  type SimulatedNetworkCounts,
  simulatedNetworkSchema,
} from './transport/simulated-network.ts';
export { structuredCodec } from './transport/structured-codec.ts';
export type {
  Arrival,
  ArrivalHandler,
  CloseReport,
  SendVerdict,
  Transport,
  TransportCounts,
  TransportEvent,
  Undelivered,
  UndeliveredReason,
} from './transport/transport.ts';
export { type TransportConfig, transportConfigSchema } from './transport/transport-config.ts';
export type { CurveSecurity } from './transport/zeromq-carrier.ts';
export { type ZeroMqConfig, zeroMqConfigSchema } from './transport/zeromq-config.ts';
export { createZeroMqTransport, type ZeroMqTransportOptions } from './transport/zeromq-transport.ts';
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

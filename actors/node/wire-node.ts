/** The units of a node, made and joined to each other. */

import type { Clock } from '../../engine/clock.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { Elsewhere } from './connect-places.ts';
import type { NodeStores } from './data-folder.ts';
import type { Intake } from './intake.ts';
import { answerFrame, type PrefetchAnswer } from './log-frame.ts';
import { LogWatch } from './log-watch.ts';
import { NodeCheckpoints } from './node-checkpoints.ts';
import type { NodeConfig } from './node-config.ts';
import { NodeEngine } from './node-engine.ts';
import { NodeInlets } from './node-inlets.ts';
import type { NodeLifeCycle } from './node-life-cycle.ts';
import type { NodeLogger } from './node-logger.ts';
import { NodeParts } from './node-parts.ts';
import type { NodeStatus } from './node-status.ts';
import { NodeTroubles } from './node-troubles.ts';
import { Dispatcher } from './sinks/dispatcher.ts';
import { makeSink } from './sinks/make-sink.ts';
import type { Sink } from './sinks/sink.ts';
import type { Tracing } from './tracing.ts';

export interface NodeOptions {
  readonly config: NodeConfig;
  readonly stores: NodeStores;
  readonly clock: Clock;
  /** What time it is for accesses, ms: the machine's wall clock, which may step; default: as `clock` says. */
  readonly wallMs?: () => number;
  readonly random: RandomSource;
  readonly logger: NodeLogger;
  /** Besides those of the configuration. */
  readonly sinks?: readonly Sink[];
  /** Null or absent = nothing is traced. */
  readonly tracing?: Tracing | null;
  /** The far loop, where `places` has it in other processes. */
  readonly elsewhere?: Elsewhere | null;
}

export interface NodeUnits {
  readonly mode: NodeStatus['mode'];
  readonly lifeCycle: NodeLifeCycle;
  readonly troubles: NodeTroubles;
  readonly dispatcher: Dispatcher;
  readonly logWatch: LogWatch;
  readonly inlets: NodeInlets;
  readonly checkpoints: NodeCheckpoints;
  readonly engine: NodeEngine;
  readonly parts: NodeParts;
}

/** What they ask of the node itself. */
export interface NodeHooks {
  /** Null before the node has recovered. */
  readonly intake: () => Intake | null;
  /** It drains, or has. */
  readonly isEnding: () => boolean;
  readonly checkpoint: () => Promise<unknown>;
}

/** Nothing is at work yet. */
export function wireNode(options: NodeOptions, lifeCycle: NodeLifeCycle, hooks: NodeHooks): NodeUnits {
  const { config, stores, clock, random, logger } = options;
  const tracing = options.tracing ?? null;
  const elsewhere = options.elsewhere ?? null;
  const troubles = new NodeTroubles(lifeCycle, logger);
  const sinks = [
    ...config.sinks.map((sink) => makeSink(sink, config.delivery.timeoutMs, clock)),
    ...(options.sinks ?? []),
  ];
  const mode = sinks.length > 0 ? 'prefetching' : 'observing';
  // Whoever asks has something for the log, or has been answered out of it.
  const intake = (): Intake => hooks.intake()!;
  const dispatcher = new Dispatcher({
    node: config.name,
    sinks,
    letters: stores.records,
    config: config.delivery,
    concurrencyMax: config.engine.live.concurrencyMax,
    clock,
    random: random.fork('delivery'),
    onAnswer: (answer) => void keepAnswer(intake(), answer, logger),
    onSink: (name, why) => troubles.sink(name, why),
    tracing,
  });
  const logWatch = new LogWatch({
    clock,
    random: random.fork('log probe'),
    backOff: config.logProbe,
    troubles,
    ...hooks,
  });
  const beside = { config, stores, clock, logger, troubles };
  const { isEnding } = hooks;
  const inlets = new NodeInlets({ ...beside, random, intake, isEnding, wallMs: options.wallMs ?? (() => clock.now()) });
  const checkpoints = new NodeCheckpoints(beside);
  const engine = new NodeEngine({
    ...beside,
    mode,
    random: random.fork('rebuild'),
    dispatcher,
    tracing,
    elsewhere,
    isEnding,
  });
  const parts = new NodeParts({
    ...beside,
    elsewhere,
    engine,
    checkpoints,
    log: stores.log,
    dispatcher,
    intake: hooks.intake,
    isEnding,
  });
  return { mode, lifeCycle, troubles, dispatcher, logWatch, inlets, checkpoints, engine, parts };
}

async function keepAnswer(intake: Intake, answer: PrefetchAnswer, logger: NodeLogger): Promise<void> {
  try {
    await intake.append({ origin: null, frames: [answerFrame([answer])] });
  } catch (error) {
    // The log says so by itself; the engine gives the request up when its time is over.
    logger.warn({ error: String(error) }, 'an answer could not be kept');
  }
}

/** What the simulated world needs of a node: the contract of its two kinds. */

import type { RandomSource } from '../../engine/random.ts';
import type { Arrival } from '../../engine/transport/transport.ts';
import type { Bug } from './bugs.ts';
import type { Checker } from './checker.ts';
import type { FaultyCheckpointStore } from './faulty-checkpoint-store.ts';
import type { FaultyLogStore } from './faulty-log-store.ts';
import type { Batch } from './frames.ts';
import type { PlaceProcess } from './place-process.ts';

/**
 * `path`: a small state in the place of the engine, where bugs can be planted; tens of seeds a second. `engine`: the node as it is
 * run, with its engine.
 */
export type NodeKind = 'path' | 'engine';

/** Answers to a post. */
export const Reply = { acknowledged: 0, comeAgain: 1, refused: 2 } as const;

/** The largest queue between log and state that any settings here ask for. */
export const QUEUE_BYTES_MAX = 1536;

/** Settings that a reload changes: what is decided may not depend on them. They outlive the node, as a file does. */
export interface SimulatedSettings {
  checkpointEveryMs: number;
  queueBytesMax: number;
  rowsPerTurn: number;
}

export interface SimulatedNodeOptions {
  readonly process: PlaceProcess;
  readonly log: FaultyLogStore;
  readonly checkpoints: FaultyCheckpointStore;
  readonly settings: SimulatedSettings;
  readonly random: RandomSource;
  readonly checker: Checker;
  readonly bug: Bug | null;
  /** The how-manieth life of a process in this world. */
  readonly life: number;
}

/** One life of a node. */
export interface SimulatedNode {
  readonly process: PlaceProcess;
  /** Above 0 promises may be on their way, and time waits for them. */
  readonly asyncCount: number;
  /** Rounds of the event loop after which what it awaits, but timers, is over. */
  readonly settleRounds: number;
  /** It has recovered and goes on, degraded or not: what it does about posts in trouble is seen from the posts. */
  readonly isWorking: boolean;
  /** Log position up to which the state has been told; 0 before it has recovered. */
  readonly toldUntil: number;
  /** Requests without an outcome, and requests ever made. */
  readonly openCount: number;
  readonly requestCount: number;
  /** Recovers and goes to work with these places. */
  start(places: readonly string[]): Promise<void>;
  receive(arrival: Arrival): void | Promise<void>;
  /** Reads its settings again. */
  reload(): void;
  /** As kill -9: what was being written is on the disk or not. */
  crash(): void;
  /** What it knows, for the digest of the run. */
  snapshot(): Uint8Array;
  /** At the end: its state against the log and against what the producers made. */
  judge(batches: readonly Batch[]): Promise<void>;
}

/** What a node says of itself. */

import type { CheckpointHeader } from '../../engine/state/checkpoint-store.ts';
import type { LogFacts, LogStore } from '../../engine/state/log-store.ts';
import { VERSION } from '../../engine/version.ts';
import type { Restored } from '../engine/engine-options.ts';
import type { Elsewhere, PlaceCounts } from './connect-places.ts';
import type { LimitedConsumer } from './consumer-quotas.ts';
import type { Intake, IntakeCounts } from './intake.ts';
import type { FollowerCounts } from './log-follower.ts';
import type { NodeState } from './node-life-cycle.ts';
import type { DispatcherCounts } from './sinks/dispatcher.ts';
import type { SourceStatus } from './sources/source.ts';
import type { TailerCounts } from './tailer.ts';
import type { NodeUnits } from './wire-node.ts';

/** How the last start went. */
export interface Recovery {
  /** Log position of the checkpoint that was used; null = none, the log was told from its beginning. */
  readonly from: number | null;
  /** Accesses and answers told again from the log. */
  readonly replayed: number;
  readonly ms: number;
  /** As the engine says; `relearned` also where no checkpoint could be used and the log was told instead; null = there was none. */
  readonly restored: Restored | null;
  /** Checkpoints that were passed over, damaged or of another version, and why. */
  readonly damaged: readonly string[];
}

export interface NodeStatus {
  readonly name: string;
  readonly version: string;
  readonly state: NodeState;
  readonly isReady: boolean;
  readonly troubles: Readonly<Record<string, string>>;
  /** `prefetching` where there are sinks, else `observing`. */
  readonly mode: 'prefetching' | 'observing';
  readonly upSeconds: number;
  readonly recovery: Recovery | null;
  readonly log: LogFacts;
  readonly toldUntil: number;
  readonly queueBytes: number;
  readonly intake: IntakeCounts;
  readonly told: FollowerCounts;
  readonly checkpoint: CheckpointHeader | null;
  readonly checkpointAgeSeconds: number | null;
  readonly delivery: DispatcherCounts;
  readonly tail: TailerCounts;
  /** Parts in other processes: those that are away now, and what went wrong since the start; null = everything is in this one. */
  readonly places: (PlaceCounts & { readonly away: readonly string[] }) | null;
  /** Each source, followed files as one. */
  readonly sources: readonly SourceStatus[];
  /** Messages of sources that could not be read and are kept. */
  readonly badMessages: number;
  /** Consumers beyond their quotas, those limited most; the whole is in `told.limited`. */
  readonly limited: readonly LimitedConsumer[];
}

/** Consumers beyond their quotas that `status` names. */
const LIMITED_NAMED = 10;
const NOTHING_TAKEN = { appended: 0, duplicates: 0, refused: 0, throttled: 0, failed: 0 };

export interface StatusFacts {
  readonly name: string;
  readonly units: NodeUnits;
  readonly elsewhere: Elsewhere | null;
  readonly log: LogStore;
  /** Null before the node has recovered; so for `recovery`. */
  readonly intake: Intake | null;
  readonly recovery: Recovery | null;
  readonly startedMs: number;
  readonly nowMs: number;
}

export function nodeStatus(facts: StatusFacts): NodeStatus {
  const { name, units, elsewhere, log, intake, recovery, startedMs, nowMs } = facts;
  const { lifeCycle, engine, inlets, dispatcher } = units;
  const checkpoint = units.checkpoints.newest;
  return {
    name,
    version: VERSION,
    state: lifeCycle.state,
    isReady: lifeCycle.isReady,
    troubles: lifeCycle.troubles as Readonly<Record<string, string>>,
    mode: units.mode,
    upSeconds: (nowMs - startedMs) / 1000,
    recovery,
    log: log.facts,
    toldUntil: intake?.toldUntil ?? 0,
    queueBytes: intake?.pendingBytes ?? 0,
    intake: intake?.counts ?? NOTHING_TAKEN,
    told: engine.toldCounts,
    checkpoint,
    checkpointAgeSeconds: checkpoint === null ? null : Math.max(0, nowMs - checkpoint.createdAtMs) / 1000,
    delivery: dispatcher.counts,
    tail: inlets.tailCounts,
    places: elsewhere === null ? null : { away: elsewhere.away(), ...elsewhere.counts() },
    sources: inlets.statuses,
    badMessages: inlets.badMessageCount,
    limited: engine.quotas?.most(LIMITED_NAMED) ?? [],
  };
}

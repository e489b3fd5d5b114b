/** The checkpoints of a node: which one to start from, when to take the next, and what of the log they make superfluous. */

import type { Clock, TimerId } from '../../engine/clock.ts';
import type { CheckpointHeader, LoadedCheckpoint } from '../../engine/state/checkpoint-store.ts';
import { versionFaultOf } from '../engine/state-bytes.ts';
import type { NodeStores } from './data-folder.ts';
import type { NodeConfig } from './node-config.ts';
import type { NodeLogger } from './node-logger.ts';
import type { NodeTroubles } from './node-troubles.ts';

/** Version of what a checkpoint holds. */
export const SCHEMA_VERSION = 1;

/** What is saved, all of one log position. */
export interface NodeState {
  readonly logPosition: number;
  /** NaN = nothing was told since the start. */
  readonly watermarkMs: number;
  readonly parts: readonly Uint8Array[];
}

export interface NodeCheckpointsOptions {
  readonly config: NodeConfig;
  readonly stores: NodeStores;
  readonly clock: Clock;
  readonly logger: NodeLogger;
  readonly troubles: NodeTroubles;
}

/** One checkpoint is taken at a time. */
export class NodeCheckpoints {
  readonly #options: NodeCheckpointsOptions;
  #newest: CheckpointHeader | null = null;
  /** Passed over at the start: nobody can go on from them, so they are not what the log is kept for. */
  readonly #unusable = new Set<number>();
  #taking: Promise<CheckpointHeader | null> | null = null;
  #timer: TimerId | null = null;
  #isEnded = false;

  constructor(options: NodeCheckpointsOptions) {
    this.#options = options;
  }

  get newest(): CheckpointHeader | null {
    return this.#newest;
  }

  /** The newest that is whole and of this version, and what is wrong with those after it. */
  async load(): Promise<{ readonly loaded: LoadedCheckpoint | null; readonly damaged: readonly string[] }> {
    const { stores, logger } = this.#options;
    const { loaded, damaged } = await stores.checkpoints.latest(faultOf);
    for (const { header, problem } of damaged) {
      this.#unusable.add(header.id);
      logger.warn({ checkpoint: header.id, problem }, 'a checkpoint cannot be used and was passed over');
    }
    this.#newest = loaded?.header ?? null;
    return { loaded, damaged: damaged.map(({ header, problem }) => `checkpoint ${header.id}: ${problem}`) };
  }

  /** Those that are kept, the newest first; with `isVerifying` each says what is wrong with it (null = nothing). */
  async list(isVerifying: boolean): Promise<readonly (CheckpointHeader & { readonly problem?: string | null })[]> {
    const { checkpoints } = this.#options.stores;
    const list = await checkpoints.list();
    if (!isVerifying) return list;
    return Promise.all(list.map(async (header) => ({ ...header, problem: await checkpoints.verify(header.id) })));
  }

  /** Keeps what `save` gives and trims the log; null where that is null. @throws AnteroomError 'disk-full' or 'io'. */
  take(save: () => Promise<NodeState> | null): Promise<CheckpointHeader | null> {
    this.#taking ??= this.#take(save).finally(() => {
      this.#taking = null;
    });
    return this.#taking;
  }

  /** Resolves when none is being taken, however that came. */
  async settled(): Promise<void> {
    await this.#taking?.catch(() => {});
  }

  /** Calls `take` at the intervals that the configuration in force has, one after the other. */
  begin(take: () => Promise<unknown>): void {
    const { clock, config, logger } = this.#options;
    this.#timer = clock.setTimeout(() => {
      take()
        .catch((error: unknown) => logger.error({ error: String(error) }, 'no checkpoint could be taken'))
        .finally(() => {
          if (!this.#isEnded) this.begin(take);
        });
    }, config.checkpoints.everyMs);
  }

  end(): void {
    this.#isEnded = true;
    if (this.#timer !== null) this.#options.clock.clearTimeout(this.#timer);
  }

  async #take(save: () => Promise<NodeState> | null): Promise<CheckpointHeader | null> {
    const { config, stores, clock, troubles } = this.#options;
    const { checkpoints, log } = stores;
    const saving = save();
    if (saving === null) return null;
    try {
      const { logPosition, watermarkMs, parts } = await saving;
      this.#newest = await checkpoints.put({
        logPosition,
        watermarkMs: laterOf(this.#newest?.watermarkMs ?? null, watermarkMs),
        schemaVersion: SCHEMA_VERSION,
        createdAtMs: Math.round(clock.now()),
        parts,
      });
      const kept = (await checkpoints.list()).filter(({ id }) => !this.#unusable.has(id));
      // Where the newest is damaged the oldest kept must still find its rest in the log; one alone keeps the whole of it.
      if (kept.length > 1 || config.checkpoints.kept === 1) await log.trim(kept.at(-1)!.logPosition);
      troubles.set('checkpoint', null);
      return this.#newest;
    } catch (error) {
      troubles.set('checkpoint', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}

/** The later of two instants, of which either may be unknown. */
function laterOf(beforeMs: number | null, nowMs: number): number | null {
  if (Number.isNaN(nowMs)) return beforeMs;
  return beforeMs === null ? nowMs : Math.max(beforeMs, nowMs);
}

/** Why a checkpoint that is whole cannot be used; null = it can. */
function faultOf({ header, parts }: LoadedCheckpoint): string | null {
  const { schemaVersion } = header;
  if (schemaVersion !== SCHEMA_VERSION)
    return `another version wrote it: it has layout ${schemaVersion}, this version reads ${SCHEMA_VERSION}`;
  const fault = versionFaultOf(parts[0]!);
  return fault === null ? null : `another version wrote it: ${fault}`;
}

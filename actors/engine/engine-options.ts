/** What an engine is made with, and how it was restored. */

import type { Clock } from '../../engine/clock.ts';
import type { AddressSpace } from '../../streams/address-space.ts';
import type { FarLoopLinks } from '../pipeline.ts';
import type { EngineConfigInput } from './engine-config.ts';
import type { SharedNames } from './engine-names.ts';

/** What an engine is made with. Every field may be left out. */
export interface EngineOptions {
  /** See {@link engineConfigSchema}; unknown keys are refused. */
  readonly config?: EngineConfigInput;
  /** Instant of accesses without a time and of answers without one. Absent: they take the latest event time. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Where names become ids; own tables by default. Share those of a source whose batches are observed. */
  readonly names?: SharedNames;
  /** Where segments are addresses, so that neighbours mean something. */
  readonly addresses?: AddressSpace | null;
  /** How many distinct segments to expect; tables start there and grow. Decisions do not depend on it. */
  readonly segmentCountHint?: number;
  /** What `snapshot` gave: the engine goes on from there. */
  readonly snapshot?: Uint8Array;
  /** The states of the far loop's actors, where the snapshot was made without them (`farStates`). */
  readonly farStates?: ReadonlyMap<string, Uint8Array>;
  /** The far loop's actors live elsewhere. Then `observe` returns before all is decided: go on when `isSettled`. */
  readonly elsewhere?: FarLoopLinks;
  /** The snapshot is known to be what was saved, by a digest of the caller's, so its checksum need not be taken. Default false. */
  readonly isSnapshotVerified?: boolean;
}

/**
 * How far a restored engine is the one that was saved. `exact`: in every bit, under the caps of its settings. `relearned`: saved under other settings or by a version with
 * other models, so the names are there and the journal of the latest accesses was told again; what lies before is missing.
 */
export type Restored = 'exact' | 'relearned';

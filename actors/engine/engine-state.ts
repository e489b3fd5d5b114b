/** What an engine is restored from: the names, what it was told last, and what its near loop has learned. */

import { AccessBatch } from '../../streams/access-batch.ts';
import type { Snapshot, StateArray } from '../near-loop/snapshot.ts';
import type { EngineNames } from './engine-names.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { PackedNames } from './packed-names.ts';
import { fromStateBytes, toStateBytes } from './state-bytes.ts';

export interface EngineState {
  /** Settings as JSON: what was learned fits only an engine with the same. */
  readonly config: string;
  /** Of segments, consumers and sites. */
  readonly names: readonly PackedNames[];
  readonly events: readonly JournalEntry[];
  readonly batches: readonly AccessBatch[];
  /** Log position of the first batch, and of the end. */
  readonly start: number;
  readonly end: number;
  readonly versions: readonly (readonly [segment: number, version: string | number])[];
  /** Whether batches and events are all that there ever were. */
  readonly isWhole: boolean;
  readonly nearLoop: Snapshot | null;
}

interface Header extends Omit<EngineState, 'batches' | 'nearLoop' | 'names'> {
  readonly batchCount: number;
}

/** Arrays of packed names, before those of the batches. */
const NAME_ARRAYS = 6;

const COLUMNS = 7;

export function toBytes(
  state: Omit<EngineState, 'names' | 'events' | 'batches' | 'start' | 'isWhole'>,
  journal: Journal,
  names: EngineNames,
): Uint8Array {
  const { batches, events } = journal.contents();
  const { config, end, versions, nearLoop } = state;
  const header: Header = {
    config,
    events,
    start: journal.start,
    end,
    versions,
    isWhole: journal.isWhole,
    batchCount: batches.length,
  };
  const packed = names.pack().flatMap(({ lengths, bytes }) => [lengths, bytes]);
  return toStateBytes(header, [...packed, ...batches.flatMap(columnsOf), ...(nearLoop ?? [])]);
}

/** @throws AnteroomError as `fromStateBytes` does. */
export function fromBytes(bytes: Uint8Array): EngineState {
  const { header, arrays: all } = fromStateBytes(bytes);
  const arrays = all.slice(NAME_ARRAYS);
  const names = [0, 2, 4].map((i) => ({ lengths: all[i], bytes: all[i + 1] })) as unknown as EngineState['names'];
  const { batchCount, ...state } = header as Header;
  const nearLoop = arrays.slice(batchCount * COLUMNS);
  let position = state.start;
  const batches = Array.from({ length: batchCount }, (_, i) => {
    const batch = batchOf(position, arrays.slice(i * COLUMNS, (i + 1) * COLUMNS));
    position += batch.length;
    return batch;
  });
  return { ...state, names, batches, nearLoop: nearLoop.length > 0 ? nearLoop : null };
}

function columnsOf({ timeMs, segment, consumer, site, op, size, weight }: AccessBatch): readonly StateArray[] {
  return [timeMs, segment, consumer, site, op, size, weight];
}

function batchOf(position: number, columns: readonly StateArray[]): AccessBatch {
  return new AccessBatch(position, {
    timeMs: columns[0] as Float64Array,
    segment: columns[1] as Uint32Array,
    consumer: columns[2] as Int32Array,
    site: columns[3] as Int32Array,
    op: columns[4] as Uint8Array,
    size: columns[5] as Float64Array,
    weight: columns[6] as Float64Array,
  });
}

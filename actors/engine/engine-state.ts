/** What an engine is restored from: the names, what it was told last, and what its near loop has learned. */

import { AccessBatch } from '../../streams/access-batch.ts';
import type { NameInterner } from '../../streams/name-table.ts';
import type { Snapshot, StateArray } from '../near-loop/snapshot.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { fromStateBytes, toStateBytes } from './state-bytes.ts';

export interface EngineState {
  /** Settings as JSON: what was learned fits only an engine with the same. */
  readonly config: string;
  readonly names: readonly [segments: readonly string[], consumers: readonly string[], sites: readonly string[]];
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

interface Header extends Omit<EngineState, 'batches' | 'nearLoop'> {
  readonly batchCount: number;
}

const COLUMNS = 7;

export function toBytes(
  state: Omit<EngineState, 'names' | 'events' | 'batches' | 'start' | 'isWhole'>,
  journal: Journal,
  names: readonly NameInterner[],
): Uint8Array {
  const { batches, events } = journal.contents();
  const { config, end, versions, nearLoop } = state;
  const header: Header = {
    config,
    names: names.map(allNames) as unknown as Header['names'],
    events,
    start: journal.start,
    end,
    versions,
    isWhole: journal.isWhole,
    batchCount: batches.length,
  };
  return toStateBytes(header, [...batches.flatMap(columnsOf), ...(nearLoop ?? [])]);
}

/** @throws AnteroomError as `fromStateBytes` does. */
export function fromBytes(bytes: Uint8Array): EngineState {
  const { header, arrays } = fromStateBytes(bytes);
  const { batchCount, ...state } = header as Header;
  const nearLoop = arrays.slice(batchCount * COLUMNS);
  let position = state.start;
  const batches = Array.from({ length: batchCount }, (_, i) => {
    const batch = batchOf(position, arrays.slice(i * COLUMNS, (i + 1) * COLUMNS));
    position += batch.length;
    return batch;
  });
  return { ...state, batches, nearLoop: nearLoop.length > 0 ? nearLoop : null };
}

function allNames(names: NameInterner): readonly string[] {
  return Array.from({ length: names.count }, (_, id) => names.nameOf(id));
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

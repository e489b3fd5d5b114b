/** What an engine is restored from: its fields as they were, and what it was told last, for one with other settings. */

import type { SavedFields, StateArray } from '../../engine/state-fields.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { fromStateBytes, toStateBytes } from './state-bytes.ts';

export interface EngineState {
  /** Settings as JSON: the fields fit only an engine with the same. */
  readonly config: string;
  /** Which fields there are, see `StateSketch`: they fit only a program that has the same. */
  readonly sketch: string;
  readonly events: readonly JournalEntry[];
  readonly batches: readonly AccessBatch[];
  /** Log position of the first batch. */
  readonly start: number;
  readonly versions: readonly (readonly [segment: number, version: string | number])[];
  /** Whether batches and events are all that there ever were. */
  readonly isWhole: boolean;
  /** Names, saved by themselves so that they can be had without the rest. */
  readonly names: SavedFields;
  readonly fields: SavedFields;
  /** The actors of the far loop, each as `saveComponent` has it, unless they are kept apart. */
  readonly far: ReadonlyMap<string, Uint8Array>;
}

interface Header extends Omit<EngineState, 'batches' | 'names' | 'fields' | 'far'> {
  readonly farNames: readonly string[];
  readonly batchCount: number;
  /** Arrays of the names, numbers included. */
  readonly nameArrayCount: number;
}

const COLUMNS = 7;

export function toBytes(
  state: Pick<EngineState, 'config' | 'sketch' | 'versions' | 'names' | 'fields' | 'far'>,
  journal: Journal,
): Uint8Array {
  const { batches, events } = journal.contents();
  const { config, sketch, versions, names, fields, far } = state;
  const header: Header = {
    config,
    sketch,
    events,
    start: journal.start,
    versions,
    isWhole: journal.isWhole,
    batchCount: batches.length,
    nameArrayCount: 1 + names.arrays.length,
    farNames: [...far.keys()],
  };
  return toStateBytes(header, [
    names.numbers,
    ...names.arrays,
    ...batches.flatMap(columnsOf),
    ...far.values(),
    fields.numbers,
    ...fields.arrays,
  ]);
}

/** The arrays may be views of `bytes`. @throws AnteroomError as `fromStateBytes` does. */
export function fromBytes(bytes: Uint8Array, isVerified = false): EngineState {
  const { header, arrays } = fromStateBytes(bytes, isVerified);
  const { batchCount, nameArrayCount, farNames, ...state } = header as Header;
  const farFrom = nameArrayCount + batchCount * COLUMNS;
  const columns = arrays.slice(nameArrayCount, farFrom);
  let position = state.start;
  const batches = Array.from({ length: batchCount }, (_, i) => {
    const batch = batchOf(
      position,
      columns.slice(i * COLUMNS, (i + 1) * COLUMNS).map((column) => column.slice()),
    );
    position += batch.length;
    return batch;
  });
  return {
    ...state,
    batches,
    names: savedFields(arrays.slice(0, nameArrayCount)),
    fields: savedFields(arrays.slice(farFrom + farNames.length)),
    far: new Map(farNames.map((name, i) => [name, arrays[farFrom + i] as Uint8Array])),
  };
}

function savedFields(all: readonly StateArray[]): SavedFields {
  const [numbers, ...arrays] = all;
  return { numbers: numbers as Float64Array, arrays };
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

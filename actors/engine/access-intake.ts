/** From single accesses and foreign batches to batches of the engine's own log: names to ids, times that never go back. */

import { AnteroomError } from '../../engine/errors.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { ABSENT, AccessBatch, isTime, TIME_MS_MAX } from '../../streams/access-batch.ts';
import type { AddressSpace } from '../../streams/address-space.ts';
import type { NameInterner } from '../../streams/name-table.ts';
import { Operation, type OperationName } from '../../streams/operation.ts';
import type { EngineNames } from './engine-names.ts';

/** One read (or write) as an application knows it. */
export interface Access {
  /** A name, or a dense id of `names.segments`. */
  readonly segment: string | number;
  /** Milliseconds of event time. Absent: the engine's clock where there is one, else no time. */
  readonly timeMs?: number;
  /** Who reads; a name or a dense id. Absent: nobody in particular. */
  readonly consumer?: string | number;
  readonly site?: string | number;
  /** Default `read`. */
  readonly op?: OperationName;
  /** Bytes; absent = unknown. */
  readonly size?: number;
  /** How many accesses it stands for. Default 1. */
  readonly weight?: number;
  /** Of the segment, as its origin has it now; another than was said last ends every copy. Absent: nothing is said. */
  readonly version?: string | number;
}

/** Accesses that were not taken as they came, by reason. */
export interface IntakeCounts {
  /** Times that went back and were set to the latest before them. */
  readonly clampedTimes: number;
  /** Accesses passed over because `segmentsMax` segments are known. */
  readonly segmentsRefused: number;
  /** Accesses taken as of nobody because `consumersMax` consumers are known. */
  readonly consumersRefused: number;
}

export interface IntakeOptions {
  readonly names: EngineNames;
  /** Ids of segments must stay below it. */
  readonly segmentsMax: number;
  /** The same for consumers and sites. */
  readonly consumersMax: number;
  /** Where segments are addresses; null = their names mean nothing. */
  readonly addresses: AddressSpace | null;
  /** Instant of an access that says none; NaN = none. */
  readonly now: () => number;
}

const EXPECTED_TIME = `milliseconds, at most ${TIME_MS_MAX} from the epoch`;
const EXPECTED_SIZE = 'whole bytes from 0 on, or -1';

/** Fractions would not add up to what they were added from, and a cache could wait for ever for the rest of one. */
function isSize(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= -1;
}

/** Checks and numbers accesses. A refused call changes nothing but the names that are known. */
export class AccessIntake {
  readonly #options: IntakeOptions;
  #latestMs = Number.NaN;
  #clampedTimes = 0;
  #segmentsRefused = 0;
  #consumersRefused = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get counts(): IntakeCounts {
    return {
      clampedTimes: this.#clampedTimes,
      segmentsRefused: this.#segmentsRefused,
      consumersRefused: this.#consumersRefused,
    };
  }

  /** The id of a segment's name, new or known; -1 where `segmentsMax` are known. */
  idOf(name: string): number {
    return intern(this.#options.names.segments, name);
  }

  /** Times go on from there. */
  resume(latestMs: number): void {
    this.#latestMs = latestMs;
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.#latestMs = fields.number(this.#latestMs);
    this.#clampedTimes = fields.number(this.#clampedTimes);
    this.#segmentsRefused = fields.number(this.#segmentsRefused);
    this.#consumersRefused = fields.number(this.#consumersRefused);
  }

  /**
   * The access as a batch of one row at `position`; null = passed over.
   * @throws AnteroomError 'bad-record' naming the field, 'unsupported' where segments are addresses and this one is none.
   */
  one(access: Access, position: number): AccessBatch | null {
    if (typeof access !== 'object' || access === null) throw bad('access', 'an object', access);
    const { timeMs, op = 'read', size = -1, weight = 1 } = access;
    if (timeMs !== undefined && !isTime(timeMs)) throw bad('timeMs', EXPECTED_TIME, timeMs);
    if (!Object.hasOwn(Operation, op)) throw bad('op', Object.keys(Operation).join(', '), op);
    if (!isSize(size)) throw bad('size', EXPECTED_SIZE, size);
    if (!(Number.isFinite(weight) && weight >= 1)) throw bad('weight', 'a count from 1 on', weight);
    const consumer = this.#consumer(access.consumer);
    const site = this.#site(access.site);
    const segment = this.#segment(access.segment);
    if (segment < 0) return null;
    this.#mustBeAddress(segment);
    return new AccessBatch(position, {
      timeMs: Float64Array.of(this.#time(timeMs ?? this.#options.now())),
      segment: Uint32Array.of(segment),
      consumer: Int32Array.of(consumer),
      site: Int32Array.of(site),
      op: Uint8Array.of(Operation[op]),
      size: Float64Array.of(size),
      weight: Float64Array.of(weight),
    });
  }

  /**
   * A batch at `position`, whatever position it had. Its ids must be those of the engine's names.
   * @throws AnteroomError 'bad-record' for an id beyond `segmentsMax` and a time or size out of range, and as `one` for what is no address.
   */
  batch(batch: AccessBatch, position: number): AccessBatch {
    const { segmentsMax } = this.#options;
    const { segment, timeMs: said, size } = batch;
    for (let i = 0; i < batch.length; i++) {
      if (!isTime(said[i]!) && !Number.isNaN(said[i]!)) throw bad(`timeMs of row ${i}`, EXPECTED_TIME, said[i]!);
      if (!isSize(size[i]!)) throw bad(`size of row ${i}`, EXPECTED_SIZE, size[i]!);
      if (segment[i]! >= segmentsMax) throw bad(`segment of row ${i}`, `an id below ${segmentsMax}`, segment[i]!);
      this.#mustBeAddress(segment[i]!);
    }
    const consumer = this.#known(batch.consumer);
    const timeMs = this.#times(batch.timeMs);
    if (timeMs === batch.timeMs && consumer === batch.consumer && position === batch.position) return batch;
    return batch.with({ timeMs, consumer }, position);
  }

  /** The column itself where all of its consumers are known. */
  #known(column: Int32Array): Int32Array {
    const { consumersMax } = this.#options;
    let consumers = column;
    for (let i = 0; i < column.length; i++) {
      if (column[i]! < consumersMax) continue;
      if (consumers === column) consumers = column.slice();
      consumers[i] = ABSENT;
      this.#consumersRefused++;
    }
    return consumers;
  }

  #time(timeMs: number): number {
    if (timeMs < this.#latestMs) {
      this.#clampedTimes++;
      return this.#latestMs;
    }
    if (!Number.isNaN(timeMs)) this.#latestMs = timeMs;
    return timeMs;
  }

  /** The column itself where nothing needs a change. */
  #times(column: Float64Array): Float64Array {
    const fill = this.#options.now();
    let times = column;
    for (let i = 0; i < column.length; i++) {
      const said = Number.isNaN(column[i]!) ? fill : column[i]!;
      const time = this.#time(said);
      if (time === column[i] || Number.isNaN(time)) continue;
      if (times === column) times = column.slice();
      times[i] = time;
    }
    return times;
  }

  #segment(segment: string | number): number {
    const { names, segmentsMax } = this.#options;
    if (typeof segment === 'number') {
      if (!Number.isInteger(segment) || segment < 0 || segment >= segmentsMax) {
        throw bad('segment', `a name or an id below ${segmentsMax}`, segment);
      }
      return segment;
    }
    if (typeof segment !== 'string') throw bad('segment', 'a name or a dense id', segment);
    const id = intern(names.segments, segment);
    if (id < 0) this.#segmentsRefused++;
    return id;
  }

  #consumer(consumer: string | number | undefined): number {
    if (consumer === undefined) return ABSENT;
    if (typeof consumer === 'number') return this.#denseId('consumer', consumer);
    if (typeof consumer !== 'string') throw bad('consumer', 'a name or a dense id', consumer);
    const id = intern(this.#options.names.consumers, consumer);
    if (id < 0) this.#consumersRefused++;
    return id;
  }

  #site(site: string | number | undefined): number {
    if (site === undefined) return ABSENT;
    if (typeof site !== 'number' && typeof site !== 'string') throw bad('site', 'a name or a dense id', site);
    return typeof site === 'number' ? this.#denseId('site', site) : intern(this.#options.names.sites, site);
  }

  /** Found out later, it would be the fault of an actor, and end the engine. */
  #mustBeAddress(segment: number): void {
    this.#options.addresses?.addressOf(segment);
  }

  #denseId(field: string, id: number): number {
    const { consumersMax } = this.#options;
    if (!Number.isInteger(id) || id < ABSENT || id >= consumersMax)
      throw bad(field, `a name or an id below ${consumersMax}`, id);
    return id;
  }
}

/** The id of a name, or -1 where the table is full. */
function intern(names: NameInterner, name: string): number {
  try {
    return names.internString(name);
  } catch (error) {
    if (error instanceof AnteroomError && error.code === 'limit') return -1;
    throw error;
  }
}

function bad(field: string, expected: string, found: unknown): AnteroomError {
  return new AnteroomError(
    'bad-record',
    `${field}: expected ${expected}, found ${JSON.stringify(found) ?? String(found)}`,
    {
      context: { field },
    },
  );
}

/** The log in an LMDB file: acknowledged means that it survives the process and the machine. */

import type { Database, Key, RootDatabase } from 'lmdb';
import { assert } from '../assert.ts';
import { parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import { eventLoopRound } from '../host/turns.ts';
import { logFull, outOfLog, planAppends } from './append-plan.ts';
import { openLmdb } from './lmdb-environment.ts';
import { isDiskFull, LmdbRoom } from './lmdb-room.ts';
import { type LmdbChange, LmdbWriter } from './lmdb-writer.ts';
import { damaged, decodeEntry, HEADER_BYTES, SUM_AT } from './log-entry.ts';
import type { LogAppend, LogEntry, LogFacts, LogReceipt, LogStore } from './log-store.ts';
import { type LogStoreConfig, logStoreSchema } from './log-store-config.ts';
import { ProducerWindows } from './producer-windows.ts';

export interface LmdbLogOptions {
  /** Folder of the log. */
  readonly path: string;
  readonly config?: Partial<LogStoreConfig>;
  /** The log must be there already. Default false: an empty one is made. */
  readonly mustExist?: boolean;
  /** `checkLmdb` was just called for it. */
  readonly isChecked?: boolean;
}

interface LogDatabases {
  readonly entries: Database<Uint8Array, number>;
  readonly producers: Database<Uint8Array, string>;
  readonly numbers: Database<Uint8Array, string>;
}

/** Entries read or trimmed before others get a turn. */
const ENTRIES_PER_TURN = 64;

/**
 * Entries by position, producers' windows, and a few numbers, all written in one transaction a call, by a thread of its own: meanwhile
 * appends that wait gather for the next one. Calls that write take turns. Reading is done here.
 */
export class LmdbLogStore implements LogStore {
  readonly #config: LogStoreConfig;
  readonly #environment: RootDatabase<Uint8Array, Key>;
  readonly #entries: Database<Uint8Array, number>;
  readonly #producers: Database<Uint8Array, string>;
  readonly #numbers: Database<Uint8Array, string>;
  readonly #writer: LmdbWriter;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #windows: ProducerWindows;
  #start = 0;
  #end = 0;
  #bytes = 0;
  #entryCount = 0;
  #isClosed = false;

  /** @throws AnteroomError 'corrupt' for a log that is damaged or incomplete, 'io', 'missing-library', 'bad-config'. */
  static async open(options: LmdbLogOptions): Promise<LmdbLogStore> {
    const config = parseConfig(logStoreSchema, options.config ?? {}, 'log');
    const environment = await openLmdb({
      path: options.path,
      what: 'log',
      ...(options.mustExist === undefined ? {} : { mustExist: options.mustExist }),
      ...(options.isChecked === undefined ? {} : { isChecked: options.isChecked }),
    });
    let writer: LmdbWriter | null = null;
    try {
      const databases = {
        entries: environment.openDB<Uint8Array, number>({ name: 'entries', encoding: 'binary' }),
        producers: environment.openDB<Uint8Array, string>({ name: 'producers', encoding: 'binary' }),
        numbers: environment.openDB<Uint8Array, string>({ name: 'numbers', encoding: 'binary' }),
      };
      const room = new LmdbRoom('log', options.path, environment, Object.values(databases));
      writer = await LmdbWriter.start(options.path, 'log', room);
      return new LmdbLogStore(environment, databases, writer, config);
    } catch (error) {
      await writer?.close();
      await environment.close();
      throw error;
    }
  }

  private constructor(
    environment: RootDatabase<Uint8Array, Key>,
    { entries, producers, numbers }: LogDatabases,
    writer: LmdbWriter,
    config: LogStoreConfig,
  ) {
    this.#config = config;
    this.#environment = environment;
    this.#writer = writer;
    this.#entries = entries;
    this.#producers = producers;
    this.#numbers = numbers;
    this.#windows = new ProducerWindows(config.sequenceWindow, config.producersMax);
    this.#load();
  }

  get facts(): LogFacts {
    return {
      start: this.#start,
      end: this.#end,
      entryCount: this.#entryCount,
      bytes: this.#bytes,
      producerCount: this.#windows.count,
      producersForgotten: this.#windows.forgottenCount,
    };
  }

  append(appends: readonly LogAppend[]): Promise<readonly LogReceipt[]> {
    assert(!this.#isClosed, 'the log is closed');
    return this.#inTurn(() => this.#append(appends));
  }

  probe(bytes: number): Promise<void> {
    assert(!this.#isClosed, 'the log is closed');
    return this.#inTurn(async () => {
      if (this.#bytes + bytes > this.#config.bytesMax) throw logFull(this.#config.bytesMax, this.#bytes);
      // A commit of its own each, or the pages would never have to reach the disk.
      const change = { database: 'numbers', key: 'probe' };
      await this.#writer.commit('probe', [{ ...change, value: new Uint8Array(bytes) }]);
      // Not removed at once: what a commit frees is used from the next but one on.
      await this.#writer.commit('probe', [{ ...change, value: new Uint8Array(1) }], bytes);
      await this.#writer.commit('probe', [{ ...change, value: null }], 1);
    });
  }

  async *read(position: number): AsyncGenerator<LogEntry> {
    if (position < this.#start || position > this.#end) throw outOfLog(position, this.#start, this.#end);
    if (position === this.#end) return;
    // What the writing thread has committed since the last read here.
    this.#environment.resetReadTxn();
    const first = [...this.#entries.getKeys({ start: position, reverse: true, limit: 1 })][0];
    if (first === undefined) throw damaged(position, 'it is missing');
    let at = first;
    while (at < this.#end) {
      const batch = [...this.#entries.getRange({ start: at, limit: ENTRIES_PER_TURN })];
      if (batch.length === 0) throw damaged(at, 'it is missing');
      for (const { key, value } of batch) {
        if (key !== at) throw damaged(at, 'it is missing');
        const entry = decodeEntry(at, value);
        at += entry.units;
        yield entry;
      }
      await eventLoopRound();
    }
  }

  trim(position: number): Promise<void> {
    return this.#inTurn(() => this.#trim(position));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turn;
    await this.#writer.close();
    await this.#environment.close();
  }

  async #trim(position: number): Promise<void> {
    for (;;) {
      const startBefore = this.#start;
      const fault = await faultIfFull(this.#trimTurns(position));
      if (this.#start === startBefore) {
        if (fault !== null) throw fault;
        return;
      }
      // What a commit frees is used from the next but one on: on a full disk nothing else would be that one.
      const numbers = this.#numbersOf(this.#start, this.#end, this.#bytes);
      await faultIfFull(this.#writer.commit('trim', [numbers], numbers.value!.length));
      if (fault === null) return;
    }
  }

  async #trimTurns(position: number): Promise<void> {
    while (this.#start < Math.min(position, this.#end)) {
      this.#environment.resetReadTxn();
      const doomed: number[] = [];
      let start = this.#start;
      let bytes = 0;
      for (const { key, value } of this.#entries.getRange({ start, limit: ENTRIES_PER_TURN })) {
        const next = key + new DataView(value.buffer, value.byteOffset).getUint32(4, true);
        if (next > position) break;
        doomed.push(key);
        bytes += value.length;
        start = next;
      }
      if (doomed.length === 0) return;
      const changes: LmdbChange[] = doomed.map((key) => ({ database: 'entries', key, value: null }));
      changes.push(this.#numbersOf(start, this.#end, this.#bytes - bytes));
      await this.#writer.commit('trim', changes, bytes);
      this.#start = start;
      this.#bytes -= bytes;
      this.#entryCount -= doomed.length;
      await eventLoopRound();
    }
  }

  async #append(appends: readonly LogAppend[]): Promise<readonly LogReceipt[]> {
    const windows = this.#windows;
    const forgottenBefore = windows.forgottenCount;
    const plan = planAppends(appends, windows, this.#start, this.#end);
    if (plan.entries.length === 0) return plan.receipts;
    try {
      if (this.#bytes + plan.bytes > this.#config.bytesMax) throw logFull(this.#config.bytesMax, this.#bytes);
      await this.#writer.commit('append', [
        ...plan.entries.map(({ position, bytes }) => ({ database: 'entries', key: position, value: bytes, sum: SUM })),
        ...[...plan.before.keys()].map((producer) => ({
          database: 'producers',
          key: producer,
          value: windows.has(producer) ? windows.encode(producer) : null,
        })),
        this.#numbersOf(this.#start, plan.end, this.#bytes + plan.bytes),
      ]);
    } catch (error) {
      windows.restore(plan.before, forgottenBefore);
      throw error;
    }
    this.#end = plan.end;
    this.#bytes += plan.bytes;
    this.#entryCount += plan.entries.length;
    return plan.receipts;
  }

  /** Runs `write` when those before it have ended, however they did. */
  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(write);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #numbersOf(start: number, end: number, bytes: number): LmdbChange {
    const numbers = Float64Array.of(LAYOUT, start, end, bytes, this.#windows.forgottenCount);
    return { database: 'numbers', key: 'log', value: new Uint8Array(numbers.buffer) };
  }

  #load(): void {
    const stored = this.#numbers.get('log');
    const firstKey = [...this.#entries.getKeys({ limit: 1 })][0];
    if (stored === undefined) {
      if (firstKey !== undefined) throw new AnteroomError('corrupt', 'log: damaged: it has entries and no bounds');
      return;
    }
    if (stored.length !== 40) throw new AnteroomError('corrupt', 'log: damaged: its bounds are no numbers');
    const [layout, start, end, bytes, forgotten] = new Float64Array(stored.slice().buffer) as unknown as number[];
    if (layout !== LAYOUT)
      throw new AnteroomError('unsupported', `log: layout ${layout} is not known here: expected ${LAYOUT}`);
    this.#start = start!;
    this.#end = end!;
    this.#bytes = bytes!;
    this.#entryCount = this.#entries.getKeysCount();
    if ((firstKey ?? end) !== start) throw damaged(start!, 'it is missing');
    const last = [...this.#entries.getRange({ reverse: true, limit: 1 })][0];
    if (last !== undefined) {
      const entry = decodeEntry(last.key, last.value);
      if (entry.position + entry.units !== end) throw damaged(entry.position + entry.units, 'it is missing');
    }
    this.#loadWindows(forgotten!);
  }

  #loadWindows(forgottenCount: number): void {
    const stored = [...this.#producers.getRange({})].map(({ key, value }) => ({ key, value: value.slice() }));
    const endOf = (bytes: Uint8Array): number =>
      bytes.length < 16 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getFloat64(8, true);
    stored.sort((a, b) => endOf(a.value) - endOf(b.value));
    for (const { key, value } of stored) this.#windows.decode(key, value);
    this.#windows.forgottenCount = forgottenCount;
  }
}

async function faultIfFull(writing: Promise<void>): Promise<unknown> {
  try {
    await writing;
    return null;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return error;
  }
}

const LAYOUT = 1;
const SUM = { at: SUM_AT, from: HEADER_BYTES };

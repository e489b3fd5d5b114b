/** A log in memory: for tests, simulation, and nodes that may forget. */

import { assert } from '../assert.ts';
import { parseConfig } from '../config.ts';
import { logFull, outOfLog, planAppends } from './append-plan.ts';
import { damaged, decodeEntry, sealEntry } from './log-entry.ts';
import type { LogAppend, LogEntry, LogFacts, LogReceipt, LogStore } from './log-store.ts';
import { type LogStoreConfig, logStoreSchema } from './log-store-config.ts';
import { ProducerWindows } from './producer-windows.ts';

/** What outlives the process of a store in memory, so that tests can crash one and open another on it. */
export class MemoryDisk {
  /** Entries as written, by position. Tests may damage them. */
  readonly entries = new Map<number, Uint8Array>();
  readonly producers = new Map<string, Uint8Array>();
  start = 0;
  end = 0;
  /** Appends fail as on a full disk while this is true. */
  isFull = false;
}

export class MemoryLogStore implements LogStore {
  readonly #config: LogStoreConfig;
  readonly #disk: MemoryDisk;
  readonly #windows: ProducerWindows;
  #bytes = 0;
  #isClosed = false;

  constructor(options: { readonly config?: Partial<LogStoreConfig>; readonly disk?: MemoryDisk } = {}) {
    this.#config = parseConfig(logStoreSchema, options.config ?? {}, 'log');
    this.#disk = options.disk ?? new MemoryDisk();
    this.#windows = new ProducerWindows(this.#config.sequenceWindow, this.#config.producersMax);
    for (const [producer, bytes] of this.#disk.producers) this.#windows.decode(producer, bytes);
    for (const entry of this.#disk.entries.values()) this.#bytes += entry.length;
  }

  get facts(): LogFacts {
    const { start, end, entries } = this.#disk;
    return {
      start,
      end,
      entryCount: entries.size,
      bytes: this.#bytes,
      producerCount: this.#windows.count,
      producersForgotten: this.#windows.forgottenCount,
    };
  }

  append(appends: readonly LogAppend[]): Promise<readonly LogReceipt[]> {
    assert(!this.#isClosed, 'the log is closed');
    return Promise.resolve().then(() => this.#append(appends));
  }

  probe(bytes: number): Promise<void> {
    const { bytesMax } = this.#config;
    const isFull = this.#disk.isFull || this.#bytes + bytes > bytesMax;
    return isFull ? Promise.reject(logFull(bytesMax, this.#bytes)) : Promise.resolve();
  }

  async *read(position: number): AsyncGenerator<LogEntry> {
    const disk = this.#disk;
    if (position < disk.start || position > disk.end) throw outOfLog(position, disk.start, disk.end);
    let at = disk.start;
    for (const key of [...disk.entries.keys()]) if (key <= position && key > at) at = key;
    while (at < disk.end) {
      const bytes = disk.entries.get(at);
      if (bytes === undefined) throw damaged(at, 'it is missing');
      const entry = decodeEntry(at, bytes);
      at += entry.units;
      if (at > position) yield entry;
    }
  }

  trim(position: number): Promise<void> {
    const disk = this.#disk;
    for (const [at, bytes] of disk.entries) {
      const next = at + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
      if (next > position) break;
      disk.entries.delete(at);
      disk.start = next;
      this.#bytes -= bytes.length;
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #append(appends: readonly LogAppend[]): readonly LogReceipt[] {
    const disk = this.#disk;
    const { bytesMax } = this.#config;
    const forgottenBefore = this.#windows.forgottenCount;
    const plan = planAppends(appends, this.#windows, disk.start, disk.end);
    if (plan.entries.length === 0) return plan.receipts;
    if (disk.isFull || this.#bytes + plan.bytes > bytesMax) {
      this.#windows.restore(plan.before, forgottenBefore);
      throw logFull(bytesMax, this.#bytes);
    }
    for (const { position, bytes } of plan.entries) {
      sealEntry(bytes);
      disk.entries.set(position, bytes);
    }
    for (const producer of plan.before.keys()) {
      disk.producers.delete(producer);
      if (this.#windows.has(producer)) disk.producers.set(producer, this.#windows.encode(producer));
    }
    disk.end = plan.end;
    this.#bytes += plan.bytes;
    return plan.receipts;
  }
}

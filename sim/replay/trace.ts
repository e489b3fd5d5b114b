/** A trace made ready for replay: decoded once, interned, and put aside on disk so that every run reads the same rows. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { openScratchFile } from '../../engine/host/scratch-file.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { AccessBatchBuilder } from '../../streams/access-batch-builder.ts';
import type { SourceSummary } from '../../streams/access-sink.ts';
import { AddressTable } from '../../streams/address-table.ts';
import type { FormatOptions } from '../../streams/format.ts';
import { Interner } from '../../streams/interner.ts';
import { openSource } from '../../streams/sources/open.ts';
import { BatchSpool } from '../../streams/spool.ts';
import { chooseWorkload, generateBatches } from '../workloads/index.ts';
import { NextAccesses } from './future.ts';

/** How to read a trace. */
export interface TraceOptions {
  readonly format?: string;
  readonly formatOptions?: FormatOptions;
  readonly isLenient?: boolean;
  readonly limit?: number;
  readonly rowsMax?: number;
  readonly seed: number;
  /** Unit in bytes of segments that are addresses; null = as the format says. */
  readonly addressBytes: number | null;
  /** Told now and then how far reading is: bytes of the file (null = unknown) and accesses. */
  readonly onProgress?: (bytesRead: number | null, bytesTotal: number | null, accesses: number) => void;
}

/** What is known of a trace after its first pass. */
export interface TraceFacts {
  readonly accessCount: number;
  readonly segmentCount: number;
  readonly consumerCount: number;
  /** Sum of the sizes of all accesses. */
  readonly requestedBytes: number;
  /** Sum of the first-seen sizes of the distinct segments. */
  readonly footprintBytes: number;
  readonly timeSpanMs: readonly [number, number] | null;
}

/**
 * The rows lie in a scratch file that is deleted by `close`; in memory are the names and one size a segment, so memory grows
 * with distinct segments and consumers, not with accesses.
 */
export class Trace {
  readonly name: string;
  readonly format: string;
  readonly facts: TraceFacts;
  readonly summary: SourceSummary;
  readonly segments: Interner;
  readonly consumers: Interner;
  /** Segments as addresses, or null where ids are opaque. */
  readonly addresses: AddressTable | null;
  readonly #spool: BatchSpool;
  readonly #next = new Map<WritePolicy, NextAccesses>();

  private constructor(fields: {
    name: string;
    format: string;
    facts: TraceFacts;
    summary: SourceSummary;
    segments: Interner;
    consumers: Interner;
    addressBytes: number | null;
    spool: BatchSpool;
  }) {
    this.name = fields.name;
    this.format = fields.format;
    this.facts = fields.facts;
    this.summary = fields.summary;
    this.segments = fields.segments;
    this.consumers = fields.consumers;
    this.#spool = fields.spool;
    this.addresses = fields.addressBytes === null ? null : new AddressTable(fields.segments, fields.addressBytes);
  }

  /**
   * Reads a file, standard input (`-`) or a built-in workload (`workload:NAME,parameter=value,...`) to its end.
   * @throws AnteroomError as the reader does; 'bad-record' for a trace without a single access.
   */
  static async open(name: string, options: TraceOptions): Promise<Trace> {
    const source = name.startsWith(WORKLOAD_PREFIX) ? openWorkload(name, options) : await openFile(name, options);
    const spool = new BatchSpool(await openScratchFile());
    try {
      const census = new Census();
      for await (const batch of source.batches) {
        census.add(batch);
        await spool.append(batch);
        const { bytesRead, bytesTotal } = source.progress();
        options.onProgress?.(bytesRead, bytesTotal, census.accessCount);
      }
      const summary = source.summary();
      if (census.accessCount === 0) {
        throw new AnteroomError(
          'bad-record',
          `${name}: expected at least one access, found none${skippedText(summary)}`,
          {
            context: { file: name },
          },
        );
      }
      const { segments, consumers } = source;
      return new Trace({
        name,
        format: source.format,
        facts: census.facts(segments.count, consumers.count),
        summary,
        segments,
        consumers,
        addressBytes: options.addressBytes ?? source.addressBytes,
        spool,
      });
    } catch (error) {
      await spool.close();
      throw error;
    }
  }

  /** All batches in order. */
  batches(): AsyncIterable<AccessBatch> {
    return this.#spool.forward();
  }

  /** The next access of each access; built on first use, once for each write policy. */
  async nextAccesses(writes: WritePolicy): Promise<NextAccesses> {
    let next = this.#next.get(writes);
    if (next === undefined) {
      next = await NextAccesses.build(this.#spool.backward(), this.facts.segmentCount, writes, await openScratchFile());
      this.#next.set(writes, next);
    }
    return next;
  }

  async close(): Promise<void> {
    for (const next of this.#next.values()) await next.close();
    await this.#spool.close();
  }
}

const WORKLOAD_PREFIX = 'workload:';

interface OpenedRows {
  readonly batches: AsyncIterable<AccessBatch> | Iterable<AccessBatch>;
  progress(): { readonly bytesRead: number | null; readonly bytesTotal: number | null };
  summary(): SourceSummary;
  readonly format: string;
  readonly segments: Interner;
  readonly consumers: Interner;
  readonly addressBytes: number | null;
}

async function openFile(name: string, options: TraceOptions): Promise<OpenedRows> {
  const segments = new Interner();
  const consumers = new Interner({ countHint: 16 });
  const source = await openSource(name, {
    format: options.format ?? 'auto',
    lenient: options.isLenient ?? false,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
    ...options.formatOptions,
    seed: options.seed,
    segments,
    consumers,
  });
  return {
    batches: source.batches,
    progress: () => source.progress(),
    summary: () => source.summary(),
    format: source.format,
    segments,
    consumers,
    addressBytes: source.addressBytes,
  };
}

function openWorkload(name: string, options: TraceOptions): OpenedRows {
  const [kind, ...settings] = name.slice(WORKLOAD_PREFIX.length).split(',');
  const parameters: Record<string, unknown> = {};
  for (const setting of settings) {
    const [key, value] = setting.split('=');
    if (key === undefined || value === undefined || value === '' || !Number.isFinite(Number(value))) {
      throw new AnteroomError('bad-usage', `${name}: expected parameter=number, found "${setting}"`);
    }
    parameters[key] = Number(value);
  }
  const chosen = chooseWorkload(kind ?? '', parameters);
  const segments = new Interner();
  const consumers = new Interner({ countHint: 16 });
  const builder = new AccessBatchBuilder({
    file: name,
    segments,
    consumers,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
  });
  return {
    batches: generateBatches(chosen, options.seed, builder),
    progress: () => ({ bytesRead: null, bytesTotal: null }),
    summary: () => builder.summary(),
    format: 'workload',
    segments,
    consumers,
    addressBytes: chosen.workload.addressBytes,
  };
}

/** Counts what a replay must know before it starts. */
class Census {
  accessCount = 0;
  #requestedBytes = 0;
  #footprintBytes = 0;
  #firstMs = Number.NaN;
  #lastMs = Number.NaN;
  #isSized = new Uint8Array(1024);

  add(batch: AccessBatch): void {
    const { segment, size, timeMs, length } = batch;
    this.accessCount += length;
    for (let i = 0; i < length; i++) {
      const bytes = size[i]!;
      if (bytes < 0) continue;
      this.#requestedBytes += bytes;
      const id = segment[i]!;
      if (id >= this.#isSized.length) {
        const larger = new Uint8Array(Math.max(id + 1, this.#isSized.length * 2));
        larger.set(this.#isSized);
        this.#isSized = larger;
      }
      if (this.#isSized[id] === 0) {
        this.#isSized[id] = 1;
        this.#footprintBytes += bytes;
      }
    }
    for (let i = 0; i < length && Number.isNaN(this.#firstMs); i++) this.#firstMs = timeMs[i]!;
    for (let i = length - 1; i >= 0; i--) {
      if (Number.isNaN(timeMs[i]!)) continue;
      this.#lastMs = timeMs[i]!;
      break;
    }
  }

  facts(segmentCount: number, consumerCount: number): TraceFacts {
    assert(segmentCount > 0, 'a trace with accesses has segments');
    return {
      accessCount: this.accessCount,
      segmentCount,
      consumerCount,
      requestedBytes: this.#requestedBytes,
      footprintBytes: this.#footprintBytes,
      timeSpanMs: Number.isNaN(this.#firstMs) ? null : [this.#firstMs, this.#lastMs],
    };
  }
}

function skippedText(summary: SourceSummary): string {
  const parts = [...summary.skipped].map(([reason, count]) => `${count} ${reason}`);
  if (summary.rejectedCount > 0) parts.push(`${summary.rejectedCount} refused`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** A trace made ready for replay: decoded once, interned, and put aside on disk so that every run reads the same rows. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { elapsedMs } from '../../engine/host/process-usage.ts';
import { openScratchFile } from '../../engine/host/scratch-file.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { AccessBatchBuilder } from '../../streams/access-batch-builder.ts';
import type { SourceSummary } from '../../streams/access-sink.ts';
import { AddressTable } from '../../streams/address-table.ts';
import type { FormatOptions } from '../../streams/format.ts';
import { Interner } from '../../streams/interner.ts';
import type { NameTable } from '../../streams/name-table.ts';
import { type OpenedSource, openSource } from '../../streams/sources/open.ts';
import { BatchSpool, type SharedSpool } from '../../streams/spool.ts';
import { chooseWorkload, generateBatches } from '../workloads/index.ts';
import { isDemand, NextAccesses } from './future.ts';

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
  /** Ids given out: records that were refused may have named segments that no access does. */
  readonly segmentCount: number;
  /** Segments that are accessed. */
  readonly distinctCount: number;
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
  /** Names of the sites; one that no row names is not here. */
  readonly sites: NameTable;
  /** Sizes of the log that are no bytes, as a person says it (`processors`); they were left out. Null where sizes are bytes. */
  readonly foreignSizes: string | null;
  /** How long reading took. */
  readonly readSeconds: number;
  readonly #spool: BatchSpool;
  readonly #next = new Map<WritePolicy, NextAccesses>();

  private constructor(fields: {
    name: string;
    format: string;
    facts: TraceFacts;
    summary: SourceSummary;
    segments: Interner;
    consumers: Interner;
    sites: NameTable;
    addressBytes: number | null;
    foreignSizes: string | null;
    readSeconds: number;
    spool: BatchSpool;
  }) {
    this.name = fields.name;
    this.format = fields.format;
    this.facts = fields.facts;
    this.summary = fields.summary;
    this.segments = fields.segments;
    this.consumers = fields.consumers;
    this.sites = fields.sites;
    this.foreignSizes = fields.foreignSizes;
    this.readSeconds = fields.readSeconds;
    this.#spool = fields.spool;
    this.addresses = fields.addressBytes === null ? null : new AddressTable(fields.segments, fields.addressBytes);
  }

  /**
   * Reads a file, standard input (`-`) or a built-in workload (`workload:NAME,parameter=value,...`) to its end.
   * @throws AnteroomError as the reader does; 'bad-record' for a trace without a single access.
   */
  static async open(name: string, options: TraceOptions): Promise<Trace> {
    const startedMs = elapsedMs();
    const source = name.startsWith(WORKLOAD_PREFIX) ? openWorkload(name, options) : await openFile(name, options);
    const spool = new BatchSpool(await openScratchFile());
    const foreignSizes = FOREIGN_SIZES[source.format] ?? null;
    try {
      const census = new Census();
      for await (const read of source.batches) {
        const batch = foreignSizes === null ? read : withoutSizes(read);
        census.add(batch);
        await spool.append(batch);
        const { bytesRead, bytesTotal } = source.progress();
        options.onProgress?.(bytesRead, bytesTotal, census.accessCount);
      }
      const summary = foreignSizes === null ? source.summary() : { ...source.summary(), hasSize: false };
      if (census.accessCount === 0) {
        throw new AnteroomError(
          'bad-record',
          `${name === '-' ? '<stdin>' : name}: expected at least one access, found none${skippedText(summary)}`,
          {
            context: { file: name },
          },
        );
      }
      const { segments, consumers, sites } = source;
      const addressBytes = options.addressBytes ?? source.addressBytes;
      if (addressBytes !== null) checkAddresses(name, new AddressTable(segments, addressBytes), segments, census);
      return new Trace({
        name,
        format: source.format,
        facts: census.facts(segments.count, consumers.count),
        summary,
        segments,
        consumers,
        sites,
        addressBytes,
        foreignSizes,
        readSeconds: (elapsedMs() - startedMs) / 1000,
        spool,
      });
    } catch (error) {
      await spool.close();
      throw error;
    }
  }

  /** What counts of it: demands at log position `from` and later, their distinct segments and their bytes. */
  async countDemands(from: number, writes: WritePolicy): Promise<{ segments: number; bytes: number }> {
    if (from === 0 && writes === 'access') {
      return { segments: this.facts.distinctCount, bytes: this.facts.requestedBytes };
    }
    const isSeen = new Uint8Array(this.facts.segmentCount);
    let segments = 0;
    let bytes = 0;
    for await (const batch of this.batches()) {
      for (let i = Math.max(0, from - batch.position); i < batch.length; i++) {
        if (!isDemand(batch.op[i]!, writes)) continue;
        const segment = batch.segment[i]!;
        if (isSeen[segment] === 0) segments++;
        isSeen[segment] = 1;
        if (batch.size[i]! > 0) bytes += batch.size[i]!;
      }
    }
    return { segments, bytes };
  }

  /** All batches in order. */
  batches(): AsyncIterable<AccessBatch> {
    return this.#spool.forward();
  }

  /** Its rows, for a thread that reads them beside this one; the trace must stay open for as long. */
  shareRows(): SharedSpool {
    return this.#spool.share();
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

/** Refused before the replay: in its midst a name that is no number would look like a fault of an actor. */
function checkAddresses(name: string, table: AddressTable, segments: Interner, census: Census): void {
  try {
    table.check(segments.count, (segment) => census.isAccessed(segment));
  } catch (cause) {
    if (!(cause instanceof AnteroomError)) throw cause;
    throw new AnteroomError('unsupported', `${name}: --addresses: ${cause.message}`, {
      context: { ...cause.context, file: name },
      cause,
    });
  }
}

/** Built-in workloads are named so instead of by a path. */
export const WORKLOAD_PREFIX = 'workload:';

/** Formats whose size column holds something else than bytes: what it is. Caches and prices of bytes would be nonsense. */
const FOREIGN_SIZES: Readonly<Record<string, string>> = { swf: 'processors' };

function withoutSizes(batch: AccessBatch): AccessBatch {
  return batch.with({ size: new Float64Array(batch.length).fill(-1) });
}

interface OpenedRows {
  readonly batches: AsyncIterable<AccessBatch> | Iterable<AccessBatch>;
  progress(): { readonly bytesRead: number | null; readonly bytesTotal: number | null };
  summary(): SourceSummary;
  readonly format: string;
  readonly segments: Interner;
  readonly consumers: Interner;
  readonly sites: NameTable;
  readonly addressBytes: number | null;
}

/**
 * Checks that a trace can be opened and its format recognised, without reading it: of what can be opened only once nothing is
 * read at all.
 * @param checkReadable says whether a path is a regular file, and throws where it cannot be read.
 * @throws AnteroomError as `Trace.open` does before its first row.
 */
export async function probeTrace(
  name: string,
  options: TraceOptions,
  checkReadable: (path: string) => Promise<boolean>,
): Promise<void> {
  if (name.startsWith(WORKLOAD_PREFIX)) {
    chosenWorkload(name);
  } else if (name !== '-' && (await checkReadable(name))) {
    const source = await openLog(name, options, {});
    await source.close();
  }
}

async function openLog(
  name: string,
  options: TraceOptions,
  interners: { readonly segments?: Interner; readonly consumers?: Interner },
): Promise<OpenedSource> {
  try {
    return await openSource(name, {
      format: options.format ?? 'auto',
      lenient: options.isLenient ?? false,
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
      ...options.formatOptions,
      seed: options.seed,
      ...interners,
    });
  } catch (error) {
    // There is nothing to recognise in an empty input, and no option that would help.
    if (error instanceof AnteroomError && error.code === 'unknown-format' && error.message.includes(' is empty')) {
      throw new AnteroomError(
        'bad-record',
        `${name === '-' ? '<stdin>' : name}: expected at least one access, found an empty input`,
        {
          context: { file: name },
          cause: error,
        },
      );
    }
    throw error;
  }
}

async function openFile(name: string, options: TraceOptions): Promise<OpenedRows> {
  const segments = new Interner();
  const consumers = new Interner({ countHint: 16 });
  const source = await openLog(name, options, { segments, consumers });
  return {
    batches: source.batches,
    progress: () => source.progress(),
    summary: () => source.summary(),
    format: source.format,
    segments,
    consumers,
    sites: source.names.sites,
    addressBytes: source.addressBytes,
  };
}

/** @throws AnteroomError 'bad-usage' for a workload or parameter that is not there. */
function chosenWorkload(name: string): ReturnType<typeof chooseWorkload> {
  const [kind, ...settings] = name.slice(WORKLOAD_PREFIX.length).split(',');
  const parameters: Record<string, unknown> = {};
  for (const setting of settings) {
    const [key, value] = setting.split('=');
    if (key === undefined || value === undefined || value === '' || !Number.isFinite(Number(value))) {
      throw new AnteroomError('bad-usage', `${name}: expected parameter=number, found "${setting}"`);
    }
    parameters[key] = Number(value);
  }
  return chooseWorkload(kind ?? '', parameters);
}

function openWorkload(name: string, options: TraceOptions): OpenedRows {
  const chosen = chosenWorkload(name);
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
    sites: builder.sites,
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
  #distinctCount = 0;
  /** By segment: 1 = accessed, 2 = its size is known. */
  #known = new Uint8Array(1024);

  add(batch: AccessBatch): void {
    const { segment, size, timeMs, length } = batch;
    this.accessCount += length;
    for (let i = 0; i < length; i++) {
      const id = segment[i]!;
      if (id >= this.#known.length) {
        const larger = new Uint8Array(Math.max(id + 1, this.#known.length * 2));
        larger.set(this.#known);
        this.#known = larger;
      }
      const known = this.#known[id]!;
      const bytes = size[i]!;
      if (known === 0) this.#distinctCount++;
      if (bytes >= 0) this.#requestedBytes += bytes;
      if (bytes >= 0 && known < 2) this.#footprintBytes += bytes;
      if (known < 2) this.#known[id] = bytes >= 0 ? 2 : 1;
    }
    for (let i = 0; i < length && Number.isNaN(this.#firstMs); i++) this.#firstMs = timeMs[i]!;
    for (let i = length - 1; i >= 0; i--) {
      if (Number.isNaN(timeMs[i]!)) continue;
      this.#lastMs = timeMs[i]!;
      break;
    }
  }

  isAccessed(segment: number): boolean {
    return this.#known[segment]! > 0;
  }

  facts(segmentCount: number, consumerCount: number): TraceFacts {
    assert(segmentCount > 0, 'a trace with accesses has segments');
    return {
      accessCount: this.accessCount,
      segmentCount,
      distinctCount: this.#distinctCount,
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

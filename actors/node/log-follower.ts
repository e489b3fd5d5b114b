/** Tells the engine what the log says, entry by entry: the same way when it is new and when it is replayed. */

import { eventLoopRound } from '../../engine/host/turns.ts';
import type { LogEntry } from '../../engine/state/log-store.ts';
import { ABSENT, AccessBatch } from '../../streams/access-batch.ts';
import { withIds } from '../../streams/codec/named-ids.ts';
import { Interner } from '../../streams/interner.ts';
import type { NameInterner, NameTable } from '../../streams/name-table.ts';
import type { Engine } from '../engine/engine.ts';
import type { ConsumerQuotas } from './consumer-quotas.ts';
import { decodeFrame, namedRowsOf, type PrefetchAnswer } from './log-frame.ts';

export interface FollowerOptions {
  readonly engine: Engine;
  /** Log position of the first entry. */
  readonly position: number;
  /** Default: nobody is limited. */
  readonly quotas?: ConsumerQuotas;
  /** Accesses told before others get their turn. */
  readonly rowsPerTurn: number;
  /** Accesses told in one call: requests come out between calls, so fewer are overtaken by the demands of their own batch. */
  readonly rowsPerCall: number;
  /** Where decisions come later: resolves when everything told has been decided; rejects when it never will be. */
  readonly settle?: () => Promise<void>;
  /** An answer from the log; the follower's owner knows which open request it is for. Null = none any more. */
  readonly openRequest: (segment: string) => { readonly id: number; readonly timeMs: number } | null;
}

/** What was told and what could not be. */
export interface FollowerCounts {
  readonly accesses: number;
  readonly answers: number;
  /** Accesses to segments beyond `engine.segmentsMax`. */
  readonly segmentsRefused: number;
  /** Accesses of consumers beyond `engine.consumersMax`, taken as of nobody. */
  readonly consumersRefused: number;
  readonly answersIgnored: number;
  /** Accesses that are in the log and were not learned from, because their consumers were beyond their quotas. */
  readonly limited: { readonly rate: number; readonly segments: number };
}

/** One entry at a time; the caller awaits each. */
export class LogFollower {
  readonly #options: FollowerOptions;
  #accesses = 0;
  #answers = 0;
  #segmentsRefused = 0;
  #consumersRefused = 0;
  #answersIgnored = 0;
  #watermarkMs = Number.NaN;
  #position = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  get counts(): FollowerCounts {
    return {
      accesses: this.#accesses,
      answers: this.#answers,
      segmentsRefused: this.#segmentsRefused,
      consumersRefused: this.#consumersRefused,
      answersIgnored: this.#answersIgnored,
      limited: this.#options.quotas?.limited ?? { rate: 0, segments: 0 },
    };
  }

  /** Log position of the next entry. */
  get position(): number {
    return this.#position;
  }

  /** Latest event time told; NaN = none yet. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** @throws AnteroomError as `decodeFrame` and the engine do. */
  async apply(entry: LogEntry): Promise<void> {
    const plain = this.#plain(entry.bytes);
    if (plain !== null) {
      await this.#tell(plain);
      this.#position = entry.position + entry.units;
      return;
    }
    const frame = await decodeFrame(entry.bytes);
    if (frame.kind === 'answers') {
      for (const answer of frame.answers) this.#answer(answer);
      this.#position = entry.position + entry.units;
      return;
    }
    for (const batch of frame.batches) await this.#tell(this.#interned(batch, frame.names));
    this.#position = entry.position + entry.units;
  }

  /** The rows with the engine's ids, where they can be had at once and none is refused; null = as `#interned` finds them. */
  #plain(bytes: Uint8Array): AccessBatch | null {
    const { engine, quotas } = this.#options;
    if (quotas?.isOff === false) return null;
    const rows = namedRowsOf(bytes);
    if (rows === null) return null;
    const { segments, consumers, sites, config } = engine;
    const { segmentsMax, consumersMax } = config;
    return withIds(rows, { segments, consumers, sites, segmentsMax, consumersMax });
  }

  async #tell(told: AccessBatch): Promise<void> {
    const { rowsPerTurn, rowsPerCall } = this.#options;
    let toldInTurn = 0;
    for (let from = 0; from < told.length; from += rowsPerCall) {
      const slice = told.slice(from, Math.min(told.length, from + rowsPerCall));
      this.#options.engine.observe(slice);
      await this.#options.settle?.();
      this.#accesses += slice.length;
      // Of a post that went back in time the engine takes the rows to be at the latest before them.
      const latestMs = slice.timeMs[slice.length - 1]!;
      if (!(latestMs <= this.#watermarkMs)) this.#watermarkMs = latestMs;
      toldInTurn += slice.length;
      if (toldInTurn >= rowsPerTurn || from + rowsPerCall >= told.length) {
        toldInTurn = 0;
        await eventLoopRound();
      }
    }
  }

  #answer(answer: PrefetchAnswer): void {
    const { engine, openRequest } = this.#options;
    const open = openRequest(answer.segment);
    this.#answers++;
    if (open === null) {
      this.#answersIgnored++;
      return;
    }
    // On the axis of event time, which need not be the clock's.
    const timeMs = open.timeMs + answer.durationMs;
    if (answer.isLanded)
      engine.landed(open.id, { timeMs, ...(answer.sizeBytes >= 0 ? { sizeBytes: answer.sizeBytes } : {}) });
    else engine.failed(open.id, { timeMs });
  }

  /** The rows with the engine's ids; those of names that it has no room for are left out or become nobody's, counted. */
  #interned(
    batch: AccessBatch,
    names: { readonly segments: NameTable; readonly consumers: NameTable; readonly sites: NameTable },
  ): AccessBatch {
    const { engine } = this.#options;
    const { segmentsMax, consumersMax } = engine.config;
    const { length } = batch;
    const segment = new Uint32Array(length);
    const consumer = new Int32Array(length);
    const site = new Int32Array(length);
    const segments = new IdMap(names.segments as Interner, engine.segments, segmentsMax);
    const consumers = new IdMap(names.consumers as Interner, engine.consumers, consumersMax);
    const sites = new IdMap(names.sites as Interner, engine.sites, consumersMax);
    const quotas = this.#options.quotas?.isOff === false ? this.#options.quotas : null;
    let kept = 0;
    const rows = new Uint32Array(length);
    for (let i = 0; i < length; i++) {
      const from = batch.consumer[i]!;
      const who = from < 0 ? ABSENT : consumers.map(from);
      if (quotas !== null && !quotas.takes(who, batch.timeMs[i]!)) continue;
      if (quotas !== null && !segments.isKnown(batch.segment[i]!) && !quotas.names(who)) continue;
      const id = segments.map(batch.segment[i]!);
      if (id < 0) {
        this.#segmentsRefused++;
        continue;
      }
      rows[kept] = i;
      segment[kept] = id;
      consumer[kept] = who;
      if (from >= 0 && who < 0) this.#consumersRefused++;
      site[kept] = batch.site[i]! < 0 ? ABSENT : sites.map(batch.site[i]!);
      kept++;
    }
    const { timeMs, op, size, weight } = batch;
    if (kept === length) return new AccessBatch(0, { timeMs, segment, consumer, site, op, size, weight });
    return new AccessBatch(0, {
      timeMs: Float64Array.from({ length: kept }, (_, i) => timeMs[rows[i]!]!),
      segment: segment.slice(0, kept),
      consumer: consumer.slice(0, kept),
      site: site.slice(0, kept),
      op: Uint8Array.from({ length: kept }, (_, i) => op[rows[i]!]!),
      size: Float64Array.from({ length: kept }, (_, i) => size[rows[i]!]!),
      weight: Float64Array.from({ length: kept }, (_, i) => weight[rows[i]!]!),
    });
  }
}

/** Ids of a frame to ids of the engine; -1 where the engine knows as many names as it may. */
class IdMap {
  readonly #from: Interner;
  readonly #to: NameInterner;
  readonly #max: number;
  readonly #ids: Int32Array;

  constructor(from: Interner, to: NameInterner, max: number) {
    this.#from = from;
    this.#to = to;
    this.#max = max;
    this.#ids = new Int32Array(from.count).fill(-2);
  }

  map(id: number): number {
    let found = this.#ids[id]!;
    if (found === -2) {
      found = this.#intern(id);
      this.#ids[id] = found;
    }
    return found;
  }

  /** Whether the engine has an id for it already, or has no room for one. */
  isKnown(id: number): boolean {
    if (this.#ids[id]! !== -2) return true;
    const bytes = this.#from.bytesOf(id);
    const known =
      this.#to instanceof Interner ? this.#to.findBytes(bytes, 0, bytes.length) : this.#to.idOf(this.#from.nameOf(id));
    if (known >= 0) this.#ids[id] = known;
    return known >= 0;
  }

  #intern(id: number): number {
    if (this.#to.count >= this.#max) {
      const known = this.#to.idOf(this.#from.nameOf(id));
      return known;
    }
    const bytes = this.#from.bytesOf(id);
    return this.#to.internBytes(bytes, 0, bytes.length);
  }
}

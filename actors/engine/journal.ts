/** The latest of what an engine was told, in order, so that telling it again gives the same engine. */

import type { AccessBatch } from '../../streams/access-batch.ts';
import type { Hint } from '../hints/hints-config.ts';
import { RowBuffer } from './row-buffer.ts';

/** What was told between two accesses. Segments, not ids: an engine that is told only the latest numbers its requests anew. */
export type JournalEvent =
  | { readonly kind: 'landed'; readonly segment: number; readonly timeMs: number; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly segment: number; readonly timeMs: number }
  /** A prefetch that a demand joined needs no answer any more; `isFailed`: its fetch did not deliver. */
  | { readonly kind: 'closed'; readonly id: number; readonly isFailed: boolean }
  | { readonly kind: 'measured'; readonly sizeBytes: number; readonly durationMs: number }
  | { readonly kind: 'sized'; readonly segment: number; readonly sizeBytes: number }
  | { readonly kind: 'hinted'; readonly hint: Hint }
  | { readonly kind: 'invalidated'; readonly segment: number };

/** An event and the log position of the access that it came before. */
export interface JournalEntry {
  readonly position: number;
  readonly event: JournalEvent;
}

/** Rows of a chunk; what is forgotten is forgotten by chunks. */
const CHUNK_ROWS = 4096;
/** Events kept for each access kept, at most; beyond it the oldest chunk goes with its events. */
const EVENTS_PER_ACCESS_MAX = 4;

const BEGINNING = { start: 0, isWhole: true } as const;

/** Memory: 37 bytes an access and about 100 an event, `accessesMax` and `EVENTS_PER_ACCESS_MAX` bounding both. O(1) a row. */
export class Journal {
  readonly #accessesMax: number;
  readonly #tail = new RowBuffer(CHUNK_ROWS);
  #chunks: AccessBatch[] = [];
  #events: JournalEntry[] = [];
  #start: number;
  #end: number;
  #isCut = false;

  /** `accessesMax` 0 = nothing is kept. `from`: where it goes on, and whether it has everything before. */
  constructor(accessesMax: number, from: { readonly start: number; readonly isWhole: boolean } = BEGINNING) {
    this.#accessesMax = accessesMax;
    this.#start = from.start;
    this.#end = from.start;
    this.#isCut = !from.isWhole;
  }

  /** Log position of the first access that is kept. */
  get start(): number {
    return this.#start;
  }

  /** Whether everything since the start of the log is kept. */
  get isWhole(): boolean {
    return this.#start === 0 && !this.#isCut;
  }

  access(batch: AccessBatch): void {
    this.#end = batch.position + batch.length;
    if (this.#accessesMax === 0) {
      this.#start = this.#end;
      return;
    }
    for (let from = 0; from < batch.length; ) {
      const rows = Math.min(batch.length - from, CHUNK_ROWS - this.#tail.length);
      this.#tail.add(batch.slice(from, from + rows));
      from += rows;
      if (!this.#tail.fits(1)) this.#chunks.push(this.#tail.take());
    }
    while (this.#chunks.length > 0 && this.#end - this.#start > this.#accessesMax) this.#forgetChunk();
  }

  event(event: JournalEvent): void {
    // Hints were told once and stay true.
    if (this.#accessesMax === 0 && event.kind !== 'hinted') return;
    this.#events.push({ position: this.#end, event });
    if (this.#accessesMax === 0) return;
    if (this.#events.length <= EVENTS_PER_ACCESS_MAX * this.#accessesMax) return;
    if (this.#chunks.length > 0) this.#forgetChunk();
    else this.#forgetEvents();
  }

  /** All that is kept: batches in order, and the events between them. */
  contents(): { readonly batches: readonly AccessBatch[]; readonly events: readonly JournalEntry[] } {
    if (this.#tail.length > 0) {
      const rest = this.#tail.take();
      const batches = [...this.#chunks, rest];
      this.#tail.add(rest);
      return { batches, events: this.#events };
    }
    return { batches: this.#chunks, events: this.#events };
  }

  /** Keeps what another journal kept: its `contents`. */
  restore(saved: { readonly batches: readonly AccessBatch[]; readonly events: readonly JournalEntry[] }): void {
    for (const batch of saved.batches) {
      if (batch.length === CHUNK_ROWS) this.#chunks.push(batch);
      else this.#tail.add(batch);
      this.#end = batch.position + batch.length;
    }
    this.#events = [...saved.events];
  }

  /** The older half, but for the hints; what is told again is then not what was told. */
  #forgetEvents(): void {
    const half = this.#events.length >> 1;
    this.#events = this.#events.filter(({ event }, i) => i >= half || event.kind === 'hinted');
    this.#isCut = true;
  }

  #forgetChunk(): void {
    const forgotten = this.#chunks.shift()!;
    this.#start = forgotten.position + forgotten.length;
    // Hints were told once and stay true.
    this.#events = this.#events.filter(({ position, event }) => position >= this.#start || event.kind === 'hinted');
  }
}

/** Which batches of which producer have been appended: a sliding bitmap behind each producer's latest sequence. */

import { assert } from '../assert.ts';
import { AnteroomError } from '../errors.ts';
import type { LogOrigin } from './log-store.ts';

const NAME = /^[A-Za-z0-9._:@/-]{1,200}$/;

/** What an origin is to the windows. */
export type Standing = 'new' | 'duplicate' | 'stale-sequence' | 'producers';

interface ProducerWindow {
  latest: number;
  /** Log position after its newest entry. */
  end: number;
  /** Bit `s % width` says that sequence `s`, latest - width < s <= latest, was appended. */
  readonly seen: Uint8Array;
}

/**
 * As in IPsec's anti-replay window (RFC 4303, section 3.4.3): one bit for each of the last `width` sequences, so that batches
 * may come in any order within it, and what lies behind it is refused aloud, because it may be new or a repetition.
 * O(1) a batch; width / 8 bytes a producer.
 */
export class ProducerWindows {
  readonly #width: number;
  readonly #producersMax: number;
  /** Least recently appended first. */
  readonly #windows = new Map<string, ProducerWindow>();
  #forgottenCount = 0;

  constructor(width: number, producersMax: number) {
    this.#width = width;
    this.#producersMax = producersMax;
  }

  get count(): number {
    return this.#windows.size;
  }

  get forgottenCount(): number {
    return this.#forgottenCount;
  }

  set forgottenCount(count: number) {
    this.#forgottenCount = count;
  }

  /** Changes nothing. `start` is the log's: a producer that ends before it may be forgotten. */
  standingOf(origin: LogOrigin, start: number): Standing {
    const window = this.#windows.get(origin.producer);
    if (window === undefined) {
      if (this.#windows.size < this.#producersMax) return 'new';
      return this.#oldest()[1].end <= start ? 'new' : 'producers';
    }
    const { sequence } = origin;
    if (sequence > window.latest) return 'new';
    if (sequence <= window.latest - this.#width) return 'stale-sequence';
    return this.#isSeen(window, sequence) ? 'duplicate' : 'new';
  }

  /** Notes an append that stands `new`; returns the producer that was forgotten for it and what was known of it, or null. */
  note(origin: LogOrigin, end: number): { readonly producer: string; readonly bytes: Uint8Array } | null {
    const { producer, sequence } = origin;
    let window = this.#windows.get(producer);
    let forgotten: { readonly producer: string; readonly bytes: Uint8Array } | null = null;
    if (window === undefined) {
      if (this.#windows.size >= this.#producersMax) {
        const [oldest] = this.#oldest();
        forgotten = { producer: oldest, bytes: this.encode(oldest) };
        this.#windows.delete(oldest);
        this.#forgottenCount++;
      }
      window = { latest: sequence, end, seen: new Uint8Array(Math.ceil(this.#width / 8)) };
    } else {
      this.#windows.delete(producer);
      if (sequence > window.latest) {
        // Bits between the two are of sequences that left the window.
        const from = Math.max(window.latest + 1, sequence - this.#width + 1);
        for (let s = from; s <= sequence; s++) this.#mark(window, s, false);
        window.latest = sequence;
      }
      window.end = end;
    }
    this.#mark(window, sequence, true);
    this.#windows.set(producer, window);
    return forgotten;
  }

  /** One producer's window as bytes. */
  encode(producer: string): Uint8Array<ArrayBuffer> {
    const window = this.#windows.get(producer);
    assert(window !== undefined, `${producer} is remembered`);
    const bytes = new Uint8Array(24 + window.seen.length);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, window.latest, true);
    view.setFloat64(8, window.end, true);
    view.setFloat64(16, this.#width, true);
    bytes.set(window.seen, 24);
    return bytes;
  }

  /** Takes back what `encode` gave; to be called least recent first. @throws AnteroomError 'corrupt'. */
  decode(producer: string, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const width = bytes.length < 24 ? 0 : view.getFloat64(16, true);
    if (!(width >= 8) || bytes.length !== 24 + Math.ceil(width / 8))
      throw new AnteroomError('corrupt', `what is remembered of producer ${producer} is damaged`, {
        context: { producer },
      });
    const window = {
      latest: view.getFloat64(0, true),
      end: view.getFloat64(8, true),
      seen: new Uint8Array(Math.ceil(this.#width / 8)),
    };
    // The width may have been configured anew; a sequence that the old one did not hold counts as appended, and is refused or a duplicate.
    for (let s = window.latest; s > window.latest - this.#width && s >= 0; s--) {
      const isHeld = s > window.latest - width;
      const bit = s % width;
      this.#mark(window, s, !isHeld || ((bytes[24 + (bit >> 3)]! >> (bit & 7)) & 1) === 1);
    }
    this.#windows.set(producer, window);
  }

  /** Producers with the log position of their newest entry, least recent first. */
  *ends(): Generator<readonly [producer: string, end: number]> {
    for (const [producer, window] of this.#windows) yield [producer, window.end];
  }

  /** Takes back `note`s: puts windows to what `encode` gave before them; null = it was not remembered. */
  restore(before: ReadonlyMap<string, Uint8Array | null>, forgottenCount: number): void {
    for (const [producer, bytes] of before) {
      this.#windows.delete(producer);
      if (bytes !== null) this.decode(producer, bytes);
    }
    // Order is by recency of the last append, which the ends tell.
    const ordered = [...this.#windows].sort((a, b) => a[1].end - b[1].end);
    this.#windows.clear();
    for (const [producer, window] of ordered) this.#windows.set(producer, window);
    this.#forgottenCount = forgottenCount;
  }

  has(producer: string): boolean {
    return this.#windows.has(producer);
  }

  #oldest(): [string, ProducerWindow] {
    return this.#windows.entries().next().value!;
  }

  #isSeen(window: ProducerWindow, sequence: number): boolean {
    const bit = sequence % this.#width;
    return ((window.seen[bit >> 3]! >> (bit & 7)) & 1) === 1;
  }

  #mark(window: ProducerWindow, sequence: number, isSeen: boolean): void {
    const bit = sequence % this.#width;
    const mask = 1 << (bit & 7);
    if (isSeen) window.seen[bit >> 3]! |= mask;
    else window.seen[bit >> 3]! &= ~mask;
  }
}

/** @throws AnteroomError 'bad-usage' for an origin that is no name and number. */
export function checkOrigin(origin: LogOrigin): void {
  if (!NAME.test(origin.producer))
    throw new AnteroomError(
      'bad-usage',
      `producer: expected 1 to 200 letters, digits or ._:@/-, found ${JSON.stringify(origin.producer.slice(0, 60))}`,
    );
  if (!Number.isSafeInteger(origin.sequence) || origin.sequence < 0)
    throw new AnteroomError('bad-usage', `sequence: expected a whole number from 0, found ${origin.sequence}`);
}

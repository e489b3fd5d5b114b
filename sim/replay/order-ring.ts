/** What a run and the thread that learns order for it share: records of rows, epoch by epoch, and how far each has come. */

import { EPOCHS_AHEAD_MAX } from '../../actors/sequence-predictor/order-ahead.ts';
import { RECORD_WORDS, ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';

/** Epochs that there is room for: those that may be ahead and the one in use. */
const SLOTS = EPOCHS_AHEAD_MAX + 1;
/** Words: epochs whose lead is known, epochs that are learned, how far the thread is, whether it is to end, bytes that order takes, in 64; by epoch leads and numbers of records; records. */
const At = {
  known: 0,
  learned: 1,
  state: 2,
  stop: 3,
  bytes: 4,
  leads: 8,
  counts: 8 + SLOTS,
  end: 8 + 2 * SLOTS,
} as const;
const State = { starting: 0, ready: 1, learning: 2, failed: 3 } as const;
/** Part of the epochs that it may be ahead for which whoever learns is woken at once: to wake somebody takes as long as some rows do. */
const WAKE_SHARE = 0.5;
/** Looks before whoever waits goes to sleep: waking up takes longer than an epoch. */
const LOOKS = 2000;
/** A sleeper looks again after so many ms, in case the other has ended without a word. */
const SLEEP_MS = 100;

/** Of the memory that both use. */
const WORDS = At.end + SLOTS * ROWS_AHEAD * RECORD_WORDS;

/** One thread tells leads and takes records, the other the reverse; each waits for the other in its tracks, so neither may be one that others wait for. */
export class OrderRing {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer(4 * WORDS)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Whether whoever learns waits for something to learn. */
  get isReady(): boolean {
    return Atomics.load(this.#words, At.state) === State.ready;
  }

  get hasFailed(): boolean {
    return Atomics.load(this.#words, At.state) === State.failed;
  }

  get isToStop(): boolean {
    return Atomics.load(this.#words, At.stop) === 1;
  }

  get bytes(): number {
    return 64 * Atomics.load(this.#words, At.bytes);
  }

  setBytes(bytes: number): void {
    Atomics.store(this.#words, At.bytes, Math.ceil(bytes / 64));
  }

  setReady(): void {
    Atomics.store(this.#words, At.state, State.ready);
  }

  /** Epochs are counted from 0 again; only where it is ready. */
  begin(): void {
    for (const at of [At.known, At.learned, At.stop, At.bytes]) Atomics.store(this.#words, at, 0);
    Atomics.store(this.#words, At.state, State.learning);
  }

  fail(): void {
    Atomics.store(this.#words, At.state, State.failed);
    this.#wake(At.learned);
  }

  stop(): void {
    Atomics.store(this.#words, At.stop, 1);
    this.#wake(At.known);
  }

  /** By which lead epoch number `epoch` is to be learned; those before it were told. */
  tellLead(epoch: number, leadAccesses: number): void {
    this.#words[At.leads + (epoch % SLOTS)] = leadAccesses;
    Atomics.store(this.#words, At.known, epoch + 1);
  }

  /** Wakes whoever learns once it is worth it; `taken`: epochs whose records are in use or were. */
  wakeLearner(taken: number): void {
    const known = Atomics.load(this.#words, At.known);
    const learned = Atomics.load(this.#words, At.learned);
    if (known - learned >= WAKE_SHARE * (known - taken)) this.#wake(At.known);
  }

  /** The lead of an epoch, once it is known; -1 = all is to end. */
  awaitLead(epoch: number): number {
    const isKnown = this.#await(At.known, epoch, () => this.isToStop);
    return isKnown ? this.#words[At.leads + (epoch % SLOTS)]! : -1;
  }

  /** Room for the records of an epoch. */
  recordsOf(epoch: number): Int32Array {
    const from = At.end + (epoch % SLOTS) * ROWS_AHEAD * RECORD_WORDS;
    return this.#words.subarray(from, from + ROWS_AHEAD * RECORD_WORDS);
  }

  /** The records of an epoch are there, so many. */
  tellLearned(epoch: number, count: number): void {
    this.#words[At.counts + (epoch % SLOTS)] = count;
    Atomics.store(this.#words, At.learned, epoch + 1);
    this.#wake(At.learned);
  }

  /** Epochs that are learned. */
  get learnedCount(): number {
    return Atomics.load(this.#words, At.learned);
  }

  /** Waits until there is room for the leads of so many epochs: those of the latest that are not learned are kept; -1 = whoever learns has failed. */
  awaitRoom(epochCount: number): number {
    return this.#await(At.learned, epochCount - SLOTS - 1, () => this.hasFailed) ? 0 : -1;
  }

  /** How many records of an epoch there are, once they are; -1 = whoever learns has failed. */
  awaitLearned(epoch: number): number {
    const isThere = this.#await(At.learned, epoch, () => this.hasFailed);
    return isThere ? this.#words[At.counts + (epoch % SLOTS)]! : -1;
  }

  /** Waits until a word exceeds `epoch`; false = it need not any more. */
  #await(at: number, epoch: number, isOver: () => boolean): boolean {
    const words = this.#words;
    for (let i = 0; i < LOOKS; i++) if (Atomics.load(words, at) > epoch) return true;
    for (;;) {
      const found = Atomics.load(words, at);
      if (found > epoch) return true;
      if (isOver()) return false;
      Atomics.wait(words, at, found, SLEEP_MS);
    }
  }

  #wake(at: number): void {
    Atomics.notify(this.#words, at);
  }
}

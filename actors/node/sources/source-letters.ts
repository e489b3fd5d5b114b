/** Messages that could not be read, kept for people and for another try: what, from where and why. */

import { AnteroomError } from '../../../engine/errors.ts';
import type { LogOrigin } from '../../../engine/state/log-store.ts';
import type { RecordStore } from '../../../engine/state/record-store.ts';

/** A message with a bad record. */
export interface SourceLetter {
  /** Its name among the letters. */
  readonly key: string;
  readonly source: string;
  readonly lane: string;
  /** Null where its broker numbers nothing. */
  readonly position: string | null;
  /** Under which the log would know it where its sender numbers it; else null. */
  readonly origin: LogOrigin | null;
  /** Place of the key that it came with; null = nobody's in particular. */
  readonly speaker: string | null;
  readonly why: string;
  readonly atMs: number;
  readonly format: string;
  /** The format that the message itself named; null = that of its source, as it is when it is tried again. */
  readonly namedFormat: string | null;
  /** Why no other try can help; null = one may. */
  readonly lasting: string | null;
  /** Whether its accesses may be in the log already, under its own number. */
  readonly isDoubtful: boolean;
  /** Under which it is tried again, noted before that: whether the log has it, the log knows. Null = it was not tried yet. */
  readonly driven: LogOrigin | null;
  /** Its bytes in base64, and how many there were: a large one is kept by its beginning. */
  readonly body: string;
  readonly bytes: number;
  readonly isWhole: boolean;
}

/** A letter as it is put; the rest is the store's. */
export type NewLetter = Omit<SourceLetter, 'key' | 'body' | 'bytes' | 'isWhole' | 'driven'>;

const PREFIX = 'source-dlq/';
const NUMBERS = 'source-redrive/';
const KEY_LENGTH_MAX = 400;

export interface SourceLettersOptions {
  readonly records: RecordStore;
  readonly lettersMax: number;
  /** Bytes of one message that are kept. */
  readonly letterBytesMax: number;
}

/**
 * Bounded and counted: to make room the oldest go, of whose messages most are kept, so that one sender of bad messages crowds out its
 * own. One message has one letter, however often it comes.
 */
export class SourceLetters {
  readonly #options: SourceLettersOptions;
  /** Letters by producer, counted when they are first asked for. */
  #counts: Map<string, number> | null = null;
  #serial = 0;

  constructor(options: SourceLettersOptions) {
    this.#options = options;
  }

  get count(): number {
    let sum = 0;
    for (const count of this.#byProducer().values()) sum += count;
    return sum;
  }

  list(limit: number): readonly SourceLetter[] {
    return this.#options.records.list(PREFIX, limit).map(({ key, value }) => read(key, value));
  }

  /** The letter of a message that is numbered, by its broker or by its sender; null = it has none. */
  find(producer: string, place: string): SourceLetter | null {
    if ((this.#byProducer().get(producer) ?? 0) === 0) return null;
    const key = keyOf(producer, place);
    const value = this.#options.records.get(key);
    return value === null ? null : read(key, value);
  }

  /** @param producer says with the position or the number which message it is. Returns letters that made room. @throws AnteroomError as the store does. */
  async put(letter: NewLetter, bytes: Uint8Array, producer: string): Promise<number> {
    const { letterBytesMax, lettersMax } = this.#options;
    const at = String(Math.round(letter.atMs)).padStart(15, '0');
    // One without any number cannot come again as itself.
    const place = letter.position ?? (letter.origin === null ? null : String(letter.origin.sequence));
    const key = keyOf(producer, place ?? `${at}-${this.#serial++}`);
    await this.#write({
      ...letter,
      key: key.slice(PREFIX.length),
      driven: null,
      body: Buffer.from(bytes.subarray(0, letterBytesMax)).toString('base64'),
      bytes: bytes.length,
      isWhole: bytes.length <= letterBytesMax,
    });
    let dropped = 0;
    for (; this.count > lettersMax; dropped++) await this.#dropOne();
    return dropped;
  }

  /** Notes under which number a letter is about to be tried again. @throws AnteroomError as the store does. */
  async mark(letter: SourceLetter, driven: LogOrigin): Promise<SourceLetter> {
    const marked = { ...letter, driven };
    await this.#write(marked);
    return marked;
  }

  async remove({ key }: Pick<SourceLetter, 'key'>): Promise<void> {
    const { records } = this.#options;
    const whole = PREFIX + key;
    if (records.get(whole) === null) return;
    await records.remove(whole);
    this.#add(producerOf(whole), -1);
  }

  /** A number that no other letter of the source has or had. @throws AnteroomError as the store does. */
  async nextNumber(source: string): Promise<number> {
    const { records } = this.#options;
    const next = Number(records.get(NUMBERS + source) ?? 0);
    await records.put(NUMBERS + source, String(next + 1));
    return next;
  }

  async #write(letter: SourceLetter): Promise<void> {
    const { records } = this.#options;
    const key = PREFIX + letter.key;
    const counts = this.#byProducer();
    const isNew = records.get(key) === null;
    await records.put(key, JSON.stringify(letter));
    if (isNew) counts.set(producerOf(key), (counts.get(producerOf(key)) ?? 0) + 1);
  }

  async #dropOne(): Promise<void> {
    let [most, worst] = [0, ''];
    for (const [producer, count] of this.#byProducer()) if (count > most) [most, worst] = [count, producer];
    const [oldest] = this.#options.records.list(`${PREFIX}${worst}/`, 1);
    if (oldest === undefined)
      throw new AnteroomError('corrupt', 'dead letters of sources were counted that are not there');
    await this.#options.records.remove(oldest.key);
    this.#add(producerOf(oldest.key), -1);
  }

  #byProducer(): Map<string, number> {
    if (this.#counts !== null) return this.#counts;
    this.#counts = new Map();
    for (const { key } of this.#options.records.list(PREFIX, Number.MAX_SAFE_INTEGER)) this.#add(producerOf(key), 1);
    return this.#counts;
  }

  #add(producer: string, by: number): void {
    const counts = this.#byProducer();
    const left = (counts.get(producer) ?? 0) + by;
    if (left > 0) counts.set(producer, left);
    else counts.delete(producer);
  }
}

/** In the order of their places: numbers in them are padded. */
function keyOf(producer: string, place: string): string {
  return `${PREFIX}${producer}/${place.replace(/\d+/g, (digits) => digits.padStart(20, '0'))}`.slice(0, KEY_LENGTH_MAX);
}

/** Places have no slash, producers may. */
function producerOf(key: string): string {
  return key.slice(PREFIX.length, key.lastIndexOf('/'));
}

function read(key: string, value: string): SourceLetter {
  const stored = JSON.parse(value) as Partial<SourceLetter>;
  // Letters of an earlier version say less.
  const unsaid = { origin: null, speaker: null, namedFormat: null, lasting: null, isDoubtful: false, driven: null };
  return { ...unsaid, ...stored, key: key.slice(PREFIX.length) } as SourceLetter;
}

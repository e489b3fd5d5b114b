/** Messages that could not be read, kept for people: what, from where and why. */

import { AnteroomError } from '../../../engine/errors.ts';
import type { RecordStore } from '../../../engine/state/record-store.ts';

/** A message with a bad record. */
export interface SourceLetter {
  readonly source: string;
  readonly lane: string;
  /** Null where its broker numbers nothing. */
  readonly position: string | null;
  readonly why: string;
  readonly atMs: number;
  readonly format: string;
  /** Its bytes in base64, and how many there were: a large one is kept by its beginning. */
  readonly body: string;
  readonly bytes: number;
  readonly isWhole: boolean;
}

const PREFIX = 'source-dlq/';

export interface SourceLettersOptions {
  readonly records: RecordStore;
  readonly lettersMax: number;
  /** Bytes of one message that are kept. */
  readonly letterBytesMax: number;
}

/** Bounded: the oldest make room, counted. One message has one letter, however often it comes. */
export class SourceLetters {
  readonly #options: SourceLettersOptions;
  #count: number | null = null;
  #serial = 0;

  constructor(options: SourceLettersOptions) {
    this.#options = options;
  }

  get count(): number {
    this.#count ??= this.#options.records.list(PREFIX, this.#options.lettersMax + 1).length;
    return this.#count;
  }

  list(limit: number): readonly SourceLetter[] {
    return this.#options.records.list(PREFIX, limit).map(({ value }) => JSON.parse(value) as SourceLetter);
  }

  /** @param producer says with the position which message it is. Returns letters that made room. @throws AnteroomError as the store does. */
  async put(
    letter: Omit<SourceLetter, 'body' | 'bytes' | 'isWhole'>,
    bytes: Uint8Array,
    producer: string,
  ): Promise<number> {
    const { records, letterBytesMax, lettersMax } = this.#options;
    const at = String(Math.round(letter.atMs)).padStart(15, '0');
    // One without a position cannot come again as itself.
    const place = letter.position?.replace(/\d+/g, (digits) => digits.padStart(20, '0')) ?? `${at}-${this.#serial++}`;
    const key = `${PREFIX}${producer}/${place}`.slice(0, 400);
    const isNew = records.get(key) === null;
    const before = this.count;
    const whole: SourceLetter = {
      ...letter,
      body: Buffer.from(bytes.subarray(0, letterBytesMax)).toString('base64'),
      bytes: bytes.length,
      isWhole: bytes.length <= letterBytesMax,
    };
    await records.put(key, JSON.stringify(whole));
    this.#count = before + (isNew ? 1 : 0);
    let dropped = 0;
    while (this.#count > lettersMax) {
      const [oldest] = records.list(PREFIX, 1);
      if (oldest === undefined)
        throw new AnteroomError('corrupt', 'dead letters of sources were counted that are not there');
      await records.remove(oldest.key);
      this.#count--;
      dropped++;
    }
    return dropped;
  }
}

/** One source's messages that could not be read: put aside, and tried again when their cause was mended, each counted once in the end. */

import type { Clock } from '../../../engine/clock.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import type { LogOrigin, LogReceipt } from '../../../engine/state/log-store.ts';
import type { ParsedPost } from '../parse-post.ts';
import type { BrokerMessage } from './broker.ts';
import type { LanePlaces } from './lane-places.ts';
import type { SourceLetter, SourceLetters } from './source-letters.ts';

/** What became of a letter that was tried again. */
export type RedriveEnd =
  | { readonly kind: 'taken'; readonly accesses: number }
  /** The log had it already; the letter is gone. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'failed'; readonly why: string };

export interface LetterDeskOptions {
  readonly source: string;
  /** Of the source as it is configured now. */
  readonly format: string;
  readonly messageBytesMax: number;
  /** Greater positions come later. */
  readonly compare: (a: string, b: string) => number;
  readonly places: LanePlaces;
  readonly letters: SourceLetters;
  readonly clock: Clock;
  /** Strict: a bad record refuses all of the bytes, and so does a consumer whom the speaker (the place of the key that it came with) may not name. */
  readonly parse: (bytes: Uint8Array, format: string, speaker: string | null) => Promise<ParsedPost>;
  readonly append: (frames: ParsedPost['frames'], origin: LogOrigin | null) => Promise<LogReceipt>;
}

const TAKEN_MAYBE = 'whether the log has it already cannot be told any more (log.sequenceWindow)';

/**
 * Once each: a message that has a letter is taken by way of the letter alone, and one that its sender sends again under its number, mended, by way
 * of that, which ends the letter. What is tried again goes under the sender's number while the log can tell it from a repetition, else
 * under a number of its own, which is noted before; so a crash between the append and the end of the letter repeats nothing.
 */
export class LetterDesk {
  readonly #options: LetterDeskOptions;
  #dropped = 0;

  constructor(options: LetterDeskOptions) {
    this.#options = options;
  }

  /** Letters that had to go for those of this source. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The letter of a message; null = it has none, or cannot be told from others. */
  letterOf({ lane, position, origin }: BrokerMessage): SourceLetter | null {
    const { letters, places } = this.#options;
    if (position !== null) return letters.find(places.producerOf(lane), position);
    return origin === null ? null : letters.find(origin.producer, String(origin.sequence));
  }

  /** @throws AnteroomError as the store does. */
  async put(
    message: BrokerMessage,
    why: string,
    { lasting, isDoubtful }: { readonly lasting: string | null; readonly isDoubtful: boolean },
  ): Promise<void> {
    const { source, places, letters, clock, format } = this.#options;
    const { lane, position, origin } = message;
    const speaker = message.speaker?.place ?? null;
    const nobody = speaker === null ? places.producerOf(lane) : `source:${source}:${speaker}:unnumbered`;
    const letter = {
      ...{ source, lane, position, origin, speaker, why, lasting, isDoubtful, namedFormat: message.format },
      ...{ atMs: clock.now(), format: message.format ?? format },
    };
    const producer = position !== null ? places.producerOf(lane) : (origin?.producer ?? nobody);
    this.#dropped += await letters.put(letter, message.bytes, producer);
  }

  /** Ends the letter of a message that comes again from its sender; returns it, or null. @throws AnteroomError as the store does. */
  async claim(message: BrokerMessage): Promise<SourceLetter | null> {
    const letter = message.position === null ? this.letterOf(message) : null;
    // Before its append: a letter that is there says that its message is not in the log by way of its sender.
    if (letter !== null) await this.#options.letters.remove(letter);
    return letter;
  }

  /** Tries a letter of this source once more. Does not reject where the log or a store does. */
  async redrive(letter: SourceLetter): Promise<RedriveEnd> {
    try {
      return await this.#redrive(letter);
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  }

  async #redrive(letter: SourceLetter): Promise<RedriveEnd> {
    const { letters, parse, format, messageBytesMax } = this.#options;
    const { bytes } = letter;
    if (letter.lasting !== null) return failed(letter.lasting);
    if (!letter.isWhole) return failed(`only the beginning of its ${bytes} bytes was kept (badMessages.bytesMax)`);
    if (bytes > messageBytesMax) return failed(`${bytes} bytes are more than messageBytesMax, ${messageBytesMax}`);
    const under = await this.#laneFault(letter);
    if (under !== null) return failed(under);
    let post: ParsedPost;
    try {
      post = await parse(Buffer.from(letter.body, 'base64'), letter.namedFormat ?? format, letter.speaker);
    } catch (error) {
      return failed(badRecord(error));
    }
    const receipt = post.frames.length === 0 ? null : await this.#append(letter, post.frames);
    if (receipt?.kind === 'refused')
      return failed(receipt.reason === 'stale-sequence' ? TAKEN_MAYBE : `the log refused it: ${receipt.reason}`);
    await letters.remove(letter);
    return receipt?.kind === 'duplicate' ? { kind: 'duplicate' } : { kind: 'taken', accesses: post.accepted };
  }

  /** While what it came with may come again from the broker, a message could be taken by either way. Null = it cannot. */
  async #laneFault({ lane, position, key }: SourceLetter): Promise<string | null> {
    const { places, compare } = this.#options;
    if (position === null || !key.startsWith(`${places.producerOf(lane)}/`)) return null;
    const { after } = places.placeOf(lane);
    if (after === null || compare(position, after) > 0)
      return 'what came with it is still under way, until the next message of its lane has come';
    await places.flush();
    return null;
  }

  async #append(letter: SourceLetter, frames: ParsedPost['frames']): Promise<LogReceipt> {
    const { letters, append } = this.#options;
    const marked =
      letter.driven === null ? await letters.mark(letter, letter.origin ?? (await this.#ownNumber())) : letter;
    const receipt = await append(frames, marked.driven);
    const isStale = receipt.kind === 'refused' && receipt.reason === 'stale-sequence';
    // Its own number lies too far back. That it was never appended under it is known only of its first try.
    if (!isStale || letter.driven !== null || letter.origin === null || letter.isDoubtful) return receipt;
    const again = await letters.mark(letter, await this.#ownNumber());
    return append(frames, again.driven);
  }

  async #ownNumber(): Promise<LogOrigin> {
    const { source, letters } = this.#options;
    return { producer: `redrive:${source}`, sequence: await letters.nextNumber(source) };
  }
}

/** Why a message cannot be read, with its place in the message. */
export function badRecord(error: unknown): string {
  if (error instanceof AnteroomError && error.code === 'unknown-format')
    return 'its format is not recognised; say which in the format of the source';
  const why = error instanceof Error ? error.message : String(error);
  return why.replace(/^<bytes>:(?=\d)/, 'line ');
}

function failed(why: string): RedriveEnd {
  return { kind: 'failed', why };
}

/** From messages of a broker to the log: parsed, appended once each, and settled by what became of them. */

import { AnteroomError } from '../../../engine/errors.ts';
import type { LogOrigin, LogReceipt } from '../../../engine/state/log-store.ts';
import { concatBytes } from '../../../streams/codec/access-arrow-writer.ts';
import type { ParsedPost } from '../parse-post.ts';
import type { BrokerMessage, Settled } from './broker.ts';
import { badRecord, LetterDesk, type LetterDeskOptions, type RedriveEnd } from './letter-desk.ts';
import type { SourceLetter } from './source-letters.ts';

export interface MessageDeskOptions extends LetterDeskOptions {
  readonly onBadRecord: 'dead-letter' | 'refuse' | 'halt';
  /** A message with a bad record, by its place. */
  readonly onBad: (why: string) => void;
  /** A message that its sender may not send. */
  readonly onDenied?: (reason: string, who: string) => void;
}

/** What taking messages came to. */
export interface TakeEnd {
  readonly settled: readonly Settled[];
  /** Why no message after these may be taken; null = all is well. */
  readonly halt: string | null;
  /** What could not be taken now, to be given to `take` again, and why; null = everything was. */
  readonly left: { readonly messages: readonly BrokerMessage[]; readonly error: unknown } | null;
}

interface ReadMessage {
  readonly message: BrokerMessage;
  readonly post: ParsedPost | null;
  readonly why: string | null;
  /** A letter has it already. */
  readonly isLettered?: boolean;
  /** Its sender may not say this. */
  readonly isDenied?: boolean;
}

const BRACE = 0x7b;
const LINE_FEED = new Uint8Array([10]);

/**
 * A message is taken whole or not at all, so that a dead letter can be taken later without counting a part twice. Messages of a lane that
 * came together are one append. `take` may be called again with the same messages after it has thrown.
 */
export class MessageDesk {
  readonly #options: MessageDeskOptions;
  /** Of lanes whose last chunk before a crash is not whole yet. */
  readonly #held = new Map<string, BrokerMessage[]>();
  readonly #letters: LetterDesk;

  constructor(options: MessageDeskOptions) {
    this.#options = options;
    this.#letters = new LetterDesk(options);
  }

  /** Dead letters that had to go for those of this source. */
  get lettersDropped(): number {
    return this.#letters.dropped;
  }

  /** Tries a dead letter of this source once more. */
  redrive(letter: SourceLetter): Promise<RedriveEnd> {
    return this.#letters.redrive(letter);
  }

  /** Forgets what was held: the broker gives it again. */
  reset(): void {
    this.#held.clear();
  }

  /** Does not reject where the log or a store does: what was taken until then can be settled. */
  async take(messages: readonly BrokerMessage[]): Promise<TakeEnd> {
    const settled: Settled[] = [];
    const halts: string[] = [];
    const rows = rowsOf(messages);
    for (const [i, row] of rows.entries()) {
      try {
        if (row[0]!.position === null) settled.push(await this.#takeAlone(row[0]!));
        else {
          const ends: Settled[] = [];
          const halt = await this.#takeLane(row[0]!.lane, row, ends);
          settled.push(...ends);
          if (halt !== null) halts.push(halt);
        }
      } catch (error) {
        return { settled, halt: halts[0] ?? null, left: { messages: rows.slice(i).flat(), error } };
      }
    }
    return { settled, halt: halts[0] ?? null, left: null };
  }

  async #takeLane(lane: string, messages: readonly BrokerMessage[], settled: Settled[]): Promise<string | null> {
    const { places, compare } = this.#options;
    const { after, until } = places.placeOf(lane);
    const held = this.#held.get(lane) ?? [];
    const fresh: BrokerMessage[] = [];
    let last = held.at(-1)?.position ?? after;
    for (const message of messages) {
      const position = message.position!;
      if (after !== null && compare(position, after) <= 0) settled.push(settledAs(message, 'duplicate'));
      else if (last === null || compare(position, last) > 0) {
        fresh.push(message);
        last = position;
      }
      // What is left came twice while we have it in hand: its first coming settles it.
    }
    if (until === null) return this.#takeChunk(lane, fresh, settled, false);
    // The last chunk before a crash: its messages have to be there to its end before the log can be asked whether it has them.
    const open = [...held, ...fresh.filter(({ position }) => compare(position!, until) <= 0)];
    const rest = fresh.filter(({ position }) => compare(position!, until) > 0);
    const isWhole = rest.length > 0 || (open.length > 0 && compare(open.at(-1)!.position!, until) === 0);
    if (!isWhole) {
      this.#held.set(lane, open);
      return null;
    }
    await this.#takeChunk(lane, open, settled, true);
    this.#held.delete(lane);
    return this.#takeChunk(lane, rest, settled, false);
  }

  /** Appends messages under one number of the lane. `isAgain`: the chunk was opened in an earlier life and keeps its end. */
  async #takeChunk(
    lane: string,
    messages: readonly BrokerMessage[],
    settled: Settled[],
    isAgain: boolean,
  ): Promise<string | null> {
    const { places, onBadRecord } = this.#options;
    if (messages.length === 0) {
      // Its messages are gone from the broker: whether the log has them does not matter any more.
      if (isAgain) places.close(lane);
      return null;
    }
    let read = await this.#readAll(messages);
    let halt: string | null = null;
    if (onBadRecord === 'halt' && !isAgain) {
      const at = read.findIndex(({ why }) => why !== null);
      if (at >= 0) {
        halt = this.#placeOf(read[at]!);
        read = read.slice(0, at);
        if (read.length === 0) return halt;
      }
    }
    if (!isAgain) await places.open(lane, read.at(-1)!.message.position!);
    const { sequence } = places.placeOf(lane);
    const ends: Settled[] = [];
    for (const one of read) if (one.why !== null) ends.push(await this.#putAside(one));
    const frames = read.flatMap(({ post }) => post?.frames ?? []);
    if (frames.length > 0) {
      const receipt = await this.#append(frames, { producer: places.producerOf(lane), sequence });
      const end = receipt.kind === 'duplicate' ? 'duplicate' : 'taken';
      for (const { message, why, post } of read)
        if (why === null)
          ends.push({ ...settledAs(message, end), accesses: end === 'taken' ? (post?.accepted ?? 0) : 0 });
    } else for (const { message, why } of read) if (why === null) ends.push(settledAs(message, 'taken'));
    places.close(lane);
    // Noted before the broker is told: a letter of it can be tried in any later life, although no message of its lane comes any more.
    if (read.some(({ why }) => why !== null)) await places.flush();
    settled.push(...ends);
    return halt;
  }

  /** A message that its broker does not number: its own append, under what its sender says of it. */
  async #takeAlone(message: BrokerMessage): Promise<Settled> {
    const { denial } = message;
    if (denial !== undefined) return this.#deny(message, denial.end, denial.reason, denial.why);
    const read = await this.#read(message);
    if (read.isDenied === true) return this.#deny(message, 'denied', 'consumer-not-allowed', read.why!);
    if (read.why !== null) return this.#putAside(read);
    const { frames, accepted } = read.post!;
    if (frames.length === 0) return settledAs(message, 'taken');
    const letter = await this.#letters.claim(message);
    let receipt: LogReceipt;
    try {
      receipt = await this.#options.append(frames, message.origin);
    } catch (error) {
      if (!(error instanceof AnteroomError) || error.code !== 'bad-usage') throw error;
      return this.#putAside({ message, post: null, why: error.message }, { lasting: error.message });
    }
    if (receipt.kind === 'refused') {
      const isKnownNew = letter !== null && !letter.isDoubtful && letter.driven === null;
      const isDoubtful = receipt.reason === 'stale-sequence' && !isKnownNew;
      return this.#putAside({ message, post: null, why: `the log refused it: ${receipt.reason}` }, { isDoubtful });
    }
    return receipt.kind === 'duplicate'
      ? settledAs(message, 'duplicate')
      : { ...settledAs(message, 'taken'), accesses: accepted };
  }

  async #append(frames: ParsedPost['frames'], origin: LogOrigin): Promise<LogReceipt> {
    const receipt = await this.#options.append(frames, origin);
    if (receipt.kind === 'refused')
      throw new AnteroomError('limit', `the log refused messages of ${this.#options.source}: ${receipt.reason}`, {
        isRetryable: true,
      });
    return receipt;
  }

  #deny(message: BrokerMessage, end: 'denied' | 'later', reason: string, why: string): Settled {
    this.#options.onDenied?.(reason, message.speaker?.place ?? 'somebody');
    return { message, end, accesses: 0, why };
  }

  /** Parses messages together where their format allows it, which makes one frame of many; one by one where that fails. */
  async #readAll(messages: readonly BrokerMessage[]): Promise<ReadMessage[]> {
    const isTogether =
      messages.length > 1 &&
      messages.every(
        (message) =>
          message.fault === null &&
          !this.#isTooLarge(message) &&
          this.#isNdjson(message) &&
          this.#letters.letterOf(message) === null,
      );
    if (isTogether) {
      try {
        const post = await this.#options.parse(
          concatBytes(messages.flatMap(({ bytes }) => [bytes, LINE_FEED])),
          'ndjson',
          null,
        );
        return messages.map((message, i) => ({
          message,
          why: null,
          post: i === 0 ? post : { ...post, frames: [], accepted: 0 },
        }));
      } catch {
        // One of them is bad: which one, the loop below finds.
      }
    }
    const read: ReadMessage[] = [];
    for (const message of messages) read.push(await this.#read(message));
    return read;
  }

  async #read(message: BrokerMessage): Promise<ReadMessage> {
    const bad = (why: string, how: Partial<ReadMessage> = {}): ReadMessage => ({ message, post: null, why, ...how });
    // What a letter has is taken by way of the letter, or it could be taken twice.
    const letter = message.position === null ? null : this.#letters.letterOf(message);
    if (letter !== null) return bad(letter.why, { isLettered: true });
    if (message.fault !== null) return bad(message.fault);
    if (this.#isTooLarge(message)) {
      const { messageBytesMax } = this.#options;
      return bad(`${message.bytes.length} bytes are more than messageBytesMax, ${messageBytesMax}`);
    }
    try {
      const speaker = message.speaker?.place ?? null;
      return { message, why: null, post: await this.#options.parse(message.bytes, this.#formatOf(message), speaker) };
    } catch (error) {
      return bad(badRecord(error), { isDenied: error instanceof AnteroomError && error.code === 'forbidden' });
    }
  }

  #isTooLarge({ bytes }: BrokerMessage): boolean {
    return bytes.length > this.#options.messageBytesMax;
  }

  #formatOf({ format }: BrokerMessage): string {
    return format ?? this.#options.format;
  }

  #isNdjson(message: BrokerMessage): boolean {
    const format = this.#formatOf(message);
    return format === 'ndjson' || (format === 'auto' && message.bytes[0] === BRACE);
  }

  async #putAside(
    read: ReadMessage,
    how: { readonly lasting?: string; readonly isDoubtful?: boolean } = {},
  ): Promise<Settled> {
    const { message } = read;
    const why = read.isLettered === true ? read.why! : this.#placeOf(read);
    if (read.isLettered !== true) {
      this.#options.onBad(why);
      if (this.#options.onBadRecord === 'refuse') return { message, end: 'refused', accesses: 0, why };
      await this.#letters.put(message, why, {
        lasting: how.lasting ?? message.fault,
        isDoubtful: how.isDoubtful ?? false,
      });
    }
    return { message, end: 'dead-letter', accesses: 0, why };
  }

  #placeOf({ message, why }: ReadMessage): string {
    const { lane, position, origin } = message;
    const who = origin === null ? '' : ` from ${origin.producer}, ${origin.sequence}`;
    return `${this.#options.source}: ${lane}${position === null ? who : ` at ${position}`}: ${why}`;
  }
}

/** Messages with positions by their lanes, others alone; in order. */
function rowsOf(messages: readonly BrokerMessage[]): readonly BrokerMessage[][] {
  const rows: BrokerMessage[][] = [];
  const lanes = new Map<string, BrokerMessage[]>();
  for (const message of messages) {
    const lane = message.position === null ? undefined : lanes.get(message.lane);
    if (lane !== undefined) {
      lane.push(message);
      continue;
    }
    const row = [message];
    rows.push(row);
    if (message.position !== null) lanes.set(message.lane, row);
  }
  return rows;
}

function settledAs(message: BrokerMessage, end: Settled['end']): Settled {
  return { message, end, accesses: 0, why: null };
}

/** Traces of coding agents' LLM sessions: requests told as what they keep of the previous one and what they add. */

import { type RandomSource, Xoshiro128 } from '../../engine/random.ts';
import { ABSENT, isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamDecoder, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { exponential } from './exponential.ts';
import { refuseOtherOptions } from './format-options.ts';
import { type LineRecord, LineRecordDecoder, lookAtLines, refuseLine, textOf } from './line-records.ts';
import { isBlockId, isCount, jsonObjectOf } from './llm-json.ts';

/** Mean time between the starts of sessions. */
const sessionGapMs = 60_000;
const seedDefault = 1;
/** Accesses that the end of the input emits at a time. */
const accessesPerPart = 32_768;

/** A request that was read and waits for its time. */
interface Request {
  readonly timeMs: number;
  /** Order in the file, which settles equal times. */
  readonly order: number;
  readonly session: Session;
  readonly depth: number;
  readonly keep: number;
  readonly add: readonly number[];
}

/** What is known of one session. Its blocks by depth are segments of the last request emitted there. */
interface Session {
  readonly number: number;
  readonly consumer: number;
  readonly startMs: number;
  /** Blocks of the last request read at each depth: what `keep` may refer to. */
  readonly lengths: Map<number, number>;
  readonly blocks: Map<number, Uint32Array>;
  lastMs: number;
}

/**
 * A line `{session, block_tokens, ...}` opens a session; its requests follow: `{s, t, d, in, out, think, api, keep, add[]}`. The
 * blocks of a request are the first `keep` of the previous request at the same depth `d` in the session, then `add`; one access
 * per block, in order, at `t` seconds after the session's start.
 *
 * Times are relative, so sessions are placed by a seeded Poisson process: one starts at 0, each next one 60 s later in the mean
 * (`--seed`, default 1). Sessions start in file order, so when one opens, every request before its start can be emitted; what is
 * held are requests of overlapping sessions that are still to come, as ids in `add` (a kept prefix is never expanded), and per
 * session and depth the blocks of the last request. That is beyond one record because interleaving by time needs it.
 *
 * The consumer is the session. A block holds the keys and values of `block_tokens` tokens, whose bytes depend on the model: no size.
 */
export const llmAgentic: StreamFormat = {
  kind: 'stream',
  name: 'llm-agentic',
  description: 'LLM KV-cache trace of agent sessions (JSON lines with keep and add); sessions placed by --seed',
  reference: 'https://github.com/callanjfox/kv-cache-tester, traces; re-encoded as in the class comment',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(llmAgentic.name, options, ['seed']);
    const reader = new LlmAgenticReader(new Xoshiro128(options.seed ?? seedDefault).fork('llm-agentic session starts'));
    return new LlmAgenticDecoder(reader);
  },
};

class LlmAgenticDecoder implements StreamDecoder {
  readonly #reader: LlmAgenticReader;
  readonly #lines: LineRecordDecoder;

  constructor(reader: LlmAgenticReader) {
    this.#reader = reader;
    this.#lines = new LineRecordDecoder(reader.read);
  }

  write(chunk: Uint8Array, sink: AccessSink): void {
    this.#lines.write(chunk, sink);
  }

  /** Most of a trace may still wait when the input ends: sessions overlap for hours. */
  endPart(sink: AccessSink): boolean {
    this.#lines.end(sink);
    return this.#reader.emitSome(accessesPerPart, sink);
  }

  end(sink: AccessSink): void {
    this.#lines.end(sink);
    while (this.#reader.emitSome(accessesPerPart, sink));
  }
}

class LlmAgenticReader {
  readonly #random: RandomSource;
  readonly #waiting = new RequestHeap();
  #session: Session | null = null;
  #nextStartMs = 0;
  #order = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  readonly read = (record: LineRecord, sink: AccessSink): boolean => {
    const text = textOf(record.bytes, record.start, record.end);
    const object = jsonObjectOf(text);
    if (object === null) return refuseLine(record, 1, 'a JSON object', text, sink);
    if ('session' in object) return this.#open(record, object, sink);
    const { t, d, keep, add } = object;
    const session = this.#session;
    if (session === null || object.s !== session.number) {
      const expected = session === null ? 'a line that opens a session' : `a request of session ${session.number}`;
      return refuseLine(record, 1, expected, text, sink);
    }
    if (typeof t !== 'number' || !(t >= 0 && isTime(session.startMs + t * 1000)))
      return refuseLine(record, 1, 't: seconds', text, sink);
    if (!isCount(d) || !isCount(keep) || !Array.isArray(add)) {
      return refuseLine(record, 1, 'd, keep: counts, and add: a list of block ids', text, sink);
    }
    const previousLength = session.lengths.get(d) ?? 0;
    if (keep > previousLength) {
      const expected = `keep of at most the ${previousLength} blocks of the previous request at depth ${d}`;
      return refuseLine(record, 1, expected, `keep ${keep}`, sink);
    }
    for (const block of add) {
      if (!isBlockId(block)) return refuseLine(record, 1, 'add: whole numbers below 2^53', String(block), sink);
    }
    session.lengths.set(d, keep + add.length);
    // A request that runs back keeps its place in the session, since the next one builds on it.
    session.lastMs = Math.max(session.lastMs, session.startMs + t * 1000);
    this.#waiting.push({ timeMs: session.lastMs, order: this.#order++, session, depth: d, keep, add });
    return true;
  };

  /** Emits the requests that come next, at least `accessCount` accesses where there are as many; true while more wait. */
  emitSome(accessCount: number, sink: AccessSink): boolean {
    let emitted = 0;
    for (let first = this.#waiting.first; first !== null; first = this.#waiting.first) {
      if (emitted >= accessCount) return true;
      this.#waiting.removeFirst();
      emit(first, sink);
      emitted += first.keep + first.add.length;
    }
    return false;
  }

  #open(record: LineRecord, object: Readonly<Record<string, unknown>>, sink: AccessSink): boolean {
    const number = object.session;
    if (!isCount(number)) return refuseLine(record, 1, 'session: its number', JSON.stringify(number) ?? 'none', sink);
    const startMs = this.#nextStartMs;
    this.#nextStartMs += Math.round(exponential(this.#random) * sessionGapMs);
    this.#emitBefore(startMs, sink);
    const consumer = sink.consumers.internU64(Math.floor(number / 2 ** 32), number >>> 0);
    this.#session = { number, consumer, startMs, lengths: new Map(), blocks: new Map(), lastMs: startMs };
    sink.skip('session');
    return false;
  }

  #emitBefore(timeMs: number, sink: AccessSink): void {
    for (let first = this.#waiting.first; first !== null && first.timeMs < timeMs; first = this.#waiting.first) {
      this.#waiting.removeFirst();
      emit(first, sink);
    }
  }
}

/** The hot loop: a kept block costs one array read, an added one is interned, so ids follow the order of emission. */
function emit(request: Request, sink: AccessSink): void {
  const { timeMs, session, depth, keep, add } = request;
  const consumer = session.consumer;
  const length = keep + add.length;
  let blocks = session.blocks.get(depth);
  if (blocks === undefined || blocks.length < length) {
    const grown = new Uint32Array(Math.max(length, (blocks?.length ?? 0) * 2, 256));
    if (blocks !== undefined) grown.set(blocks.subarray(0, keep), 0);
    session.blocks.set(depth, grown);
    blocks = grown;
  }
  for (let i = 0; i < keep; i++) sink.append(timeMs, blocks[i]!, consumer, ABSENT, Operation.read, -1, 1);
  const segments = sink.segments;
  for (let i = 0; i < add.length; i++) {
    const block = add[i]!;
    const segment = segments.internU64(Math.floor(block / 2 ** 32), block >>> 0);
    blocks[keep + i] = segment;
    sink.append(timeMs, segment, consumer, ABSENT, Operation.read, -1, 1);
  }
  if (length === 0) sink.skip('request without blocks');
}

/** Binary heap of requests by time, then by order in the file. */
class RequestHeap {
  readonly #items: Request[] = [];

  get first(): Request | null {
    return this.#items[0] ?? null;
  }

  push(request: Request): void {
    const items = this.#items;
    let at = items.length;
    items.push(request);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(request, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = request;
  }

  removeFirst(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++;
      if (!isBefore(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
  }
}

function isBefore(a: Request, b: Request): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}

function detect(head: Uint8Array, isWhole: boolean): number {
  const { isEvery } = lookAtLines(head, isWhole, 1, (bytes, start, end) => {
    const object = jsonObjectOf(textOf(bytes, start, end));
    return object !== null && isCount(object.session) && typeof object.block_tokens === 'number';
  });
  return isEvery ? 0.97 : 0;
}

/** From the bytes that somebody posted to frames of the log, or to one clear refusal. */

import { AnteroomError } from '../../engine/errors.ts';
import { eventLoopRound } from '../../engine/host/turns.ts';
import { printable } from '../../engine/printable.ts';
import type { LogFrame } from '../../engine/state/log-store.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import { verifiedArrowStream } from '../../streams/codec/verify-arrow-stream.ts';
import type { FormatOptions } from '../../streams/format.ts';
import { openSource } from '../../streams/sources/open.ts';
import { accessFrame, frameNames } from './log-frame.ts';
import { allowsName, type NameRules } from './name-rules.ts';
import { postFormats } from './post-formats.ts';
import { type RowLimits, RowRules } from './row-rules.ts';

/** Far more than the metadata of any batch that fits a post. */
const ARROW_ELEMENTS_MAX = 1_000_000;
/** Names that an answer lists as left out, and UTF-16 units of each: a stranger's post may have any number, of any length. */
const LEFT_OUT_TOLD = 20;
const LEFT_OUT_LENGTH_MAX = 60;

export interface PostOptions extends FormatOptions, RowLimits {
  /** Name of a format, or `auto`. */
  readonly format: string;
  readonly isLenient: boolean;
  readonly rowsMax: number;
  readonly rowsPerFrame: number;
  /** Consumers that the sender may name; default: any. */
  readonly consumers?: NameRules;
}

export interface ParsedPost {
  readonly format: string;
  readonly frames: readonly LogFrame[];
  readonly accepted: number;
  /** Bad records that were left out (lenient), the first ten of each kind with their places. */
  readonly rejected: number;
  readonly rejections: readonly string[];
  /** Well-formed records that are no accesses, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Times that went back within the post and were set to the latest before them. */
  readonly clampedTimes: number;
  /** Columns or members that are not read, the first twenty. */
  readonly leftOut: readonly string[];
}

/**
 * Parses a whole post before anything of it is kept: a bad record refuses all of it, unless lenient.
 * @throws AnteroomError 'bad-record', 'truncated', 'unknown-format', 'bad-usage' with the place; 'limit' for too many accesses;
 * 'forbidden' for a consumer that the sender may not name.
 */
export async function parsePost(body: Uint8Array, options: PostOptions): Promise<ParsedPost> {
  const {
    format,
    isLenient,
    nowMs,
    latestMs,
    nameBytesMax,
    rowsMax,
    rowsPerFrame,
    consumers = null,
    ...heeded
  } = options;
  if (format !== 'auto' && !postFormats.includes(format)) throw notTaken(format);
  const names = frameNames();
  const isArrow = format === 'arrow-ipc' || (format === 'auto' && looksLikeArrow(body));
  const bytes = isArrow ? verifiedArrowStream(body, { rowsMax, elementsMax: ARROW_ELEMENTS_MAX }) : body;
  const opening = openSource(bytes, {
    ...heeded,
    format: isArrow ? 'arrow-ipc' : format,
    lenient: isLenient,
    rowsMax: rowsPerFrame,
    timeMsMax: latestMs,
    ...names,
  });
  const source = await opening.catch((error: unknown) => {
    throw error instanceof AnteroomError && error.code === 'unknown-format' ? unknownFormat(body, error) : error;
  });
  if (source.format === 'arrow-ipc' && !isArrow) {
    await source.close();
    throw new AnteroomError('unsupported', 'Arrow in a compressed post cannot be verified; send the stream itself');
  }
  if (!postFormats.includes(source.format)) {
    await source.close();
    throw notTaken(source.format);
  }
  const frames: LogFrame[] = [];
  const rules = new RowRules(names, { nowMs, latestMs, nameBytesMax }, isLenient);
  let rows = 0;
  let accepted = 0;
  for await (const batch of source.batches) {
    rows += batch.length;
    if (rows > rowsMax)
      throw new AnteroomError('limit', `more than ${rowsMax} accesses in one post`, { context: { rowsMax } });
    const taken = rules.admit(batch);
    accepted += taken.length;
    // Names of rows that were left out are not kept either.
    const isWhole = frames.length === 0 && source.summary().accessCount === batch.length && rules.rejected === 0;
    if (taken.length > 0) frames.push(isWhole ? accessFrame(taken, names) : compactFrame(taken, names));
    await eventLoopRound();
  }
  checkConsumers(names.consumers, consumers);
  const summary = source.summary();
  return {
    format: source.format,
    frames,
    accepted,
    rejected: summary.rejectedCount + rules.rejected,
    rejections: [...summary.rejections, ...rules.rejections],
    skipped: Object.fromEntries(summary.skipped),
    clampedTimes: summary.clampedTimeCount,
    leftOut: summary.leftOut.slice(0, LEFT_OUT_TOLD).map((name) => printable(name, LEFT_OUT_LENGTH_MAX)),
  };
}

function notTaken(format: string): AnteroomError {
  return new AnteroomError('unsupported', `${format} is not taken by a post; there are: ${postFormats.join(', ')}`);
}

/** Texts that are no lines of records, by the names that `detectFormat` gives them. */
const oddities: Readonly<Record<string, string>> = {
  'UTF-16': 'it is text in UTF-16, and UTF-8 is taken',
  'carriage returns': 'its lines end with a carriage return alone, and a line feed is taken',
  'JSON array': 'it looks like a JSON array, and one object a line is taken (ndjson)',
};

/** In the words of who posts, who has no command line. */
function unknownFormat(body: Uint8Array, { context }: AnteroomError): AnteroomError {
  const guesses = context.guesses ? ` (best guesses: ${context.guesses})` : '';
  const oddity = oddities[String(context.oddity)];
  const what = body.length === 0 ? 'it is empty' : (oddity ?? `its format is not recognised${guesses}`);
  return new AnteroomError(
    'unknown-format',
    `${what}; expected a log in one of the formats ${postFormats.join(', ')}, which \`format\` may name`,
  );
}

/** @throws AnteroomError 'forbidden' with the first consumer that may not be named. */
function checkConsumers(named: Names, allowed: NameRules): void {
  if (allowed === null) return;
  for (let id = 0; id < named.count; id++) {
    const name = named.nameOf(id);
    if (!allowsName(allowed, name))
      throw new AnteroomError(
        'forbidden',
        `accesses of the consumer ${JSON.stringify(name.slice(0, 60))} may not come from here`,
      );
  }
}

/** A stream begins with a continuation, a file with its magic. */
function looksLikeArrow(body: Uint8Array): boolean {
  const text = String.fromCharCode(...body.subarray(0, 6));
  return (
    text === 'ARROW1' || (body.length > 8 && body[0] === 255 && body[1] === 255 && body[2] === 255 && body[3] === 255)
  );
}

/** A frame with the names that its own rows use: frames of one post do not repeat all names of the post. */
function compactFrame(batch: AccessBatch, names: ReturnType<typeof frameNames>): LogFrame {
  const own = frameNames();
  const segment = new Uint32Array(batch.length);
  const consumer = new Int32Array(batch.length);
  const site = new Int32Array(batch.length);
  for (let i = 0; i < batch.length; i++) {
    segment[i] = internCopy(own.segments, names.segments, batch.segment[i]!);
    consumer[i] = batch.consumer[i]! < 0 ? -1 : internCopy(own.consumers, names.consumers, batch.consumer[i]!);
    site[i] = batch.site[i]! < 0 ? -1 : internCopy(own.sites, names.sites, batch.site[i]!);
  }
  const { timeMs, op, size, weight } = batch;
  return accessFrame(new AccessBatch(batch.position, { timeMs, segment, consumer, site, op, size, weight }), own);
}

type Names = ReturnType<typeof frameNames>['segments'];

/** The id in `to` of the name that has `id` in `from`. */
function internCopy(to: Names, from: Names, id: number): number {
  const bytes = from.bytesOf(id);
  return to.internBytes(bytes, 0, bytes.length);
}

/** What a node writes to its log: accesses, and answers to prefetch requests, as bytes that explain themselves. */

import { AnteroomError } from '../../engine/errors.ts';
import type { LogFrame } from '../../engine/state/log-store.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { readAccessArrow } from '../../streams/codec/access-arrow-reader.ts';
import { AccessArrowWriter, type AccessNames, concatBytes } from '../../streams/codec/access-arrow-writer.ts';
import { type NamedRows, readNamedRows } from '../../streams/codec/named-rows.ts';
import { verifiedArrowStream } from '../../streams/codec/verify-arrow-stream.ts';
import { Interner } from '../../streams/interner.ts';

/** What became of a prefetch request, as its sinks told. */
export interface PrefetchAnswer {
  readonly segment: string;
  readonly isLanded: boolean;
  /** Bytes; -1 = not told. */
  readonly sizeBytes: number;
  /** From the handing out to the answer. */
  readonly durationMs: number;
}

/** A frame read again: batches have ids of `names`, which are the frame's own. */
export type DecodedFrame =
  | { readonly kind: 'accesses'; readonly batches: readonly AccessBatch[]; readonly names: AccessNames }
  | { readonly kind: 'answers'; readonly answers: readonly PrefetchAnswer[] };

/** Kind, layout, and room so that what follows lies at a multiple of eight. */
const HEADER_BYTES = 8;
const LAYOUT = 1;
/** `ingest.rowsPerFrame` at most, and far more than the metadata of so many. */
const BOUNDS = { rowsMax: 65_536, elementsMax: 1_000_000 };
const Kind = { accesses: 1, answers: 2 } as const;

/** A frame of one batch with the names of its ids. Units are its rows. */
export function accessFrame(batch: AccessBatch, names: AccessNames): LogFrame {
  const writer = new AccessArrowWriter({ layout: 'stream', names });
  const chunks = [...writer.write(batch), ...writer.end()];
  return { units: batch.length, bytes: concatBytes([header(Kind.accesses), ...chunks]) };
}

/** A frame of answers. Units are the answers. */
export function answerFrame(answers: readonly PrefetchAnswer[]): LogFrame {
  const text = new TextEncoder().encode(JSON.stringify(answers));
  return { units: answers.length, bytes: concatBytes([header(Kind.answers), text]) };
}

/**
 * The accesses of a frame as they lie in it; null for a frame that `decodeFrame` has to read: answers, and whatever is not just as
 * `accessFrame` writes it. @throws AnteroomError 'bad-record' for metadata that cannot be.
 */
export function namedRowsOf(bytes: Uint8Array): NamedRows | null {
  if (bytes[0] !== Kind.accesses || bytes[1] !== LAYOUT) return null;
  return readNamedRows(bytes.subarray(HEADER_BYTES), BOUNDS);
}

/** @throws AnteroomError 'unsupported' for a frame of another layout, 'bad-record' or 'truncated' for one that is damaged. */
export async function decodeFrame(bytes: Uint8Array): Promise<DecodedFrame> {
  const [kind, layout] = bytes;
  if (layout !== LAYOUT) throw new AnteroomError('unsupported', `a log frame of layout ${layout} is not known here`);
  const body = bytes.subarray(HEADER_BYTES);
  if (kind === Kind.answers) return { kind: 'answers', answers: readAnswers(body) };
  if (kind !== Kind.accesses) throw new AnteroomError('unsupported', `a log frame of kind ${kind} is not known here`);
  const names = frameNames();
  const batches: AccessBatch[] = [];
  // A reader believes the lengths that a stream states; what lies in a log was written here, and may have been damaged since.
  const verified = verifiedArrowStream(body, BOUNDS);
  for await (const batch of readAccessArrow(verified, names)) batches.push(batch);
  return { kind: 'accesses', batches, names };
}

/** @throws AnteroomError 'bad-record' for what is no list of answers. */
function readAnswers(body: Uint8Array): readonly PrefetchAnswer[] {
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new AnteroomError('bad-record', 'a log frame of answers is no JSON', { cause });
  }
  const isAnswer = (one: Partial<PrefetchAnswer> | null): boolean =>
    typeof one === 'object' &&
    one !== null &&
    typeof one.segment === 'string' &&
    typeof one.isLanded === 'boolean' &&
    Number.isFinite(one.sizeBytes) &&
    Number.isFinite(one.durationMs);
  if (!Array.isArray(found) || !found.every(isAnswer))
    throw new AnteroomError('bad-record', 'a log frame of answers holds something else');
  return found as readonly PrefetchAnswer[];
}

/** Empty tables for the names of one post or frame. */
export function frameNames(): { readonly segments: Interner; readonly consumers: Interner; readonly sites: Interner } {
  return {
    segments: new Interner({ countHint: 64 }),
    consumers: new Interner({ countHint: 16 }),
    sites: new Interner({ countHint: 16 }),
  };
}

function header(kind: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes[0] = kind;
  bytes[1] = LAYOUT;
  return bytes;
}

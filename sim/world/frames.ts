/** What simulated places say to each other and what the simulated node logs, as bytes. */

/** One batch of accesses as its producer made it. */
export interface Batch {
  readonly producer: number;
  readonly sequence: number;
  /** Event time, ms; need not be in order. */
  readonly timeMs: Float64Array;
  readonly segment: Uint32Array;
  readonly size: Float64Array;
}

const HEADER_BYTES = 16;
const ROW_BYTES = 16;
const Kind = { accesses: 1, answer: 2 } as const;

export function encodeBatch({ producer, sequence, timeMs, segment, size }: Batch): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + ROW_BYTES * segment.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Kind.accesses, true);
  view.setUint32(4, producer, true);
  view.setUint32(8, sequence, true);
  view.setUint32(12, segment.length, true);
  for (let i = 0, at = HEADER_BYTES; i < segment.length; i++, at += ROW_BYTES) {
    view.setFloat64(at, timeMs[i]!, true);
    view.setUint32(at + 8, segment[i]!, true);
    view.setUint32(at + 12, size[i]!, true);
  }
  return bytes;
}

export function encodeAnswer(id: number): Uint8Array {
  return encodeNumbers([Kind.answer, id, 0, 0]);
}

export type Frame =
  | { readonly kind: 'accesses'; readonly batch: Batch }
  | { readonly kind: 'answer'; readonly id: number };

export function decodeFrame(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) === Kind.answer) return { kind: 'answer', id: view.getUint32(4, true) };
  const length = view.getUint32(12, true);
  const timeMs = new Float64Array(length);
  const segment = new Uint32Array(length);
  const size = new Float64Array(length);
  for (let i = 0, at = HEADER_BYTES; i < length; i++, at += ROW_BYTES) {
    timeMs[i] = view.getFloat64(at, true);
    segment[i] = view.getUint32(at + 8, true);
    size[i] = view.getUint32(at + 12, true);
  }
  return {
    kind: 'accesses',
    batch: { producer: view.getUint32(4, true), sequence: view.getUint32(8, true), timeMs, segment, size },
  };
}

export function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * numbers.length);
  const view = new DataView(bytes.buffer);
  for (const [i, number] of numbers.entries()) view.setUint32(4 * i, number, true);
  return bytes;
}

export function numberAt(bytes: Uint8Array, index: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4 * index, true);
}

/** Reads bytes through a format into plain rows, for tests. */

import type { AccessBatch } from '../../../streams/access-batch.ts';
import { AccessBatchBuilder } from '../../../streams/access-batch-builder.ts';
import type { SourceSummary } from '../../../streams/access-sink.ts';
import type { FileFormat, Format, FormatOptions, RandomAccessFile, StreamFormat } from '../../../streams/format.ts';

export interface Row {
  readonly timeMs: number;
  readonly segment: string;
  readonly consumer: string | null;
  readonly site: string | null;
  readonly op: number;
  readonly size: number;
  readonly weight: number;
}

export interface Trace {
  readonly builder: AccessBatchBuilder;
  readonly batches: readonly AccessBatch[];
  readonly summary: SourceSummary;
}

export interface ReadOptions extends FormatOptions {
  readonly isLenient?: boolean;
  /** Lengths of the chunks, repeated; the whole input at once when not given. */
  readonly cuts?: readonly number[];
}

export function readTrace(format: StreamFormat, bytes: Uint8Array, options: ReadOptions = {}): Trace {
  const { isLenient = false, cuts, ...formatOptions } = options;
  const builder = new AccessBatchBuilder({ file: 'trace', isLenient });
  const batches: AccessBatch[] = [];
  const takeAll = (): void => {
    for (let batch = builder.takeFull(); batch !== null; batch = builder.takeFull()) batches.push(batch);
  };
  const decoder = format.decoder(formatOptions);
  let cut = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = cuts === undefined ? bytes.length : Math.max(1, cuts[cut++ % cuts.length]!);
    const chunk = bytes.slice(at, at + length);
    decoder.write(chunk, builder);
    chunk.fill(0xa5); // a decoder that keeps a reference to its chunk shows here
    takeAll();
    at += length;
  }
  while (decoder.endPart?.(builder) === true) takeAll();
  decoder.end(builder);
  takeAll();
  const rest = builder.takeRest();
  if (rest !== null) batches.push(rest);
  return { builder, batches, summary: builder.summary() };
}

export async function readFileTrace(format: FileFormat, bytes: Uint8Array, options: ReadOptions = {}): Promise<Trace> {
  const { isLenient = false, cuts: _cuts, ...formatOptions } = options;
  const builder = new AccessBatchBuilder({ file: 'trace', isLenient });
  const batches: AccessBatch[] = [];
  for await (const _ of format.read(fileOf(bytes), formatOptions, builder)) {
    for (let batch = builder.takeFull(); batch !== null; batch = builder.takeFull()) batches.push(batch);
  }
  const rest = builder.takeRest();
  if (rest !== null) batches.push(rest);
  return { builder, batches, summary: builder.summary() };
}

export function fileOf(bytes: Uint8Array): RandomAccessFile {
  return { byteLength: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

export function rowsOf(trace: Trace): Row[] {
  const { segments, consumers, sites } = trace.builder;
  return trace.batches.flatMap((batch) =>
    Array.from({ length: batch.length }, (_, i) => ({
      timeMs: batch.timeMs[i]!,
      segment: segments.nameOf(batch.segment[i]!),
      consumer: batch.consumer[i]! < 0 ? null : consumers.nameOf(batch.consumer[i]!),
      site: batch.site[i]! < 0 ? null : sites.nameOf(batch.site[i]!),
      op: batch.op[i]!,
      size: batch.size[i]!,
      weight: batch.weight[i]!,
    })),
  );
}

/** All rows of one column. */
export function columnOf<K extends 'timeMs' | 'segment' | 'consumer' | 'site' | 'op' | 'size' | 'weight'>(
  trace: Trace,
  name: K,
): number[] {
  const values: number[] = [];
  for (const batch of trace.batches) for (const value of batch[name]) values.push(value);
  return values;
}

export function rows(format: StreamFormat, text: string | Uint8Array, options: ReadOptions = {}): Row[] {
  return rowsOf(readTrace(format, typeof text === 'string' ? new TextEncoder().encode(text) : text, options));
}

export function detectOf(format: Format, content: string | Uint8Array, isWhole = true): number {
  return format.detect(typeof content === 'string' ? new TextEncoder().encode(content) : content, isWhole);
}

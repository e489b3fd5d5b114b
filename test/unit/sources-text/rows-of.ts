/** Reads bytes with a format, cut as told, into plain rows with names, for comparisons. */

import { AnteroomError } from '../../../engine/errors.ts';
import { AccessBatchBuilder } from '../../../streams/access-batch-builder.ts';
import type { SourceSummary } from '../../../streams/access-sink.ts';
import type { FormatOptions, StreamFormat } from '../../../streams/format.ts';
import { type OperationName, operationNames } from '../../../streams/operation.ts';

export interface Row {
  readonly timeMs: number;
  readonly segment: string;
  readonly consumer: string | null;
  readonly site: string | null;
  readonly op: OperationName;
  readonly size: number;
  readonly weight: number;
}

export interface Reading {
  readonly rows: Row[];
  readonly summary: SourceSummary;
  /** Message of the AnteroomError that ended it, with its code, or null. */
  readonly error: string | null;
}

export function readingOf(
  format: StreamFormat,
  input: string | Uint8Array,
  options: FormatOptions & { readonly lenient?: boolean; readonly cuts?: readonly number[] } = {},
): Reading {
  const { lenient, cuts, ...formatOptions } = options;
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const builder = new AccessBatchBuilder({ file: 'input', isLenient: lenient ?? false, rowsMax: 1000 });
  let error: string | null = null;
  try {
    const decoder = format.decoder(formatOptions);
    let from = 0;
    for (const cut of [...(cuts ?? []).map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]) {
      // A copy that is overwritten afterwards shows a decoder that keeps a reference.
      const chunk = bytes.slice(from, cut);
      decoder.write(chunk, builder);
      chunk.fill(0x22);
      from = cut;
    }
    decoder.end(builder);
  } catch (caught) {
    if (!(caught instanceof AnteroomError)) throw caught;
    error = `${caught.code}: ${caught.message}`;
  }
  const rows: Row[] = [];
  for (let batch = builder.takeRest(); batch !== null; batch = builder.takeRest())
    for (let i = 0; i < batch.length; i++)
      rows.push({
        timeMs: batch.timeMs[i]!,
        segment: builder.segments.nameOf(batch.segment[i]!),
        consumer: batch.consumer[i]! < 0 ? null : builder.consumers.nameOf(batch.consumer[i]!),
        site: batch.site[i]! < 0 ? null : builder.sites.nameOf(batch.site[i]!),
        op: operationNames[batch.op[i]!]!,
        size: batch.size[i]!,
        weight: batch.weight[i]!,
      });
  return { rows, summary: builder.summary(), error };
}

/** A generated workload as rows with names, for tests that check its truth. */

import { chooseWorkload, generateBatches } from '../../../sim/workloads/index.ts';
import { AccessBatchBuilder } from '../../../streams/access-batch-builder.ts';

/** One access. */
export interface GeneratedRow {
  readonly timeMs: number;
  readonly segment: string;
  /** Empty where there is none. */
  readonly consumer: string;
  readonly size: number;
}

/** Generates a workload with some parameters set. */
export function generatedRows(
  name: string,
  parameters: Readonly<Record<string, number>> = {},
  seed = 1,
  rowsMax = 32768,
): readonly GeneratedRow[] {
  const builder = new AccessBatchBuilder({ file: name, rowsMax });
  const rows: GeneratedRow[] = [];
  for (const batch of generateBatches(chooseWorkload(name, parameters), seed, builder)) {
    for (let i = 0; i < batch.length; i++) {
      rows.push({
        timeMs: batch.timeMs[i]!,
        segment: builder.segments.nameOf(batch.segment[i]!),
        consumer: batch.consumer[i]! < 0 ? '' : builder.consumers.nameOf(batch.consumer[i]!),
        size: batch.size[i]!,
      });
    }
  }
  return rows;
}

/** How often each key occurs. */
export function countsBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** Writes access batches as CSV, in the columns that the CSV reader knows without options. */

import { openTextSink } from '../../engine/host/text-sink.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { AccessSink } from '../../streams/access-sink.ts';
import { Operation } from '../../streams/operation.ts';

const LETTERS: Readonly<Record<number, string>> = {
  [Operation.read]: 'r',
  [Operation.write]: 'w',
  [Operation.delete]: 'd',
  [Operation.other]: 'o',
};

/**
 * Writes `t_ms,client,object,size,op,weight`; -1 = absent. Returns the count of rows.
 * @throws AnteroomError 'io', 'not-found' or 'disk-full'; then there is no file.
 */
export async function writeCsv(path: string, batches: Iterable<AccessBatch>, names: AccessSink): Promise<number> {
  const sink = await openTextSink(path);
  let rows = 0;
  try {
    await sink.write('t_ms,client,object,size,op,weight\n');
    for (const batch of batches) {
      let text = '';
      for (let i = 0; i < batch.length; i++) {
        const time = Number.isNaN(batch.timeMs[i]!) ? -1 : batch.timeMs[i]!;
        const consumer = batch.consumer[i]! < 0 ? '-1' : quoted(names.consumers.nameOf(batch.consumer[i]!));
        const segment = quoted(names.segments.nameOf(batch.segment[i]!));
        text += `${time},${consumer},${segment},${batch.size[i]!},${LETTERS[batch.op[i]!]},${batch.weight[i]!}\n`;
      }
      await sink.write(text);
      rows += batch.length;
    }
    await sink.close();
  } catch (error) {
    await sink.discard();
    throw error;
  }
  return rows;
}

function quoted(name: string): string {
  return /[",\n\r]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

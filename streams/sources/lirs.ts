/** The LIRS authors' text traces: a block number a line, with lines of `*` between. */

import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import { Fields, type LineRecord, LineRecordDecoder, lookAtLines, refuseLine, textOf } from './line-records.ts';

const asterisk = 0x2a;
const linesLookedAt = 4096;

/** A line of `*` marks where the authors' simulator took statistics; it is not an access. Order is all there is. */
export const lirs: StreamFormat = {
  kind: 'stream',
  name: 'lirs',
  description: 'LIRS text trace (a block number a line; lines of * are marks, not accesses)',
  reference: 'Jiang and Zhang, "LIRS", SIGMETRICS 2002, and its trace files',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(lirs.name, options, []);
    const fields = new Fields(1);
    return new LineRecordDecoder((record, sink) => readLine(record, fields, sink));
  },
};

function readLine(record: LineRecord, fields: Fields, sink: AccessSink): boolean {
  const { bytes, start, end } = record;
  fields.splitAtBlanks(bytes, start, end);
  const from = fields.starts[0]!;
  const to = fields.ends[0]!;
  if (fields.count !== 1 || !(bytes[from] === asterisk || isDigits(bytes, from, to))) {
    return refuseLine(record, from - start + 1, 'one block number, or *', textOf(bytes, from, end), sink);
  }
  if (bytes[from] === asterisk) {
    sink.skip('mark');
    return false;
  }
  // A last line that was cut inside its number cannot be told from a whole one: files without a final newline are common.
  sink.append(Number.NaN, sink.segments.internBytes(bytes, from, to), ABSENT, ABSENT, Operation.read, -1, 1);
  return true;
}

function isDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
  return end > start;
}

/** Numbers alone are also an id-a-line trace of libCacheSim; the mark tells them apart, and either reader gives the same accesses. */
function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(1);
  let markCount = 0;
  let blockCount = 0;
  const { isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    fields.splitAtBlanks(bytes, start, end);
    const from = fields.starts[0]!;
    if (fields.count !== 1) return false;
    if (bytes[from] === asterisk) {
      markCount++;
      return fields.ends[0]! === from + 1;
    }
    blockCount++;
    return isDigits(bytes, from, fields.ends[0]!);
  });
  if (!isEvery || blockCount === 0) return 0;
  return markCount > 0 ? 0.95 : 0.5;
}

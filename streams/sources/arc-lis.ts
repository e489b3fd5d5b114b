/** ARC's `.lis` traces: runs of blocks, four numbers a line. */

import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import {
  Fields,
  type LineRecord,
  LineRecordDecoder,
  lookAtLines,
  refuseField,
  refuseLine,
  textOf,
  unsignedOf,
} from './line-records.ts';

const fieldCount = 4;
const blockBytes = 512;
/** Blocks of one line; a larger count is taken for damage rather than expanded. */
const runLengthMax = 2 ** 20;
const linesLookedAt = 64;

/**
 * `start count ignored sequence`: `count` accesses to blocks start .. start + count - 1, in order.
 *
 * Blocks are 512 bytes, as in the paper's disk traces. Ids are opaque although runs are expanded by arithmetic: the OLTP trace
 * was numbered by its authors in order of first touch, so arithmetic on the ids would see the future.
 */
export const arcLis: StreamFormat = {
  kind: 'stream',
  name: 'arc-lis',
  description: 'ARC .lis trace (a line: first block, count, ignored, sequence number)',
  reference: 'Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003, and its trace files',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(arcLis.name, options, []);
    const fields = new Fields(fieldCount);
    return new LineRecordDecoder((record, sink) => readLine(record, fields, sink));
  },
};

function readLine(record: LineRecord, fields: Fields, sink: AccessSink): boolean {
  const { bytes, start, end } = record;
  fields.splitAtBlanks(bytes, start, end);
  if (fields.count !== fieldCount) {
    const found = `${fields.count} fields in ${textOf(bytes, start, end)}`;
    return refuseLine(record, 1, 'four numbers: start count ignored sequence', found, sink);
  }
  const { starts, ends } = fields;
  const first = unsignedOf(bytes, starts[0]!, ends[0]!);
  const count = unsignedOf(bytes, starts[1]!, ends[1]!);
  if (Number.isNaN(first)) return refuseField(record, fields, 0, 'the number of the first block', sink);
  if (!(count >= 1 && count <= runLengthMax))
    return refuseField(record, fields, 1, `a count of blocks in 1..${runLengthMax}`, sink);
  for (const field of [2, 3]) {
    if (Number.isNaN(unsignedOf(bytes, starts[field]!, ends[field]!)))
      return refuseField(record, fields, field, 'a number', sink);
  }
  const segments = sink.segments;
  for (let block = first; block < first + count; block++) {
    const segment = segments.internU64(Math.floor(block / 2 ** 32), block >>> 0);
    sink.append(Number.NaN, segment, ABSENT, ABSENT, Operation.read, blockBytes, 1);
  }
  return true;
}

/** Four numbers a line, the third always 0, the fourth never going back. */
function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(fieldCount);
  let lastSequence = 0;
  const { isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    fields.splitAtBlanks(bytes, start, end);
    if (fields.count !== fieldCount) return false;
    const { starts, ends } = fields;
    const count = unsignedOf(bytes, starts[1]!, ends[1]!);
    const sequence = unsignedOf(bytes, starts[3]!, ends[3]!);
    const isPlausible =
      !Number.isNaN(unsignedOf(bytes, starts[0]!, ends[0]!)) &&
      count >= 1 &&
      count <= runLengthMax &&
      unsignedOf(bytes, starts[2]!, ends[2]!) === 0 &&
      sequence >= lastSequence;
    lastSequence = sequence;
    return isPlausible;
  });
  return isEvery ? 0.95 : 0;
}

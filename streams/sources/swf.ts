/** The Standard Workload Format of the Parallel Workloads Archive: a job of a supercomputer a line. */

import { ABSENT, isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import {
  Fields,
  type LineRecord,
  LineRecordDecoder,
  lookAtLines,
  numberOf,
  refuseLine,
  textOf,
} from './line-records.ts';

const fieldCount = 18;
const semicolon = 0x3b;
const linesLookedAt = 512;
// Fields from 0; the standard counts them from 1.
const submitTime = 1;
const allocatedProcessors = 4;
const requestedProcessors = 7;
const user = 11;
const executable = 13;

/**
 * A job is an access to its executable (field 14) by its user (field 12) when it was submitted (field 2 after the header's
 * UnixStartTime, or after 0 where there is none).
 *
 * An unknown executable (-1) is a segment of its own, as all jobs count; an unknown user is no consumer. The size column holds
 * the processors allocated (field 5, else those requested): the standard has no bytes, and how wide a job is stands in for them.
 */
export const swf: StreamFormat = {
  kind: 'stream',
  name: 'swf',
  description: 'Standard Workload Format 2.2 (jobs of a parallel machine: user runs executable)',
  reference: 'https://www.cs.huji.ac.il/labs/parallel/workload/swf.html',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(swf.name, options, []);
    return new LineRecordDecoder(new SwfReader().read);
  },
};

class SwfReader {
  readonly #fields = new Fields(fieldCount);
  #startMs = 0;

  readonly read = (record: LineRecord, sink: AccessSink): boolean => {
    const { bytes, start, end } = record;
    const fields = this.#fields;
    fields.splitAtBlanks(bytes, start, end);
    const { starts, ends } = fields;
    if (bytes[starts[0]!] === semicolon) {
      const unixStart = /^;\s*UnixStartTime:\s*(\d{1,12})/.exec(textOf(bytes, start, end))?.[1];
      if (unixStart !== undefined) this.#startMs = Number(unixStart) * 1000;
      sink.skip('comment');
      return false;
    }
    if (fields.count !== fieldCount) {
      const found = `${fields.count} fields in ${textOf(bytes, start, end)}`;
      return refuseLine(record, 1, `${fieldCount} fields of a job`, found, sink);
    }
    for (let field = 0; field < fieldCount; field++) {
      if (!Number.isNaN(numberOf(bytes, starts[field]!, ends[field]!))) continue;
      const found = textOf(bytes, starts[field]!, ends[field]!);
      return refuseLine(record, starts[field]! - start + 1, `a number in field ${field + 1}`, found, sink);
    }
    const seconds = numberOf(bytes, starts[submitTime]!, ends[submitTime]!);
    const timeMs = this.#startMs + seconds * 1000;
    if (seconds < 0 || !isTime(timeMs)) {
      const found = textOf(bytes, starts[submitTime]!, ends[submitTime]!);
      return refuseLine(record, starts[submitTime]! - start + 1, 'a submit time of 0 or later', found, sink);
    }
    const allocated = numberOf(bytes, starts[allocatedProcessors]!, ends[allocatedProcessors]!);
    const requested = numberOf(bytes, starts[requestedProcessors]!, ends[requestedProcessors]!);
    const isUserKnown = bytes[starts[user]!] !== 0x2d;
    const consumer = isUserKnown ? sink.consumers.internBytes(bytes, starts[user]!, ends[user]!) : ABSENT;
    const segment = sink.segments.internBytes(bytes, starts[executable]!, ends[executable]!);
    const size = [allocated, requested].find((count) => count >= 0 && Number.isSafeInteger(count)) ?? -1;
    sink.append(timeMs, segment, consumer, ABSENT, Operation.read, size, 1);
    return true;
  };
}

/** Comments that start with `;`, then lines of exactly 18 numbers. */
function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(fieldCount);
  let jobCount = 0;
  let hasVersion = false;
  const { isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    fields.splitAtBlanks(bytes, start, end);
    if (bytes[fields.starts[0]!] === semicolon) {
      if (/^;\s*(Version|UnixStartTime|MaxJobs|Computer):/.test(textOf(bytes, start, end))) hasVersion = true;
      return true;
    }
    jobCount++;
    if (fields.count !== fieldCount) return false;
    for (let field = 0; field < fieldCount; field++) {
      if (Number.isNaN(numberOf(bytes, fields.starts[field]!, fields.ends[field]!))) return false;
    }
    return true;
  });
  if (!isEvery || (jobCount === 0 && !hasVersion)) return 0;
  return jobCount > 0 ? 0.97 : 0.9;
}

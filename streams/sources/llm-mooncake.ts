/** Mooncake's LLM serving traces: a JSON object a request, whose KV-cache blocks are the accesses. */

import { ABSENT, isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import { type LineRecord, LineRecordDecoder, lookAtLines, refuseLine, textOf } from './line-records.ts';
import { isBlockId, jsonObjectOf } from './llm-json.ts';

const linesLookedAt = 16;

/**
 * `{timestamp, input_length, output_length, hash_ids[]}`: one access per block of `hash_ids`, in order, all at `timestamp` (ms).
 *
 * No consumer is recorded. A block holds the keys and values of 512 tokens, whose bytes depend on the model: no size.
 */
export const llmMooncake: StreamFormat = {
  kind: 'stream',
  name: 'llm-mooncake',
  description: 'Mooncake LLM trace (JSON lines with timestamp and hash_ids): one access per KV-cache block',
  reference: 'https://github.com/kvcache-ai/Mooncake, FAST25-release; Qin et al., "Mooncake", FAST 2025',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(llmMooncake.name, options, []);
    return new LineRecordDecoder(readLine);
  },
};

function readLine(record: LineRecord, sink: AccessSink): boolean {
  const text = textOf(record.bytes, record.start, record.end);
  const request = jsonObjectOf(text);
  if (request === null) return refuseLine(record, 1, 'a JSON object', text, sink);
  const timestamp = request.timestamp;
  if (typeof timestamp !== 'number' || !(timestamp >= 0 && isTime(timestamp))) {
    return refuseLine(record, 1, 'timestamp: milliseconds', JSON.stringify(timestamp) ?? 'none', sink);
  }
  const blocks = request.hash_ids;
  if (!Array.isArray(blocks)) return refuseLine(record, 1, 'hash_ids: a list of block ids', text, sink);
  for (const block of blocks) {
    if (!isBlockId(block)) return refuseLine(record, 1, 'hash_ids: whole numbers below 2^53', String(block), sink);
  }
  for (const block of blocks as readonly number[]) {
    const segment = sink.segments.internU64(Math.floor(block / 2 ** 32), block >>> 0);
    sink.append(timestamp, segment, ABSENT, ABSENT, Operation.read, -1, 1);
  }
  if (blocks.length === 0) sink.skip('request without blocks');
  return blocks.length > 0;
}

/** The first request of a trace may be longer than the head; its first bytes then decide. */
function detect(head: Uint8Array, isWhole: boolean): number {
  const { isEvery, lineCount } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    const request = jsonObjectOf(textOf(bytes, start, end));
    return request !== null && typeof request.timestamp === 'number' && Array.isArray(request.hash_ids);
  });
  if (isEvery) return 0.97;
  if (lineCount > 0) return 0;
  return head.indexOf(0x0a) < 0 &&
    /^\s*\{"timestamp":.*"hash_ids":\s*\[/.test(textOf(head, 0, Math.min(head.length, 4096)))
    ? 0.9
    : 0;
}

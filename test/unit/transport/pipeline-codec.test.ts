import { tableFromIPC } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { pipelineCodec } from '../../../actors/placement/pipeline-codec.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';
import { decodeAccessBatch, encodeAccessBatch } from '../../../streams/codec/access-batch-bytes.ts';

const rows = 50;
const random = new Xoshiro128(11);
const batch = new AccessBatch(1000, {
  timeMs: Float64Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? Number.NaN : i * 10)),
  segment: Uint32Array.from({ length: rows }, () => random.int(2 ** 31)),
  consumer: Int32Array.from({ length: rows }, () => random.int(100) - 1),
  site: new Int32Array(rows).fill(-1),
  op: Uint8Array.from({ length: rows }, () => random.int(4)),
  size: Float64Array.from({ length: rows }, () => random.int(10_000) - 1),
  weight: new Float64Array(rows).fill(1),
});

const messages: readonly { readonly kind: string }[] = [
  { kind: 'accesses', batch } as { kind: string },
  { kind: 'tick', position: 5, timeMs: Number.NaN } as { kind: string },
  {
    kind: 'proposals',
    expert: 'popularity',
    position: 5,
    timeMs: 1.5,
    proposals: { segment: Uint32Array.of(1, 2), horizon: Uint8Array.of(0, 1), score: Float64Array.of(0.5, Number.NaN) },
  } as { kind: string },
  {
    kind: 'forecasts',
    position: 5,
    timeMs: 1.5,
    forecasts: {
      segment: Uint32Array.of(1),
      horizon: Uint8Array.of(0),
      probability: Float64Array.of(0.5),
      expert: Uint8Array.of(2),
    },
  } as { kind: string },
  {
    kind: 'outcomes',
    position: 9,
    id: Float64Array.of(1, 2),
    expert: Uint8Array.of(0, 1),
    outcome: Uint8Array.of(255, 0),
  } as { kind: string },
  {
    kind: 'site-status',
    position: 9,
    freeBytes: 5,
    capacityBytes: 9,
    inFlightCount: 0,
    residence: Number.NaN,
    displacedValuePerByte: Number.POSITIVE_INFINITY,
    fetchBytes: Float64Array.of(1),
    fetchMs: Float64Array.of(2),
  } as { kind: string },
  {
    kind: 'plan',
    plan: {
      position: 3,
      timeMs: Number.NaN,
      entries: {
        id: Float64Array.of(1),
        segment: Uint32Array.of(1),
        sizeBytes: Float64Array.of(1),
        probability: Float64Array.of(1),
        expert: Uint8Array.of(1),
        startBy: Float64Array.of(1),
        expiresAt: Float64Array.of(1),
        netBenefit: Float64Array.of(1),
      },
      cancelled: new Float64Array(0),
    },
  } as { kind: string },
  { kind: 'residency', position: 3, held: Uint8Array.of(1), resident: Uint8Array.of(3) } as { kind: string },
  { kind: 'finish', position: 3 } as { kind: string },
  { kind: 'adopted', position: 3 } as { kind: string },
  { kind: 'finished', position: 3, digest: '00' } as { kind: string },
];

const codec = pipelineCodec<{ readonly kind: string }>();

describe('messages of a pipeline', () => {
  test.each(messages.map((message) => [message.kind, message] as const))('%s comes back as it was', (_, message) => {
    const { kind, frames } = codec.encode(message);
    expect(codec.decode(kind, frames)).toEqual(message);
  });

  test('a batch is read from bytes wherever they lie', () => {
    const bytes = encodeAccessBatch(batch);
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(decodeAccessBatch(moved.subarray(shift), batch.position, batch.length)).toEqual(batch);
    }
  });

  test('the bytes of a batch are an Arrow stream for any reader', async () => {
    const table = tableFromIPC(encodeAccessBatch(batch));
    expect(table.numRows).toBe(rows);
    expect(table.getChild('segment')!.toArray()).toEqual(batch.segment);
  });

  test('20,000 mutated messages are read as well-formed ones or refused, with no other error', () => {
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const message = messages[random.int(messages.length)]!;
      const { kind, frames } = codec.encode(message);
      const changed = frames.map((frame) => frame.slice());
      for (let changes = 1 + random.int(3); changes > 0; changes--) {
        const at = random.int(changed.length);
        const frame = changed[at]!;
        if (random.int(4) > 0 && frame.length > 0) frame[random.int(frame.length)] = random.int(256);
        else if (random.int(2) === 0) changed[at] = frame.slice(0, random.int(frame.length + 1));
        else changed.splice(at, 1);
        if (changed.length === 0) break;
      }
      try {
        const read = codec.decode(random.int(10) === 0 ? messages[random.int(messages.length)]!.kind : kind, changed);
        // What is let through has the fields of its kind, so its frames encode again.
        codec.encode(read);
      } catch (error) {
        refused++;
        if ((error as { code?: string }).code !== 'bad-record') throw error;
      }
    }
    expect(refused).toBeGreaterThan(4000);
  });

  test.each([
    ['a kind of another', 'tick', { kind: 'plan', position: 1, timeMs: 1 }],
    ['a missing field', 'tick', { kind: 'tick', position: 1 }],
    ['a field of another type', 'tick', { kind: 'tick', position: '1', timeMs: 1 }],
    ['a position that is none', 'tick', { kind: 'tick', position: -1, timeMs: 1 }],
    [
      'columns of unequal length',
      'outcomes',
      { kind: 'outcomes', position: 1, id: Float64Array.of(1), expert: new Uint8Array(0), outcome: Uint8Array.of(1) },
    ],
    ['a kind of nobody', 'shout', { kind: 'shout', position: 1 }],
  ])('%s is refused', (_, kind, message) => {
    const { frames } = codec.encode({ ...message, kind: message.kind });
    expect(() => codec.decode(kind, frames)).toThrow(expect.objectContaining({ code: 'bad-record' }));
  });
});

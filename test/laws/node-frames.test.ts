import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accessFrame, answerFrame, decodeFrame, frameNames } from '../../actors/node/log-frame.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import { fuzzInputs, fuzzTimeoutMs } from '../fuzz-inputs.ts';

const INPUTS = fuzzInputs(3000);

function frameOf(rows: number): Uint8Array {
  const names = frameNames();
  const segment = Uint32Array.from({ length: rows }, (_, i) => names.segments.internString(`/page/${i % 7}`));
  const consumer = Int32Array.from({ length: rows }, (_, i) => names.consumers.internString(`c${i % 3}`));
  const batch = new AccessBatch(0, {
    timeMs: Float64Array.from({ length: rows }, (_, i) => 1_790_000_000_000 + i),
    segment,
    consumer,
    site: new Int32Array(rows).fill(-1),
    op: new Uint8Array(rows),
    size: new Float64Array(rows).fill(5),
    weight: new Float64Array(rows).fill(1),
  });
  return accessFrame(batch, names).bytes;
}

const answers = answerFrame([
  { segment: '/a', isLanded: true, sizeBytes: 10, durationMs: 5 },
  { segment: '日本語', isLanded: false, sizeBytes: -1, durationMs: 0 },
]).bytes;
const samples: readonly Uint8Array[] = [frameOf(1), frameOf(40), answers, new Uint8Array(0), Uint8Array.of(1, 1)];

test(
  `law: ${INPUTS} damaged log frames are read as whole ones or refused by name, with no other error and no rows out of their bounds`,
  async () => {
    let read = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          sample: fc.nat({ max: samples.length - 1 }),
          edits: fc.array(fc.record({ at: fc.nat({ max: 4000 }), byte: fc.nat({ max: 255 }) }), { maxLength: 5 }),
          cut: fc.option(fc.nat({ max: 4000 })),
        }),
        async ({ sample, edits, cut }) => {
          const bytes = samples[sample]!.slice(0, cut ?? undefined);
          for (const { at, byte } of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          try {
            const frame = await decodeFrame(bytes);
            read++;
            if (frame.kind === 'answers') {
              for (const { segment, isLanded } of frame.answers)
                expect([typeof segment, typeof isLanded]).toEqual(['string', 'boolean']);
              return;
            }
            for (const batch of frame.batches)
              for (let i = 0; i < batch.length; i++) {
                if (batch.segment[i]! >= frame.names.segments.count) expect.fail(`segment ${batch.segment[i]}`);
                if (batch.consumer[i]! >= frame.names.consumers.count) expect.fail(`consumer ${batch.consumer[i]}`);
              }
          } catch (error) {
            if (!(error instanceof AnteroomError)) throw error;
            refused++;
            expect(['unsupported', 'bad-record', 'truncated', 'limit', 'corrupt']).toContain(error.code);
          }
        },
      ),
      { numRuns: INPUTS },
    );
    expect(read).toBeGreaterThan(INPUTS / 50);
    expect(refused).toBeGreaterThan(INPUTS / 50);
  },
  fuzzTimeoutMs(INPUTS),
);

import { describe, expect, test } from 'vitest';
import { AccessBatchBuilder } from '../../streams/access-batch-builder.ts';
import { llmAgentic } from '../../streams/sources/llm-agentic.ts';
import { hasTraces, traceBytes, whySkipped } from './native-traces.ts';

interface Line {
  readonly session?: number;
  readonly s: number;
  readonly d: number;
  readonly keep: number;
  readonly add: readonly number[];
}

describe.skipIf(!hasTraces)(`llm-agentic on the real trace${whySkipped}`, () => {
  test('gives every block of every request: per session in its own order, 1,472,634 distinct in 336 sessions', () => {
    const bytes = traceBytes('llm_agentic_a.jsonl.gz');
    // Oracle: each session expanded by itself from the description, folded to a count and an order-sensitive hash.
    const expected = new Map<number, Fold>();
    const previous = new Map<string, readonly number[]>();
    for (const text of new TextDecoder().decode(bytes).trimEnd().split('\n')) {
      const line = JSON.parse(text) as Line;
      if (line.session !== undefined) continue;
      const blocks = [...(previous.get(`${line.s} ${line.d}`) ?? []).slice(0, line.keep), ...line.add];
      previous.set(`${line.s} ${line.d}`, blocks);
      const fold = expected.get(line.s) ?? { count: 0, hash: 0 };
      expected.set(line.s, fold);
      for (const block of blocks) add(fold, block);
    }
    const builder = new AccessBatchBuilder({ file: 'llm_agentic_a.jsonl.gz' });
    const found = new Map<number, Fold>();
    let latestMs = 0;
    let backwards = 0;
    let numbers = new Float64Array(0);
    const take = (): void => {
      for (let batch = builder.takeFull() ?? null; batch !== null; batch = builder.takeFull()) fold(batch);
    };
    const fold = (batch: NonNullable<ReturnType<typeof builder.takeFull>>): void => {
      if (numbers.length < builder.segments.count) {
        const grown = new Float64Array(builder.segments.count * 2);
        for (let id = 0; id < builder.segments.count; id++) grown[id] = Number(builder.segments.nameOf(id));
        numbers = grown;
      }
      for (let row = 0; row < batch.length; row++) {
        const session = batch.consumer[row]!;
        const folded = found.get(session) ?? { count: 0, hash: 0 };
        found.set(session, folded);
        const segment = batch.segment[row]!;
        if (numbers[segment] === 0) numbers[segment] = Number(builder.segments.nameOf(segment));
        add(folded, numbers[segment]!);
        if (batch.timeMs[row]! < latestMs) backwards++;
        latestMs = batch.timeMs[row]!;
      }
    };
    const decoder = llmAgentic.decoder({});
    for (let at = 0; at < bytes.length; at += 65_536) {
      decoder.write(bytes.subarray(at, at + 65_536), builder);
      take();
    }
    while (decoder.endPart!(builder)) take();
    decoder.end(builder);
    take();
    const rest = builder.takeRest();
    if (rest !== null) fold(rest);
    expect(backwards).toBe(0);
    expect(builder.summary().clampedTimeCount).toBe(0);
    expect([builder.segments.count, builder.consumers.count]).toEqual([1_472_634, 336]);
    const bySession = [...found].map(([id, folded]) => [Number(builder.consumers.nameOf(id)), folded] as const);
    expect(new Map(bySession.sort((a, b) => a[0] - b[0]))).toEqual(expected);
  });
});

interface Fold {
  count: number;
  hash: number;
}

function add(fold: Fold, block: number): void {
  fold.count++;
  fold.hash = (Math.imul(fold.hash, 31) + (block % 0x7fffffff)) | 0;
}

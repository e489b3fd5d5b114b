import { expect, test } from 'vitest';
import { startMixtureKernel } from '../../../actors/near-loop/mixture-kernel.ts';
import type { MixtureLayout } from '../../../actors/near-loop/mixture-layout.ts';
import { KernelField } from '../../../actors/sequence-predictor/order-fields.ts';
import type { OrderTablesOptions } from '../../../actors/sequence-predictor/order-tables.ts';

const PAGE = 65_536;

test('order beside more facts and less room, of as many pages in all, was looked for where another layout had it', () => {
  // Where the columns of the mixture lie does not matter to a step of order.
  const at = Object.fromEntries(['candidateSegment', 'candidateBins'].map((name) => [name, 128]));
  const columns = new Proxy(at, { get: (known, name) => known[String(name)] ?? 256 }) as unknown as MixtureLayout['at'];
  const order = { successors: { degree: 8 }, weights: [16, 13, 11] } as unknown as OrderTablesOptions;
  for (const [pages, orderPages] of [
    [4, 8],
    [8, 4],
  ] as const) {
    const layout = { at: columns, bytes: pages * PAGE, orderBytes: orderPages * PAGE } as unknown as MixtureLayout;
    const { memory, run } = startMixtureKernel(layout, order, 64)!;
    expect(memory.byteLength).toBe(12 * PAGE);
    run.step(12 * PAGE - 1024, 0, 0, 0);
    // The consumer asked for nothing before.
    expect(new Int32Array(memory)[(pages * PAGE + KernelField.latest) / 4]).toBe(-1);
  }
});

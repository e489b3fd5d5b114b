import { describe, expect, test } from 'vitest';
import type { AddressSpace } from '../../../actors/prefetcher.ts';
import { Served } from '../../../actors/prefetcher.ts';
import { createBaseline } from '../../../sim/baselines/index.ts';
import { Feeder } from './propose.ts';

/** Segment s lies at address 100 + s. */
const shifted: AddressSpace = { unitBytes: 512, addressOf: (s) => s + 100, segmentAt: (a) => a - 100 };

const obl = (spec: string, addresses: AddressSpace | null = shifted) => new Feeder(createBaseline(spec, { addresses }));

describe('obl', () => {
  test('opaque ids make it abstain', () => {
    const feeder = obl('obl:sequential-confidence-k=0', null);
    for (let i = 0; i < 20; i++) expect(feeder.run(i)).toEqual([]);
  });

  test('k=0 stages the next block on every access, as in the paper', () => {
    const feeder = obl('obl:sequential-confidence-k=0');
    expect(feeder.run(7)).toEqual([8]);
    expect(feeder.run(3)).toEqual([4]);
  });

  test('by default four consecutive steps make a run', () => {
    const feeder = obl('obl');
    expect([0, 1, 2, 3, 4, 5].map((s) => feeder.run(s))).toEqual([[], [], [], [], [5], [6]]);
    expect(feeder.run(9)).toEqual([]);
    expect(feeder.run(10, 11, 12)).toEqual([]);
    expect(feeder.run(13)).toEqual([14]);
  });

  test('two interleaved runs are none', () => {
    expect(obl('obl:sequential-confidence-k=1').run(0, 50, 1, 51, 2, 52)).toEqual([]);
  });

  test('step=size follows a run of longer blocks', () => {
    const feeder = obl('obl:sequential-confidence-k=1,step=size');
    expect(feeder.access(0, Served.miss, 4096)).toEqual([]);
    expect(feeder.access(8, Served.miss, 4096).map((p) => p.segment)).toEqual([16]);
    expect(feeder.access(16, Served.miss, 513).map((p) => p.segment)).toEqual([18]);
  });

  test('step=2 follows every second address', () => {
    expect(obl('obl:sequential-confidence-k=1,step=2').run(4, 6)).toEqual([8]);
    expect(obl('obl:sequential-confidence-k=1,step=2').run(4, 5)).toEqual([]);
  });

  test('an address outside the space is not staged', () => {
    const edge: AddressSpace = { ...shifted, segmentAt: () => -1 };
    expect(obl('obl:sequential-confidence-k=0', edge).run(1)).toEqual([]);
  });
});

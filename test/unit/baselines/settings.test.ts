import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../../engine/random.ts';
import { createBaseline } from '../../../sim/baselines/index.ts';
import { replay } from '../../interop/agreement-prefetch-replay.ts';

/** Short chains with noise over 300 segments: something to learn, and more than a small cache holds. */
function chains(): Uint32Array {
  const random = new Xoshiro128(7);
  const segment = new Uint32Array(30_000);
  for (let i = 0; i < segment.length; ) {
    const chain = random.int(60);
    for (let link = 0; link < 4 && i < segment.length; link++) {
      if (random.int(4) > 0) segment[i++] = chain * 4 + link;
      if (random.int(8) === 0 && i < segment.length) segment[i++] = 240 + random.int(60);
    }
  }
  return segment;
}

const trace = { segment: chains(), sizeBytes: null, segmentCount: 300 };

/** Consecutive ids are consecutive addresses here, by construction. */
const addresses = { unitBytes: 512, addressOf: (s: number) => s, segmentAt: (a: number) => (a < 300 ? a : -1) };

function outcomeOf(spec: string) {
  const cache = { capacity: 40, unit: 'segments' } as const;
  const upcoming = {
    depth: 50,
    segmentAfter: (k: number) => (k === 1 ? 5 : k === 19 ? 6 : -1),
    sizeBytesAfter: () => 1,
  };
  return replay(trace, 40, createBaseline(spec, { addresses, clairvoyance: { upcoming, cache } }));
}

describe('settings of the baselines', () => {
  test.each([
    ['pg', 'lookahead-range=3'],
    ['pg', 'prefetch-threshold=0.2'],
    ['pg', 'max-degree=2'],
    ['mithril', 'lookahead-range=3'],
    ['mithril', 'min-support=3'],
    ['mithril', 'max-support=4'],
    ['mithril', 'confidence=0'],
    ['mithril', 'pf-list-size=4'],
    ['mithril', 'rec-trigger=each-req'],
    ['mithril', 'rec-trigger=evict'],
    ['mithril', 'rec-trigger=miss-evict'],
    ['mithril', 'mining-threshold=64'],
    ['mithril', 'cycle-time=1'],
    ['mithril', 'recording-rows=8'],
    ['obl', 'sequential-confidence-k=2'],
    ['obl', 'step=2'],
    ['clairvoyant', 'lookahead-range=20'],
  ])('%s acts differently with %s', (name, settings) => {
    const base = name === 'obl' ? 'sequential-confidence-k=1' : name === 'mithril' ? 'mining-threshold=100' : '';
    const key = settings.slice(0, settings.indexOf('='));
    const kept = base.startsWith(key) || base === '' ? '' : `,${base}`;
    const changed = outcomeOf(`${name}:${settings}${kept}`);
    const usual = outcomeOf(base === '' ? name : `${name}:${base}`);
    expect(changed).not.toEqual(usual);
  });

  test('the defaults are those of the published runs', () => {
    const published = [
      ['pg', 'lookahead-range=20,prefetch-threshold=0.05'],
      [
        'mithril',
        'lookahead-range=20,min-support=2,max-support=8,confidence=1,pf-list-size=2,rec-trigger=miss,mining-threshold=5120,cycle-time=2',
      ],
      ['obl', 'sequential-confidence-k=4,step=1'],
    ];
    for (const [name, settings] of published) expect(outcomeOf(name!)).toEqual(outcomeOf(`${name}:${settings}`));
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitCount } from '../../../actors/aggregator/bit-count.ts';
import { byConsumers, consumerBit, distinctConsumers, timesText } from '../../../actors/aggregator/consumer-sketch.ts';
import { FrequentTable } from '../../../actors/aggregator/frequent-table.ts';
import { TopK } from '../../../actors/aggregator/top-k.ts';
import { ConsumerContexts } from '../../../actors/graph-builder/consumer-contexts.ts';

describe('frequent table', () => {
  test('never overstates a weight, and understates it by at most its error <= total / keysMax', () => {
    const adds = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 5 })), { maxLength: 300 });
    fc.assert(
      fc.property(adds, adds, fc.integer({ min: 1, max: 12 }), (list, others, keysMax) => {
        const table = new FrequentTable(keysMax);
        const other = new FrequentTable(keysMax);
        for (const [key, weight] of list) table.add(key, weight);
        for (const [key, weight] of others) other.add(key, weight);
        table.merge(other.take());
        expect(other.keyCount).toBe(0);
        for (let key = 0; key <= 60; key++) expect(other.weightOf(key)).toBe(0);
        const all = [...list, ...others];
        const total = all.reduce((sum, [, weight]) => sum + weight, 0);
        expect(table.keyCount).toBeLessThanOrEqual(2 * keysMax);
        expect(table.error).toBeLessThanOrEqual(total / keysMax);
        for (let key = 0; key <= 60; key++) {
          const truth = all.filter(([k]) => k === key).reduce((sum, [, weight]) => sum + weight, 0);
          expect(table.weightOf(key)).toBeLessThanOrEqual(truth);
          expect(table.weightOf(key)).toBeGreaterThanOrEqual(truth - table.error);
        }
      }),
    );
  });
});

describe('top k', () => {
  test('equals the head of a sort, ties by the smaller id', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 60 }), fc.nat(20), (scores, k) => {
        const top = new TopK(k);
        scores.forEach((score, id) => {
          top.offer(id, score);
        });
        const sorted = scores.map((score, id) => ({ score, id })).sort((a, b) => b.score - a.score || a.id - b.id);
        expect([...top.takeIds()]).toEqual(sorted.slice(0, k).map(({ id }) => id));
      }),
    );
  });
});

describe('consumer sketch', () => {
  test('counts bits', () => {
    for (const word of [0, 1, 0x80000000, 0xffffffff, 0x0f0f0f0f]) {
      expect(bitCount(word)).toBe(word.toString(2).replaceAll('0', '').length);
    }
  });

  test('a log without consumers was accessed "by about 0 consumers", another "1 times by about 1 consumers"', () => {
    expect([1, 2].map(timesText)).toEqual(['once', '2 times']);
    expect([0, 1.01, 11.7, 266].map(byConsumers)).toEqual([
      '',
      ' by about 1 consumer',
      ' by about 12 consumers',
      ' by at least 260 consumers',
    ]);
  });

  test('62 consumers whose ids follow one another were told as 126: the estimate is off by what chance allows', () => {
    for (const count of [5, 20, 62, 120]) {
      // Whang et al., equation 9: the standard error for `count` in 64 bits.
      const load = count / 64;
      const deviation = Math.sqrt(64 * (Math.exp(load) - load - 1));
      const errors = Array.from({ length: 200 }, (_, i) => {
        const words = new Uint32Array(2);
        for (let id = i * 1000; id < i * 1000 + count; id++)
          words[consumerBit(id) >> 5]! |= 1 << (consumerBit(id) & 31);
        return distinctConsumers(words[0]!, words[1]!) - count;
      });
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      const spread = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
      expect(Math.abs(mean)).toBeLessThan(deviation / 2);
      expect(spread / deviation).toBeGreaterThan(0.6);
      expect(spread / deviation).toBeLessThan(1.6);
    }
  });

  test('estimates few consumers closely, and says "266 or more" when it is full', () => {
    expect(distinctConsumers(0, 0)).toBe(0);
    expect(Math.round(distinctConsumers(1, 0))).toBe(1);
    expect(distinctConsumers(0xffffffff, 0xffffffff)).toBeCloseTo(64 * Math.log(64), 9);
  });
});

describe('consumer contexts', () => {
  test('remember the last accesses of the most recently active consumers, as a naive model does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -1, max: 8 }), fc.nat(100)), { maxLength: 150 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (list, contextsMax, length) => {
          const contexts = new ConsumerContexts(length, contextsMax);
          let naive: { consumer: number; segments: number[] }[] = [];
          for (const [consumer, segment] of list) {
            const own = naive.find((entry) => entry.consumer === consumer) ?? { consumer, segments: [] };
            const context = contexts.touch(consumer);
            const held = Array.from(
              { length: contexts.filled(context) },
              (_, back) => contexts.segment[contexts.entry(context, back)],
            );
            expect(held).toEqual(own.segments);
            contexts.push(context, segment, 0, true);
            own.segments = [segment, ...own.segments].slice(0, length);
            naive = [own, ...naive.filter((entry) => entry !== own)].slice(0, contextsMax);
          }
          expect(contexts.count).toBe(naive.length);
          expect(contexts.openCount).toBe(naive.length);
          for (const { consumer, segments } of naive) {
            const context = contexts.findOpen(consumer);
            expect(contexts.segment[contexts.entry(context, 0)]).toBe(segments[0]);
          }
        },
      ),
    );
  });
});

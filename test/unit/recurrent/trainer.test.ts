import { describe, expect, test } from 'vitest';
import { runPaced } from '../../../actors/recurrent-predictor/paced-training.ts';
import { RecurrentTrainer } from '../../../actors/recurrent-predictor/recurrent-trainer.ts';
import { cellNames } from '../../../actors/recurrent-predictor/sequence-network.ts';
import { SequenceStore } from '../../../actors/recurrent-predictor/sequence-store.ts';
import { TrainingHost } from '../../../actors/recurrent-predictor/training-host.ts';
import type { TrainingResult } from '../../../actors/recurrent-predictor/training-port.ts';
import type { Clock } from '../../../engine/clock.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

const options = {
  shape: { cell: 'gru', size: 8, itemCount: 20, lengthMax: 6 },
  seed: 3,
  learningRate: 0.1,
  sampleCount: 10,
  replayNumbersMax: 4096,
  replayShare: 2,
  dropout: 0.1,
} as const;

/** Sequences that count up by one modulo twelve, from anywhere. */
function counting(random: Xoshiro128, count: number): Int32Array {
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = random.int(12);
    numbers.push(6, 0, ...Array.from({ length: 6 }, (_, k) => (start + k) % 12));
  }
  return Int32Array.from(numbers);
}

function finish(work: Generator<void, TrainingResult, void>): TrainingResult {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

const requestOf = (id: number, sequences: Int32Array) => ({
  id,
  sequences,
  renewedRows: new Int32Array(0),
  start: null,
});

describe.each(cellNames)('a trainer of %s', (cell) => {
  test('learns a rule from sequences: the loss on new ones falls', () => {
    const trainer = new RecurrentTrainer({ ...options, shape: { ...options.shape, cell } });
    const random = new Xoshiro128(1);
    const losses = [1, 2, 3, 4, 5, 6].map((id) => finish(trainer.train(requestOf(id, counting(random, 60)))).loss);
    expect(losses[0]!).toBeGreaterThan(1);
    expect(losses[5]!).toBeLessThan(0.25 * losses[0]!);
  });
});

describe('training', () => {
  test('that is stopped leaves the parameters as they were', () => {
    const random = new Xoshiro128(2);
    const sequences = [counting(random, 20), counting(random, 20)];
    const stopped = new RecurrentTrainer(options);
    finish(stopped.train(requestOf(1, sequences[0]!)));
    const before = finish(stopped.train(requestOf(2, new Int32Array(0)))).values;
    const work = stopped.train(requestOf(3, sequences[1]!));
    for (let i = 0; i < 5; i++) work.next();
    work.return(undefined as never);
    const after = finish(stopped.train(requestOf(4, new Int32Array(0)))).values;
    expect(after).toEqual(before);
  });

  test('gives the same parameters for the same requests', () => {
    const results = [0, 1].map(() => {
      const trainer = new RecurrentTrainer(options);
      const random = new Xoshiro128(4);
      for (let id = 1; id < 4; id++) finish(trainer.train(requestOf(id, counting(random, 10))));
      return finish(trainer.train(requestOf(4, counting(random, 10)))).values;
    });
    expect(results[0]).toEqual(results[1]);
  });

  test('goes on from given parameters, and begins a renewed row anew', () => {
    const first = new RecurrentTrainer(options);
    const values = finish(first.train(requestOf(1, counting(new Xoshiro128(5), 30)))).values;
    const second = new RecurrentTrainer({ ...options, seed: 99 });
    const none = new Int32Array(0);
    expect(finish(second.train({ ...requestOf(1, none), start: values })).values).toEqual(values);
    const renewed = finish(second.train({ ...requestOf(2, none), renewedRows: Int32Array.of(3) })).values;
    const changed = values.reduce((sum, value, i) => sum + (value === renewed[i] ? 0 : 1), 0);
    // Three gates and the output of eight units, and perhaps the bias.
    expect(changed).toBeGreaterThanOrEqual(32);
    expect(changed).toBeLessThanOrEqual(33);
  });
});

describe('pace', () => {
  /** Work costs 2 ms a step; timers fire at once and are summed up. */
  class CostlyClock implements Clock {
    workedMs = 0;
    restedMs = 0;
    now(): number {
      return this.workedMs + this.restedMs;
    }
    setTimeout(callback: () => void, delayMs: number): number {
      this.restedMs += delayMs;
      queueMicrotask(callback);
      return 0;
    }
    clearTimeout(): void {}
  }

  function* work(clock: CostlyClock, steps: number): Generator<void, number, void> {
    for (let i = 0; i < steps; i++) {
      clock.workedMs += 2;
      yield;
    }
    return steps;
  }

  test.each([0.1, 0.25, 1])('keeps to a share of %d of the time', async (cpuShare) => {
    const clock = new CostlyClock();
    const done = await runPaced(work(clock, 500), { clock, cpuShare, sliceMs: 5, isCancelled: () => false });
    expect(done).toBe(500);
    expect(clock.workedMs / clock.now()).toBeCloseTo(cpuShare, 2);
  });

  test('a cancelled training answers null, and the next one is worked off', async () => {
    const clock = new CostlyClock();
    const host = new TrainingHost({ ...options, cpuShare: 1 }, clock);
    const sequences = counting(new Xoshiro128(6), 5);
    const first = host.train(requestOf(1, sequences));
    host.cancel(1);
    const second = host.train(requestOf(2, sequences));
    expect(await first).toBeNull();
    expect((await second)?.id).toBe(2);
    await host.close();
    expect(await host.train(requestOf(3, sequences))).toBeNull();
  });
});

describe('sequence store', () => {
  test('keeps the latest sequences within its numbers', () => {
    const store = new SequenceStore(256, 1000);
    for (let i = 0; i < 200; i++) store.append(Int32Array.of(3, 0, i, i + 1, i + 2));
    const kept = Array.from({ length: store.count }, (_, s) => store.numbers[store.startOf(s) + 2]!);
    expect(kept.at(-1)).toBe(199);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.length).toBeLessThanOrEqual(51);
    expect(kept.every((first, i) => i === 0 || first === kept[i - 1]! + 1)).toBe(true);
  });

  test('does not draw a sequence that names a row which another item has taken', () => {
    const store = new SequenceStore(256, 10);
    store.append(Int32Array.of(2, 0, 1, 2, 2, 0, 3, 4));
    store.forgetItem(2);
    store.append(Int32Array.of(2, 0, 2, 5));
    const random = new Xoshiro128(7);
    const drawn = new Set(Array.from({ length: 60 }, () => store.draw(random)));
    expect([...drawn].sort()).toEqual([1, 2]);
  });
});

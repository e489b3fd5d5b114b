import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createRecurrentModel } from '../../../actors/recurrent-predictor/create-recurrent-model.ts';
import {
  type RecurrentConfig,
  type RecurrentConfigInput,
  recurrentConfigSchema,
} from '../../../actors/recurrent-predictor/recurrent-config.ts';
import { SynchronousTraining } from '../../../actors/recurrent-predictor/synchronous-training.ts';
import type { TrainingPort, TrainingResult } from '../../../actors/recurrent-predictor/training-port.ts';
import { WorkerTraining, type WorkerTrainingOptions } from '../../../actors/recurrent-predictor/worker-training.ts';
import { NextItemRanking } from '../../../actors/sequence-predictor/next-item-model.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { skipUnless } from '../../require-or-skip.ts';
import { paths } from '../sequence/paths.ts';

const small: RecurrentConfigInput = {
  size: 8,
  itemCountMax: 420,
  lengthMax: 5,
  trainEverySteps: 100,
  adoptAfterSteps: 30,
  sampleCount: 16,
  replayNumbersMax: 4096,
  cpuShare: 1,
};
const steps = paths(new Xoshiro128(31), 1500, 12);

/** Everything that a model says along the paths; `starts` = how its trainer is started. */
async function rankings(
  config: RecurrentConfigInput,
  starts: (options: WorkerTrainingOptions) => TrainingPort = (options) => new SynchronousTraining(options),
): Promise<string> {
  const model = createRecurrentModel('gru', 2 ** 24, { ...small, ...config }, starts);
  const ranking = new NextItemRanking(3);
  const said: string[] = [];
  for (const { consumer, segment, timeMs } of steps) {
    model.forecast(consumer, ranking);
    said.push(`${ranking.segment.subarray(0, ranking.count)} ${ranking.probability.subarray(0, ranking.count)}`);
    model.observe(consumer, segment, timeMs);
    await model.adoptionDue();
  }
  await model.close();
  return said.join(';');
}

const others: { readonly [K in keyof RecurrentConfig]: RecurrentConfig[K] } = {
  size: 4,
  itemCountMax: 50,
  lengthMax: 2,
  consumerCountMax: 2,
  trainEverySteps: 300,
  adoptAfterSteps: 99,
  learningRate: 0.01,
  sampleCount: 2,
  replayNumbersMax: 1024,
  replayShare: 0,
  dropout: 0.5,
  cpuShare: 0.5,
  seed: 2,
};

describe('recurrent config', () => {
  const standard = rankings({});

  // How fast it is trained decides nothing; `training keeps to a share` tests it.
  test.each((Object.keys(others) as (keyof RecurrentConfig)[]).filter((field) => field !== 'cpuShare'))(
    '%s changes forecasts',
    async (field) => {
      expect(await rankings({ [field]: others[field] })).not.toBe(await standard);
    },
  );

  test('every field is tried above, has a default and a description', () => {
    expect(Object.keys(recurrentConfigSchema.parse(undefined)).sort()).toEqual(Object.keys(others).sort());
    for (const field of Object.values(recurrentConfigSchema.def.innerType.shape))
      expect(field.description).toMatch(/\w/);
  });

  test('refuses unknown keys and values out of range', () => {
    for (const wrong of [{ hidden: 8 }, { size: 1 }, { cpuShare: 0 }, { lengthMax: 33 }]) {
      expect(recurrentConfigSchema.safeParse(wrong).success).toBe(false);
    }
  });
});

describe('a trainer that takes its time', () => {
  /** Answers when it is told to. */
  class SlowTraining implements TrainingPort {
    readonly #trainer: SynchronousTraining;
    answer: () => void = () => {};
    constructor(options: WorkerTrainingOptions) {
      this.#trainer = new SynchronousTraining(options);
    }
    train(request: Parameters<TrainingPort['train']>[0]): Promise<TrainingResult> {
      const result = this.#trainer.train(request);
      return new Promise((resolve) => {
        this.answer = () => resolve(result);
      });
    }
    cancel(): void {}
    async close(): Promise<void> {}
  }

  test('changes nothing for who awaits what is due', async () => {
    const slow = await rankings({}, (options) => {
      const training = new SlowTraining(options);
      const train = training.train.bind(training);
      training.train = (request) => {
        const result = train(request);
        setTimeout(() => training.answer(), request.id % 3);
        return result;
      };
      return training;
    });
    expect(slow).toBe(await rankings({}));
  });

  test('never keeps waiting who does not await it', () => {
    let training: SlowTraining | undefined;
    const model = createRecurrentModel('lstm', 2 ** 24, small, (options) => {
      training = new SlowTraining(options);
      return training;
    });
    for (const { consumer, segment, timeMs } of steps) model.observe(consumer, segment, timeMs);
    expect(model.adoptedCount).toBe(0);
    expect(training).toBeDefined();
  });

  test('that fails is counted, and forecasts go on', async () => {
    let requests = 0;
    const model = createRecurrentModel('gru', 2 ** 24, small, (options) => {
      const trainer = new SynchronousTraining(options);
      return {
        train: (request) =>
          ++requests > 2
            ? Promise.reject(new AnteroomError('actor-stopped', 'gone'))
            : Promise.resolve(trainer.train(request)),
        cancel: () => {},
        close: async () => {},
      };
    });
    for (const { consumer, segment, timeMs } of steps) {
      model.observe(consumer, segment, timeMs);
      await model.adoptionDue();
    }
    expect(model.adoptedCount).toBe(2);
    expect(model.failedCount).toBeGreaterThan(5);
    const ranking = new NextItemRanking(4);
    model.forecast(steps.at(-1)!.consumer, ranking);
    expect(ranking.count).toBe(4);
  });
});

const module = new URL('../../../dist/actors/recurrent-predictor/training-worker.js', import.meta.url);
const isUnbuilt = skipUnless(existsSync(module), 'there is no dist (npm run build), and a thread does not compile');

describe.skipIf(isUnbuilt)(`a training thread${isUnbuilt ? ' (skipped: not built)' : ''}`, () => {
  test('gives forecasts to the last bit as training in the same thread does', async () => {
    expect(await rankings({}, (options) => new WorkerTraining(options, module))).toBe(await rankings({}));
  });

  test('stops at once when it is closed, and what it worked on counts as cancelled', async () => {
    const options = { shape: { cell: 'gru', size: 64, itemCount: 400, lengthMax: 6 } } as const;
    const rest = {
      seed: 1,
      learningRate: 0.1,
      sampleCount: 128,
      replayNumbersMax: 65536,
      replayShare: 100,
      dropout: 0,
    };
    const training = new WorkerTraining({ ...options, ...rest, cpuShare: 0.1 }, module);
    const sequences = Int32Array.from({ length: 8000 }, (_, i) => (i % 8 === 0 ? 6 : i % 8 === 1 ? 0 : i % 400));
    const request = { sequences, renewedRows: new Int32Array(0), start: null };
    const first = training.train({ ...request, id: 1, sequences: sequences.slice() });
    const second = training.train({ ...request, id: 2, sequences: sequences.slice() });
    training.cancel(1);
    expect(await first).toBeNull();
    await training.close();
    expect(await second).toBeNull();
  });

  test('that fails says so, now and later', async () => {
    const broken = new URL('../../../dist/actors/recurrent-predictor/no-such-module.js', import.meta.url);
    const shape = { cell: 'gru', size: 2, itemCount: 8, lengthMax: 2 } as const;
    const rest = { seed: 1, learningRate: 0.1, sampleCount: 2, replayNumbersMax: 1024, replayShare: 0, dropout: 0 };
    const training = new WorkerTraining({ shape, ...rest, cpuShare: 1 }, broken);
    const request = { id: 1, renewedRows: new Int32Array(0), start: null };
    await expect(training.train({ ...request, sequences: Int32Array.of(2, 0, 1, 2) })).rejects.toMatchObject({
      code: 'actor-stopped',
    });
    await expect(training.train({ ...request, id: 2, sequences: new Int32Array(0) })).rejects.toBeInstanceOf(
      AnteroomError,
    );
    await training.close();
  });
});

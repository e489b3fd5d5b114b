/** `npm run bench:next`: how often the models of the next segment are right, beside first-order Markov in the same run. */

import { WorkerTraining } from '../../actors/recurrent-predictor/worker-training.ts';
import { createNextItemModel } from '../../actors/sequence-predictor/create-next-item-model.ts';
import { nextItemConfigSchema, predictionModelTypes } from '../../actors/sequence-predictor/next-item-config.ts';
import { NextItemMixture } from '../../actors/sequence-predictor/next-item-mixture.ts';
import type { NextItemModel } from '../../actors/sequence-predictor/next-item-model.ts';
import { elapsedMs } from '../../engine/host/process-usage.ts';
import { commandOptions, list, oneOf, option, optional, text, traceFiles, wholeFrom } from './command-options.ts';
import { CtwModel } from './ctw-next.ts';
import { type NextHits, type NextScore, scoreBaselines, scoreModel } from './next-score.ts';
import { readNextTrace } from './next-trace.ts';

const known = [...predictionModelTypes, 'ensemble+gru', 'ctw', 'ensemble+ctw', 'ensemble+ppm'] as const;
const values = commandOptions('bench:next', {
  shared: option('../shared', text),
  traces: option('web_nasa_day,session_wikispeedia,region_cran_logs,file_git_git', list(text)),
  models: option('markov,ppm,ensemble', list(oneOf(known))),
  bytes: optional(wholeFrom(1)),
});
const files = traceFiles('bench:next', values.shared, values.traces);
process.stdout.write(
  '| trace | model | top-1 | top-4 | above Markov, points | first 70 % | held-out 30 % | ECE | MB | given up | us a step |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n',
);
for (const [i, name] of values.traces.entries()) {
  const trace = await readNextTrace(files[i]!);
  const scores = scoreBaselines(trace);
  const markov = scores.at(-1)!;
  for (const type of values.models) {
    const model = create(type);
    scores.push({ ...(await scoreModel(model, trace, elapsedMs, () => model.adoptionDue?.())), name: type });
    await model.close?.();
  }
  for (const score of scores) process.stdout.write(`${line(name, score, markov)}\n`);
}

function create(type: (typeof known)[number]): NextItemModel {
  const config = values.bytes === null ? {} : { modelBytesMax: values.bytes };
  if (type === 'ctw') return new CtwModel();
  if (type === 'ensemble+ctw' || type === 'ensemble+ppm') {
    const { modelBytesMax, ...rest } = nextItemConfigSchema.parse(config);
    const expert =
      type === 'ensemble+ctw' ? new CtwModel() : createNextItemModel({ ...config, predictionModelType: 'ppm' });
    return new NextItemMixture({ ...rest, bytesMax: modelBytesMax }, [expert]);
  }
  const predictionModelType = type === 'ensemble+gru' ? 'ensemble' : type;
  const recurrentExperts = type === 'ensemble+gru' ? (['gru'] as const) : [];
  // Nothing else waits for the machine here, so training takes what it needs.
  return createNextItemModel(
    { predictionModelType, ...config, recurrentExperts: [...recurrentExperts], recurrent: { cpuShare: 1 } },
    (options) => new WorkerTraining(options),
  );
}

function line(trace: string, score: NextScore, markov: NextScore): string {
  const all = sum(score.developed, score.heldOut);
  const rate = (hits: number): string => (hits / all.steps).toFixed(4).replace(/^0/, '');
  const above =
    score === markov
      ? ['', '', '']
      : [
          points(all, sum(markov.developed, markov.heldOut)),
          points(score.developed, markov.developed),
          points(score.heldOut, markov.heldOut),
        ];
  const isModel = score.bytes > 0;
  const rest = isModel
    ? [
        score.calibrationError.toFixed(3),
        (score.bytes / 2 ** 20).toFixed(1),
        score.evictedCount,
        score.usPerStep.toFixed(1),
      ]
    : ['', '', '', ''];
  return `| ${[trace, score.name, rate(all.top1), rate(all.top4), ...above, ...rest].join(' | ')} |`;
}

function points(a: NextHits, b: NextHits): string {
  const difference = (x: number, y: number): string => {
    const value = (100 * (x - y)) / a.steps;
    return `${value < 0 ? '' : '+'}${value.toFixed(1)}`;
  };
  return `${difference(a.top1, b.top1)} / ${difference(a.top4, b.top4)}`;
}

function sum(a: NextHits, b: NextHits): NextHits {
  return { steps: a.steps + b.steps, top1: a.top1 + b.top1, top4: a.top4 + b.top4 };
}

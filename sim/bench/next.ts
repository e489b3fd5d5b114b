/** `npm run bench:next`: how often the models of the next segment are right, beside first-order Markov in the same run. */

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { WorkerTraining } from '../../actors/recurrent-predictor/worker-training.ts';
import { createNextItemModel } from '../../actors/sequence-predictor/create-next-item-model.ts';
import { nextItemConfigSchema, predictionModelTypes } from '../../actors/sequence-predictor/next-item-config.ts';
import { NextItemMixture } from '../../actors/sequence-predictor/next-item-mixture.ts';
import type { NextItemModel } from '../../actors/sequence-predictor/next-item-model.ts';
import { elapsedMs } from '../../engine/host/process-usage.ts';
import { CtwModel } from './ctw-next.ts';
import { type NextHits, type NextScore, scoreBaselines, scoreModel } from './next-score.ts';
import { readNextTrace } from './next-trace.ts';

const { values } = parseArgs({
  options: {
    shared: { type: 'string', default: '../shared' },
    traces: { type: 'string', default: 'web_nasa_day,session_wikispeedia,region_cran_logs,file_git_git' },
    models: { type: 'string', default: 'markov,ppm,ensemble' },
    bytes: { type: 'string' },
  },
});
const known = [...predictionModelTypes, 'ensemble+gru', 'ctw', 'ensemble+ctw', 'ensemble+ppm'] as const;
const types = values.models.split(',').map((name): (typeof known)[number] => {
  const type = known.find((other) => other === name);
  if (type !== undefined) return type;
  process.stderr.write(`bench:next: no model ${name}; there are ${known.join(', ')}\n`);
  return process.exit(2);
});
if (!existsSync(`${values.shared}/traces`)) {
  process.stderr.write(`bench:next needs the real traces; there are none in ${values.shared} (--shared FOLDER)\n`);
  process.exit(2);
}
process.stdout.write(
  '| trace | model | top-1 | top-4 | above Markov, points | first 70 % | held-out 30 % | ECE | MB | given up | us a step |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n',
);
for (const name of values.traces.split(',')) {
  const trace = await readNextTrace(name.includes('/') ? name : `${values.shared}/traces/${name}.csv.gz`);
  const scores = scoreBaselines(trace);
  const markov = scores.at(-1)!;
  for (const type of types) {
    const model = create(type);
    scores.push({ ...(await scoreModel(model, trace, elapsedMs, () => model.adoptionDue?.())), name: type });
    await model.close?.();
  }
  for (const score of scores) process.stdout.write(`${line(name, score, markov)}\n`);
}

function create(type: (typeof known)[number]): NextItemModel {
  const config = values.bytes === undefined ? {} : { modelBytesMax: Number(values.bytes) };
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

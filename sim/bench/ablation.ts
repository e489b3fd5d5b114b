/** `npm run bench:ablation`: what each part of the engine adds or costs in misses, on every trace, one part changed at a time. */

import { opinionNames } from '../../actors/near-loop/opinion-bins.ts';
import { replay } from '../replay/replay.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { commandOptions, flag, list, numberFrom, option, text, traceFiles, wholeFrom } from './command-options.ts';
import { realTraces } from './real-traces.ts';

const values = commandOptions('bench:ablation', {
  shared: option('../shared', text),
  traces: option(realTraces.join(','), list(text)),
  bound: option('1.3', numberFrom(1)),
  limit: option('1000000', wholeFrom(1)),
  /** Also the experts that are off by default, which take long. */
  optional: flag(),
});
const files = traceFiles('bench:ablation', values.shared, values.traces);

const defaults = replayConfigSchema.parse({}).nearLoop.experts;
const without = (name: string) => ({ nearLoop: { experts: defaults.filter((each) => each !== name) } });

interface Variant {
  readonly name: string;
  readonly config?: object;
  readonly evict?: string;
  readonly prefetch?: 'none';
}

const variants: readonly Variant[] = [
  { name: 'no prefetching', prefetch: 'none' },
  ...defaults.map((name) => ({ name: `- ${name}`, config: without(name) })),
  ...(values.optional
    ? opinionNames
        .filter((name) => !defaults.includes(name))
        .map((name) => ({ name: `+ ${name}`, config: { nearLoop: { experts: [...defaults, name] } } }))
    : []),
  { name: '+ far loop', config: { farLoop: { isEnabled: true } } },
  { name: '- calibration', config: { nearLoop: { calibrationMemory: 2 } } },
  { name: '- learned weights', config: { nearLoop: { mixRateFirst: 0, mixRateLast: 0 } } },
  { name: '- bound on misses', config: { missBound: { isEnabled: false } } },
  { name: '- reserve', config: { nearLoop: { headroomReserve: 0 } } },
  { name: 'on lru', evict: 'lru' },
  { name: 'on arc', evict: 'arc' },
];

process.stdout.write(
  `Misses relative to the default's at --traffic-max ${values.bound}, cache 1 % / 10 %: above 1 the part is worth having.\n\n| trace | default | ${variants.map(({ name }) => name).join(' | ')} |\n|---|--:|${'--:|'.repeat(variants.length)}\n`,
);
const sums = variants.map(() => 0);
let cells = 0;
for (const [i, trace] of values.traces.entries()) {
  const missesOf = async ({ config, evict, prefetch }: Omit<Variant, 'name'>): Promise<readonly number[]> => {
    const { result } = await replay({
      traces: [files[i]!],
      unit: 'segments',
      latency: '0',
      evict: [evict ?? 'auto'],
      prefetch: [prefetch ?? 'anteroom'],
      trafficMax: [values.bound],
      limit: values.limit,
      config: replayConfigSchema.parse(config ?? {}),
    });
    return result.runs
      .filter((run) => run.prefetch === (prefetch ?? 'anteroom') && run.evict === (evict ?? 'auto'))
      .map((run) => run.misses);
  };
  const standard = await missesOf({});
  const row: string[] = [];
  for (const [i, variant] of variants.entries()) {
    const ratios = (await missesOf(variant)).map((misses, cell) => misses / standard[cell]!);
    for (const ratio of ratios) sums[i]! += Math.log(ratio);
    row.push(ratios.map((ratio) => ratio.toFixed(3)).join(' / '));
  }
  cells += standard.length;
  process.stdout.write(`| ${trace} | ${standard.join(' / ')} | ${row.join(' | ')} |\n`);
}
process.stdout.write(`| geometric mean | 1 | ${sums.map((sum) => Math.exp(sum / cells).toFixed(4)).join(' | ')} |\n`);

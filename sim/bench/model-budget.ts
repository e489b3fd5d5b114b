/** `npm run bench:budget`: bytes that the engine's memories of order take, and what a quarter of them costs in misses. */

import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { resolveCacheSize } from '../replay/cache-size.ts';
import type { PlannedRun } from '../replay/plan-runs.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import { Trace } from '../replay/trace.ts';
import { commandOptions, list, option, text, traceFiles } from './command-options.ts';
import { realTraces } from './real-traces.ts';

const values = commandOptions('bench:budget', {
  shared: option('../shared', text),
  traces: option(realTraces.join(','), list(text)),
});
const files = traceFiles('bench:budget', values.shared, values.traces);
process.stdout.write('| trace | segments | consumers | bytes a segment | misses | with a quarter | change |\n');
process.stdout.write('|---|--:|--:|--:|--:|--:|--:|\n');
for (const [i, name] of values.traces.entries()) {
  const trace = await Trace.open(files[i]!, { seed: 1, addressBytes: null });
  const whole = await misses(trace, 2 ** 40);
  const quarter = await misses(trace, Math.max(65_536, Math.floor(whole.bytes / 4)));
  const { segmentCount } = trace.facts;
  const change = `${((quarter.misses / whole.misses - 1) * 100).toFixed(1)} %`;
  process.stdout.write(
    `| ${name} | ${segmentCount} | ${whole.consumers} | ${(whole.bytes / segmentCount).toFixed(0)} | ${whole.misses} | ${quarter.misses} | ${change} |\n`,
  );
  trace.close();
}

/** Misses at 1 % and 10 % together under `modelBytesMax`, and what the memories took in the end at 10 %. */
async function misses(trace: Trace, modelBytesMax: number) {
  let sum = 0;
  let bytes = 0;
  const consumers = new Set<number>();
  for await (const batch of trace.batches()) for (let i = 0; i < batch.length; i++) consumers.add(batch.consumer[i]!);
  for (const fraction of [0.01, 0.1]) {
    const run: PlannedRun = {
      cache: resolveCacheSize({ kind: 'fraction', fraction }, 'segments', trace.facts),
      evict: 'auto',
      eviction: 'auto',
      prefetch: 'anteroom',
      trafficMax: 1.3,
      isAsked: true,
    };
    let read = () => 0;
    const record = await executeRun(trace, run, {
      latency: parseLatencySpec('0'),
      writes: 'access',
      warmup: 0,
      seed: 1,
      config: replayConfigSchema.parse({ nearLoop: { modelBytesMax }, farLoop: { isEnabled: false } }),
      onSite: (site) => {
        const { prefetcher } = site;
        read = () => (prefetcher instanceof AnteroomPrefetcher ? prefetcher.modelBytes : 0);
      },
    });
    sum += record.ledger.misses;
    bytes = read();
  }
  return { misses: sum, bytes, consumers: consumers.size };
}

/** `node dist/sim/bench/attached.js`: what `attach` adds to lru-cache on real traces, in virtual time. */

import { LRUCache } from 'lru-cache';
import { attach } from '../../actors/engine/attach.ts';
import type { EngineConfigInput } from '../../actors/engine/engine-config.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import { Trace } from '../replay/trace.ts';
import { commandOptions, jsonObject, list, option, positive, text, traceFiles, wholeFrom } from './command-options.ts';
import { realTraces } from './real-traces.ts';

/** What a fetch from the origin takes, ms. */
const FETCH_MS = 50;

const values = commandOptions('attached', {
  shared: option('../shared', text),
  traces: option(realTraces.join(','), list(text)),
  limit: option('200000', wholeFrom(1)),
  cache: option('0.1', positive),
  config: option('{}', jsonObject),
});
const files = traceFiles('attached', values.shared, values.traces);

/** One way to read: hits count what was there when asked, waits are those of all reads. */
interface Tried {
  hits: number;
  waitMs: number;
  fetches: number;
}

type Get = (key: string, consumer: string | undefined) => Promise<number>;

process.stdout.write(
  '| trace | accesses | entries | hits alone | its eviction only | hits attached | wait alone | wait attached | fetches, attached / alone |\n',
);
process.stdout.write('|---|--:|--:|--:|--:|--:|--:|--:|--:|\n');
for (const [i, name] of values.traces.entries()) {
  const trace = await Trace.open(files[i]!, {
    seed: 1,
    addressBytes: null,
    limit: values.limit,
  });
  try {
    if (trace.facts.timeSpanMs === null) {
      process.stdout.write(`| ${name} | has no times | | | | | | |\n`);
      continue;
    }
    const max = Math.max(10, Math.floor(values.cache * trace.facts.distinctCount));
    const alone = await read(trace, (fetch) => readThrough(new LRUCache<string, number>({ max }), fetch));
    const attachedWith = (config: EngineConfigInput): Promise<Tried> =>
      read(trace, (fetch, clock) => {
        const reader = attach(new LRUCache<string, number>({ max }), { fetch, safe: true, clock, config });
        return (key, consumer) => reader.get(key, consumer === undefined ? {} : { consumer });
      });
    const config = values.config as EngineConfigInput;
    // What the engine's eviction gains by itself: no prefetch may be sent.
    const evicting = await attachedWith({ ...config, caps: { requestsMax: 0 } });
    const attached = await attachedWith(config);
    const n = trace.facts.accessCount;
    const percent = (count: number): string => `${((100 * count) / n).toFixed(1)} %`;
    const mean = (waitMs: number): string => `${(waitMs / n).toFixed(1)} ms`;
    process.stdout.write(
      `| ${name} | ${n} | ${max} | ${percent(alone.hits)} | ${percent(evicting.hits)} | ${percent(attached.hits)} | ${mean(alone.waitMs)} | ${mean(attached.waitMs)} | ${(attached.fetches / alone.fetches).toFixed(3)} |\n`,
    );
  } finally {
    await trace.close();
  }
}

/** Reads the whole trace by what `make` makes, each access at its own time, whether or not earlier ones have been answered. */
async function read(
  trace: Trace,
  make: (fetch: (key: string) => Promise<number>, clock: VirtualClock) => Get,
): Promise<Tried> {
  const clock = new VirtualClock();
  const tried = { hits: 0, waitMs: 0, fetches: 0 };
  const get = make((_key) => {
    tried.fetches++;
    return new Promise((resolve) => clock.setTimeout(() => resolve(1), FETCH_MS));
  }, clock);
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 6; i++) await Promise.resolve();
  };
  const origin = trace.facts.timeSpanMs![0];
  for await (const batch of trace.batches()) {
    for (let i = 0; i < batch.length; i++) {
      await clock.playTo(Math.max(clock.now(), batch.timeMs[i]! - origin), settle);
      const consumer = batch.consumer[i]!;
      const askedAt = clock.now();
      void get(
        trace.segments.nameOf(batch.segment[i]!),
        consumer < 0 ? undefined : trace.consumers.nameOf(consumer),
      ).then(() => {
        const waitMs = clock.now() - askedAt;
        if (waitMs === 0) tried.hits++;
        tried.waitMs += waitMs;
      });
    }
  }
  await clock.playTo(clock.now() + 10 * FETCH_MS, settle);
  return tried;
}

/** What an application writes around lru-cache: one fetch a key at a time. */
function readThrough(cache: LRUCache<string, number>, fetch: (key: string) => Promise<number>): Get {
  const flights = new Map<string, Promise<number>>();
  return async (key) => {
    const cached = cache.get(key);
    if (cached !== undefined) return cached;
    const flight = flights.get(key);
    if (flight !== undefined) return await flight;
    const fetched = fetch(key);
    flights.set(key, fetched);
    const value = await fetched;
    flights.delete(key);
    cache.set(key, value);
    return value;
  };
}

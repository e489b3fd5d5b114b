import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type EngineConfig, engineConfigSchema } from '../../actors/engine/engine-config.ts';
import { type Placement, placementSchema } from '../../actors/placement/placement-config.ts';
import { changeAllowed, generatePlaceKeys, readPlaceKeys } from '../../engine/host/key-folder.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { immediateTurns } from '../../engine/host/turns.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { type StartedPlace, startPlace } from '../../sim/placement/start-place.ts';
import { replay } from '../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../sim/replay/replay-config.ts';
import { Trace } from '../../sim/replay/trace.ts';
import { freePorts } from '../free-ports.ts';
import { skipUnless, skipWithoutTraces, tracePath } from '../require-or-skip.ts';

/** The far loop plans often, so that the site's answers and the plans cross the wire many times; the logs are short, so its forecasts are passed on unjudged. */
const farLoop = {
  intervalAccesses: 150,
  intervalMs: 20_000,
  accessesPerTickMin: 100,
  forecaster: { windowErrorMax: 1 },
};
const limit = 4000;
const seed = 7;

interface Case {
  readonly trace: string;
  readonly latency: string;
  readonly unit: 'segments' | 'bytes';
  readonly evict: 'lru' | 'sieve';
}

const cases: readonly Case[] = [
  { trace: 'workload:chains,segments=300,accesses=4000', latency: '4req', unit: 'segments', evict: 'lru' },
  {
    trace: 'workload:flash-crowd,hours=2,segments=300,crowds=3',
    latency: 'lognormal:50ms:0.5@20MB/sx8',
    unit: 'bytes',
    evict: 'sieve',
  },
];

/** The default of a placement is one place. */
const placements: Readonly<Record<string, Placement>> = {
  'one process': placementSchema.parse({}),
  'the site apart from the centre': placementSchema.parse({ source: 'site', 'cache-manager': 'site' }),
  'one process for each actor': placementSchema.parse(
    Object.fromEntries(Object.keys(placementSchema.shape).map((name) => [name, name])),
  ),
};

const expected = new Map<Case, Promise<{ digest: string; size: number; issued: number }>>();

/** What a replay of the same log decides. */
function replayed(c: Case): Promise<{ digest: string; size: number; issued: number }> {
  const made = expected.get(c) ?? replayOnce(c);
  expected.set(c, made);
  return made;
}

async function replayOnce(c: Case, isEnabled = true): Promise<{ digest: string; size: number; issued: number }> {
  const { result } = await replay({
    traces: [c.trace],
    latency: c.latency,
    unit: c.unit,
    evict: [c.evict],
    cache: '0.05',
    prefetch: ['anteroom'],
    limit,
    seed,
    config: replayConfigSchema.parse({ farLoop: { ...farLoop, isEnabled } }),
  });
  const run = result.runs.find((r) => r.prefetch === 'anteroom')!;
  return { digest: run.digest, size: run.cache.size, issued: run.prefetches.issued };
}

function engineOf(c: Case, size: number): EngineConfig {
  return engineConfigSchema.parse({
    mode: 'modelled',
    capacity: size,
    unit: c.unit,
    eviction: c.evict,
    writes: 'access',
    latency: c.latency,
    seed,
    farLoop,
  });
}

const folder = mkdtempSync(join(tmpdir(), 'anteroom-places-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const entry = join(process.env.ANTEROOM_DIST ?? 'dist', 'sim/placement/place-process.js');
const isUnbuilt = skipUnless(existsSync(entry), `${entry} is absent: npm run build`);

const children: ChildProcess[] = [];
const startedPlaces: StartedPlace[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(startedPlaces.splice(0).map((place) => place.transport.close({ deadlineMs: 0 })));
});

/** Keys for every place, each allowed to the others, in folders of their own. */
async function keyFolders(places: readonly string[]): Promise<Record<string, string>> {
  const folders = Object.fromEntries(places.map((place) => [place, mkdtempSync(join(folder, 'keys-'))]));
  const keys = await Promise.all(places.map((place) => generatePlaceKeys(folders[place]!, place)));
  for (const own of places) {
    for (const [i, other] of places.entries())
      if (other !== own) await changeAllowed(folders[own]!, other, keys[i]!, true);
  }
  return folders;
}

async function startHere(
  place: string,
  placement: Placement,
  engine: EngineConfig,
  endpoints: Record<string, string>,
  keys: string | null,
): Promise<StartedPlace> {
  const clock = new RealClock();
  const read = keys === null ? null : await readPlaceKeys(keys);
  const started = await startPlace({
    place,
    placement,
    engine,
    endpoints,
    clock,
    turns: immediateTurns,
    makeTransport: (options) =>
      createZeroMqTransport({
        ...options,
        clock,
        security: read === null ? null : { keys: read.keys, allowed: new AllowList(read.allowed) },
      }),
    onFault: (detail) => {
      throw new Error(detail);
    },
  });
  startedPlaces.push(started);
  return started;
}

/** Resolves when the process has said that it is there. */
function startElsewhere(settings: object): Promise<void> {
  const child = spawn(process.execPath, [resolve(entry), JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return new Promise((done, reject) => {
    child.stdout.once('data', () => done());
    child.once('exit', (status) => reject(new Error(`${entry} ended with ${status}`)));
  });
}

/** Leads the trace through the pipeline; the digest that the site comes to. */
async function led(c: Case, source: StartedPlace, rowsMax: number): Promise<string> {
  const trace = await Trace.open(c.trace, { seed, addressBytes: null, limit, rowsMax });
  try {
    for await (const batch of trace.batches()) await source.log!.push(batch);
  } finally {
    await trace.close();
  }
  return (await source.log!.finish()).digest;
}

const placesOf = (placement: Placement): string[] => [...new Set(Object.values(placement))];

describe('a pipeline decides what a replay decides, wherever its actors live', () => {
  test.each(cases)('without the far loop it would decide otherwise: $trace', async (c) => {
    expect((await replayOnce(c, false)).digest).not.toBe((await replayed(c)).digest);
  });

  for (const [name, placement] of Object.entries(placements)) {
    test.each(cases)(`${name}, all places in this process over ZeroMQ: $trace at $latency`, async (c) => {
      const { digest, size, issued } = await replayed(c);
      expect(issued).toBeGreaterThan(0);
      const places = placesOf(placement);
      const endpoints = Object.fromEntries(
        places.map((place) => [place, `ipc://${mkdtempSync(join(folder, 'p-'))}/s`]),
      );
      const engine = engineOf(c, size);
      const started = await Promise.all(places.map((place) => startHere(place, placement, engine, endpoints, null)));
      const source = started.find(({ log }) => log !== null)!;
      expect(await led(c, source, 997)).toBe(digest);
    });

    test.skipIf(skipWithoutTraces('web_nasa_day.csv.gz'))(
      `${name}, all places in this process over ZeroMQ: a day of a web server`,
      async () => {
        const c: Case = {
          trace: tracePath('web_nasa_day.csv.gz'),
          latency: '50ms@100MB/sx32',
          unit: 'bytes',
          evict: 'lru',
        };
        const { digest, size, issued } = await replayed(c);
        expect(issued).toBeGreaterThan(0);
        const places = placesOf(placement);
        const endpoints = Object.fromEntries(
          places.map((place) => [place, `ipc://${mkdtempSync(join(folder, 'p-'))}/s`]),
        );
        const engine = engineOf(c, size);
        const started = await Promise.all(places.map((place) => startHere(place, placement, engine, endpoints, null)));
        expect(await led(c, started.find(({ log }) => log !== null)!, 1500)).toBe(digest);
      },
    );

    test.skipIf(isUnbuilt).each(cases.slice(1))(
      `${name}, each place a process of its own, tcp with CURVE: $trace at $latency`,
      async (c) => {
        const { digest, size } = await replayed(c);
        const places = placesOf(placement);
        const ports = await freePorts(places.length);
        const endpoints = Object.fromEntries(places.map((place, i) => [place, `tcp://127.0.0.1:${ports[i]}`]));
        const engine = engineOf(c, size);
        const keys = places.length > 1 ? await keyFolders(places) : {};
        await Promise.all(
          places
            .filter((place) => place !== placement.source)
            .map((place) => startElsewhere({ place, placement, engine, endpoints, keys: keys[place] ?? null })),
        );
        const source = await startHere(placement.source, placement, engine, endpoints, keys[placement.source] ?? null);
        expect(await led(c, source, 333)).toBe(digest);
      },
    );
  }
});

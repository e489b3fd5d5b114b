/** A node whose far loop lives in other processes decides what one process and a replay decide, over CURVE, and outlives its parts. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { generatePlaceKeys } from '../../engine/host/key-folder.ts';
import { replay } from '../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../sim/replay/replay-config.ts';
import { freePorts } from '../free-ports.ts';
import { skipUnless } from '../require-or-skip.ts';

const main = join(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');
const isUnbuilt = skipUnless(existsSync(main), `${main} is absent: npm run build`);
const folder = mkdtempSync(join(tmpdir(), 'anteroom-node-places-'));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const latency = '40ms@20MB/sx8';
const seed = 5;
const capacity = 40;
const farLoop = { intervalMs: 20_000, accessesPerTickMin: 50, probabilityMin: 0.05, trialEvery: 4 };

/** Loops with chance between them, several consumers, a second apart. */
function csv(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const page = i % 3 === 0 ? (Math.imul(i, 2654435761) >>> 7) % 200 : i % 60;
    return `${1_700_000_000_000 + i * 700},/page/${page},c${i % 5},${100 + page}`;
  });
  return `timeMs,segment,consumer,size\n${lines.join('\n')}\n`;
}
const rows = 3000;
const log = csv(rows);

interface Started {
  readonly child: ChildProcess;
  readonly match: RegExpExecArray;
  readonly said: () => string;
}

/** A process of the command; resolves when it has said `sign`. */
function start(words: readonly string[], sign: RegExp): Promise<Started> {
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let said = '';
  return new Promise((settle, fail) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const match = sign.exec(said);
      if (match !== null) settle({ child, match, said: () => said });
    });
    child.once('exit', (status) => fail(new Error(`${words.join(' ')} ended with ${status}: ${said}`)));
  });
}

interface Status {
  readonly toldUntil: number;
  readonly isReady: boolean;
  readonly troubles: Readonly<Record<string, string>>;
  readonly log: { readonly end: number };
  readonly places: { readonly away: readonly string[]; readonly losses: number; readonly silences: number } | null;
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((settle) => setTimeout(settle, 20));
  }
}
const ask = async <T>(at: string, path: string, init?: RequestInit): Promise<T> =>
  (await (await fetch(`${at}${path}`, init)).json()) as T;
const statusOf = (at: string): Promise<Status> => ask<Status>(at, '/v1/status');
const told = (at: string): Promise<Status> =>
  until(async () => {
    const status = await statusOf(at);
    return status.isReady && status.toldUntil === status.log.end ? status : null;
  });
const post = async (at: string, body: string): Promise<void> => {
  const response = await fetch(`${at}/v1/accesses`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body,
  });
  expect(response.status).toBe(200);
};
/** What the node says at its end: what was staged has ended then, as at the end of a replay. */
async function digestOf({ child, said }: Started): Promise<string> {
  const ended = new Promise((settle) => child.once('exit', settle));
  child.kill('SIGTERM');
  await ended;
  return /"digest":"([0-9a-f]{16})"/.exec(said())![1]!;
}

function configFile(name: string, places: object): string {
  const file = join(folder, `${name}.yaml`);
  const settings = {
    dataFolder: join(folder, name),
    http: { port: 0 },
    logging: { level: 'info' },
    checkpoints: { everyMs: 3_600_000 },
    engine: { capacity, latency, seed, farLoop, eviction: 'lru', writes: 'access' },
    places,
  };
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

async function replayed(): Promise<string> {
  const file = join(folder, 'log.csv');
  writeFileSync(file, log);
  const { result } = await replay({
    traces: [file],
    latency,
    unit: 'segments',
    evict: ['lru'],
    cache: String(capacity),
    prefetch: ['anteroom'],
    seed,
    config: replayConfigSchema.parse({ farLoop }),
  });
  return result.runs.find((run) => run.prefetch === 'anteroom')!.digest;
}

/** The rows from..to of the log, with its header. */
function part(from: number, to: number): string {
  const [header, ...lines] = log.trimEnd().split('\n');
  return `${[header, ...lines.slice(from, to)].join('\n')}\n`;
}

/** What the models say to whoever asks by HTTP. */
async function answersOf(at: string): Promise<readonly unknown[]> {
  const paths = [
    '/v1/forecast?count=20',
    '/v1/forecast?consumer=c1&count=20&horizonMs=60000',
    '/v1/forecast?consumer=c2&segment=/page/7',
    '/prefetch/predict?user_id=c3&k=15',
    '/prefetch/predict?user_id=stranger',
    '/v1/hot-segments?limit=30',
    '/v1/access-map?segment=/page/7',
    '/v1/graph?segment=/page/7&depth=3&fanout=4',
    '/v1/demand?hours=5',
  ];
  const found = await Promise.all(paths.map((path) => ask<Record<string, unknown>>(at, path)));
  for (const answer of found) expect(answer).not.toHaveProperty('error.code');
  const lengths = ['forecasts', 'predictions', 'segments', 'edges', 'hours'].flatMap((name) =>
    found.flatMap((answer) => (Array.isArray(answer[name]) ? [(answer[name] as unknown[]).length] : [])),
  );
  expect(Math.min(...lengths)).toBeGreaterThan(0);
  return found;
}

test.skipIf(isUnbuilt)(
  'a part that hangs or is away is told to whoever asks, in time, and answers again when it is back',
  async () => {
    const [port] = await freePorts(1);
    const actors = [
      ...['aggregator', 'graph-builder', 'seasonal-predictor', 'interval-predictor'],
      ...['forecaster', 'scheduler'],
    ];
    const endpoint = `tcp://127.0.0.1:${port}`;
    const config = configFile('asked', {
      answerMs: 300,
      questionsMax: 2,
      silentMs: 600,
      parts: [{ name: 'all', endpoint, actors }],
    });
    const startPart = () => start(['node', '--config', config, '--place', 'all'], /listens on/);
    let apart = await startPart();
    const node = await start(['node', '--config', config], /"address":"(http:[^"]+)"/);
    const at = node.match[1]!;
    await told(at);
    await post(at, part(0, 500));
    await told(at);
    const asked = async (): Promise<string> => {
      const response = await fetch(`${at}/v1/hot-segments`);
      const text = await response.text();
      return response.status === 200 ? 'answered' : `${response.status} ${text}`;
    };
    // Within 300 ms, which a busy machine may take for the first.
    const answered = () => until(async () => ((await asked()) === 'answered' ? true : null));
    await answered();
    apart.child.kill('SIGSTOP');
    const late = await Promise.all([asked(), asked()]);
    for (const answer of late)
      expect(answer).toMatch(/^503 .*the place all, where the aggregator lives: no answer in 300 ms/);
    // Both still wait for the place.
    expect(await asked()).toMatch(/^503 .*2 questions wait for answers of other places/);
    // The node says so too, and takes no more for its work than it can hold.
    const silent = await until(async () => {
      const status = await statusOf(at);
      return status.places!.silences > 0 ? status : null;
    });
    expect(silent.isReady).toBe(false);
    expect(silent.troubles.place).toMatch(/have not answered for 600 ms|away: all/);
    apart.child.kill('SIGCONT');
    await answered();
    await until(async () => ((await statusOf(at)).isReady ? true : null));
    expect((await statusOf(at)).troubles).toEqual({});
    apart.child.kill('SIGKILL');
    await until(async () =>
      /^503 .*the place all, where the aggregator lives, is away/.test(await asked()) ? true : null,
    );
    apart = await startPart();
    await told(at);
    await answered();
  },
);

test.skipIf(isUnbuilt)(
  'replay, one process and three processes give one digest of decisions, over the death of each process',
  async () => {
    const single = await start(['node', '--config', configFile('single', {})], /"address":"(http:[^"]+)"/);
    const one = single.match[1]!;
    await post(one, log);
    await told(one);
    const answers = await answersOf(one);
    const expected = await digestOf(single);
    expect(await replayed()).toBe(expected);

    const names = ['node', 'experts', 'planner'];
    const [experts, planner] = await freePorts(2);
    const keyFolders = names.map((name) => join(folder, `keys-${name}`));
    const keys = await Promise.all(names.map((name, i) => generatePlaceKeys(keyFolders[i]!, name)));
    const config = configFile('placed', {
      name: 'node',
      publicKey: keys[0],
      keyFolder: keyFolders[0],
      answerMs: 60_000,
      parts: [
        {
          name: 'experts',
          endpoint: `tcp://127.0.0.1:${experts}`,
          publicKey: keys[1],
          keyFolder: keyFolders[1],
          actors: ['aggregator', 'graph-builder', 'seasonal-predictor', 'interval-predictor'],
        },
        {
          name: 'planner',
          endpoint: `tcp://127.0.0.1:${planner}`,
          publicKey: keys[2],
          keyFolder: keyFolders[2],
          actors: ['forecaster', 'scheduler'],
        },
      ],
    });
    const startPart = (name: string) => start(['node', '--config', config, '--place', name], /listens on/);
    const startNode = () => start(['node', '--config', config], /"address":"(http:[^"]+)"/);

    await startPart('planner');
    let node = await startNode();
    let at = node.match[1]!;
    // Nobody is ready before all of it is there.
    expect((await fetch(`${at}/readyz`)).status).toBe(503);
    let apart = await startPart('experts');
    await told(at);

    await post(at, part(0, 1000));
    await told(at);
    expect((await fetch(`${at}/v1/checkpoints`, { method: 'POST' })).status).toBe(200);

    // A part dies: what is posted meanwhile is kept, and decided when the part is back.
    apart.child.kill('SIGKILL');
    await post(at, part(1000, 1800));
    apart = await startPart('experts');
    await told(at);

    // The node dies, and goes on from the checkpoint, with which the parts begin anew.
    node.child.kill('SIGKILL');
    node = await startNode();
    at = node.match[1]!;
    await told(at);
    await post(at, part(1800, rows));
    const status = await told(at);
    expect(status.log.end).toBe(rows);
    expect(status.troubles).toEqual({});
    // Questions are answered from where the models live, as one process answers them.
    expect(await answersOf(at)).toEqual(answers);
    expect(await digestOf(node)).toBe(expected);
  },
);

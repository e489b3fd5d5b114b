/** `npm run bench:restart`: a node with the state of so many segments is killed; how long the next one takes to be ready, and how much memory. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeConfigSchema } from '../../actors/node/node-config.ts';
import { parseConfig } from '../../engine/config.ts';
import { commandOptions, option, optional, text, wholeFrom } from './command-options.ts';
import { readyProcess } from './node-process.ts';
import { buildState } from './restart-state.ts';

const values = commandOptions('bench:restart', {
  segments: option('5000000', wholeFrom(1)),
  tail: option('20000', wholeFrom(0)),
  runs: option('3', wholeFrom(1)),
  /** Of the process that the bench starts: the settings of the node to build. */
  build: optional(text),
});
const { segments, tail } = values;

if (values.build !== null) {
  // The first life: it ends by its own SIGKILL, with everything acknowledged and `tail` accesses after the checkpoint.
  const config = parseConfig(nodeConfigSchema, JSON.parse(readFileSync(values.build, 'utf8')), values.build);
  await buildState({ config, segments, tail });
  process.kill(process.pid, 'SIGKILL');
}

const folder = mkdtempSync(join(tmpdir(), 'anteroom-restart-'));
try {
  const config = join(folder, 'node.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      dataFolder: join(folder, 'data'),
      http: { port: 0 },
      // Taken when the bench asks for one.
      checkpoints: { everyMs: 86_400_000 },
      engine: { capacity: 50_000 },
      logging: { level: 'warn' },
    }),
  );
  process.stderr.write(`building the state of ${segments} segments\n`);
  const self = fileURLToPath(import.meta.url);
  const builder = spawn(
    process.execPath,
    [self, '--build', config, '--segments', String(segments), '--tail', String(tail)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const signal = await new Promise((settle) => builder.on('close', (_, by) => settle(by)));
  if (signal !== 'SIGKILL') throw new Error('the state could not be built');
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const runs = [];
  for (let run = 0; run < values.runs; run++) {
    const floor = floorOf(join(folder, 'data', 'checkpoints'));
    const node = await readyProcess(main, config);
    const status = (await (await fetch(`${node.address}/v1/status`)).json()) as {
      readonly recovery: { readonly ms: number; readonly replayed: number; readonly restored: string };
      readonly toldUntil: number;
      readonly log: { readonly end: number };
    };
    const memory = node.memory();
    const cpuSeconds = node.cpuSeconds();
    node.child.kill('SIGKILL');
    await node.ended;
    const result = {
      readySeconds: node.readyMs / 1000,
      cpuSeconds,
      recoverySeconds: status.recovery.ms / 1000,
      restored: status.recovery.restored,
      replayed: status.recovery.replayed,
      isWhole: status.toldUntil === status.log.end && status.log.end === segments + tail,
      residentMB: memory.residentMB,
      residentMBMax: memory.residentMBMax,
      anonymousMB: memory.anonymousMB,
      floorSeconds: floor.seconds,
      checkpointMB: floor.megabytes,
      ratioToFloor: node.readyMs / 1000 / floor.seconds,
    };
    runs.push(result);
    process.stderr.write(`${JSON.stringify(result)}\n`);
  }
  process.stdout.write(`${JSON.stringify({ segments, tail, runs }, null, 2)}\n`);
  if (runs.some(({ isWhole, restored }) => !isWhole || restored !== 'exact')) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The least that a verified start can take: a bare Node process that reads the newest checkpoint and takes its SHA-256. */
function floorOf(path: string): { readonly seconds: number; readonly megabytes: number } {
  const source = `
    const { open } = await import(${JSON.stringify(import.meta.resolve('lmdb'))});
    const { createHash } = await import('node:crypto');
    const environment = open({ path: ${JSON.stringify(path)}, encoding: 'binary', maxDbs: 8, readOnly: true });
    const pieces = environment.openDB({ name: 'pieces', encoding: 'binary' });
    const [newest] = environment.openDB({ name: 'headers', encoding: 'binary' }).getKeys({ reverse: true, limit: 1 });
    const hash = createHash('sha256');
    let bytes = 0;
    for (const { value } of pieces.getRange({ start: [newest, 0, 0], end: [newest + 1, 0, 0] })) { hash.update(value); bytes += value.length; }
    hash.digest('hex');
    process.stdout.write(String(bytes));
    process.exit(0);`;
  const startedMs = performance.now();
  const end = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  if (end.status !== 0) throw new Error(end.stderr);
  return { seconds: (performance.now() - startedMs) / 1000, megabytes: Math.round(Number(end.stdout) / 1e6) };
}

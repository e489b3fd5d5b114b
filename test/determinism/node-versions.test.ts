import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { evictionNames } from '../../actors/cache-manager/eviction.ts';
import type { ReplayResult } from '../../sim/replay/result.ts';
import { skipUnless } from '../require-or-skip.ts';
import { withoutMeasurements } from './without-measurements.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../../dist/sim/cli/main.js', import.meta.url));

/** Node binaries to compare with the one that runs this, separated by colons; `.ci/run` sets it. */
const binaries = (process.env.ANTEROOM_NODE_BINARIES ?? '').split(':').filter((path) => path !== '');

const traces = [
  'workload:zipf-drift,segments=2000,accesses=10000',
  'workload:diurnal,consumers=20,days=3,segments=1500',
  'workload:weekly,consumers=10,days=8,segments=2000',
  'workload:chains,segments=1000,accesses=10000',
  'workload:scans,accesses=10000',
  'workload:flash-crowd,hours=3,segments=1000',
];
const common = ['--prefetch', 'none,anteroom,mithril,pg,obl,clairvoyant', '--seed', '11', '--quiet', '--json', '-'];

/** Every eviction by requests, and every kind of latency on two of them. */
const commands: readonly (readonly string[])[] = [
  ['replay', ...traces, '--cache', '0.05', '--evict', evictionNames.join(','), '--latency', '8req', ...common],
  ['replay', ...traces, '--cache', '0.01,0.1', '--evict', 'auto,gdsf', '--latency', '50ms@100MB/sx32', ...common],
  ['replay', ...traces, '--cache', '64MiB', '--evict', 'auto', '--latency', 'lognormal:50ms:0.5@20MB/sx8', ...common],
  ['replay', ...traces, '--cache', '0.1', '--unit', 'segments', '--latency', '0', ...common],
];

async function stdoutOf(binary: string, args: readonly string[]): Promise<string> {
  return (await run(binary, [main, ...args], { maxBuffer: 2 ** 28 })).stdout;
}

async function resultsOf(binary: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const args of commands) {
    texts.push(withoutMeasurements(JSON.parse(await stdoutOf(binary, args)) as ReplayResult));
  }
  return texts;
}

const reason = 'ANTEROOM_NODE_BINARIES names no other Node binaries';

describe(`the built command under other versions of Node${binaries.length > 0 ? '' : ` (skipped: ${reason})`}`, () => {
  const skip = skipUnless(binaries.length > 0, reason);

  test.skipIf(skip)(
    'gives the same results, digests included, on every built-in workload',
    async () => {
      expect(existsSync(main), 'npm run build').toBe(true);
      const here = await resultsOf(process.execPath);
      for (const binary of binaries) {
        const version = (await run(binary, ['--version'])).stdout.trim();
        const there = await resultsOf(binary);
        for (const [i, text] of there.entries()) {
          // Not toBe: two texts of a megabyte would be compared line by line for the message.
          expect(text === here[i], `node ${version} and ${process.version}: ${commands[i]!.join(' ')}`).toBe(true);
        }
      }
    },
    600_000,
  );

  test.skipIf(skip)('generates the same workloads, byte by byte', async () => {
    for (const name of ['diurnal', 'zipf-drift', 'flash-crowd']) {
      const args = ['generate', name, '--seed', '3'];
      const here = await stdoutOf(process.execPath, args);
      expect(here.length).toBeGreaterThan(10_000);
      for (const binary of binaries) expect((await stdoutOf(binary, args)) === here, `${binary} ${name}`).toBe(true);
    }
  });
});

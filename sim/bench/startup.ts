/** How long the command takes to answer when there is nothing to do. */

import { elapsedMs } from '../../engine/host/process-usage.ts';
import type { Bench, Contender } from './bench.ts';
import { commandPath, runNode } from './bench-host.ts';

export const startup: Bench = {
  name: 'startup',
  compares: 'the whole life of a process: anteroom --help and anteroom formats with bare node',
  unit: 'ms',
  better: 'lower',
  runs: 11,
  async prepare() {
    const command = commandPath();
    const contender = (name: string, does: string, words: readonly string[]): Contender => ({
      name,
      does,
      run: async () => {
        const startedMs = elapsedMs();
        await runNode(words);
        return { value: elapsedMs() - startedMs };
      },
    });
    return {
      workload: 'nothing: start, print, end',
      contenders: [
        contender('node', 'node --eval 0', ['--eval', '0']),
        contender('--help', 'anteroom --help', [command, '--help']),
        contender('formats', 'anteroom formats', [command, 'formats']),
        contender('replay --help', 'anteroom replay --help', [command, 'replay', '--help']),
      ],
      goals: [
        { contender: '--help', versus: 'node', target: null, aim: null },
        { contender: 'formats', versus: 'node', target: null, aim: null },
      ],
    };
  },
};

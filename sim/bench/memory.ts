/** How much memory a replay takes, as the accesses grow and as the segments do. */

import { AnteroomError } from '../../engine/errors.ts';
import type { ReplayResult } from '../replay/result.ts';
import type { Bench, Contender } from './bench.ts';
import { commandPath, runNode } from './bench-host.ts';
import { accessesAt, replayTraceName } from './replay-input.ts';

const MILLIONS = [1, 2, 4, 5] as const;

interface Measured {
  readonly rssBytesMax: number;
  readonly accesses: number;
  readonly segments: number;
}

export const memory: Bench = {
  name: 'memory',
  compares:
    'the most memory that anteroom replay holds resident, over growing parts of one trace and over a fixed set of segments',
  unit: 'bytes',
  better: 'lower',
  runs: 3,
  warmups: 0,
  async prepare(context) {
    commandPath();
    const { name: trace, about } = replayTraceName(context);
    const measured = new Map<string, Measured>();
    const contender = (name: string, traceName: string, limit: number): Contender => ({
      name,
      does: `anteroom replay ${traceName.split('/').at(-1)} --cache 0.01 --evict lru --prefetch none,anteroom --limit ${limit}, in a process of its own`,
      run: async () => {
        const found = await measure(traceName, limit);
        measured.set(name, found);
        return { value: found.rssBytesMax };
      },
    });
    const fixed = (accesses: number) => `workload:zipf-drift,segments=10000,accesses=${accesses}`;
    const few = accessesAt(context.scale, 1e6);
    const many = accessesAt(context.scale, 4e6);
    return {
      workload: about,
      contenders: [
        ...MILLIONS.map((millions) =>
          contender(`${millions} M accesses`, trace, accessesAt(context.scale, millions * 1e6)),
        ),
        contender('1 M, 10,000 segments', fixed(few), few),
        contender('4 M, 10,000 segments', fixed(many), many),
      ],
      goals: [
        { contender: '5 M accesses', versus: null, target: 600e6, aim: null },
        { contender: '4 M, 10,000 segments', versus: '1 M, 10,000 segments', target: 1.2, aim: null },
        { contender: '5 M accesses', versus: '1 M accesses', target: null, aim: null },
      ],
      notes: () =>
        [...measured].map(
          ([name, { accesses, segments, rssBytesMax }]) =>
            `${name}: ${accesses} accesses, ${segments} segments, ${Math.round(rssBytesMax / 1e6)} MB`,
        ),
    };
  },
};

/** The report's own figure, which the operating system keeps: the peak of the whole process. */
async function measure(trace: string, limit: number): Promise<Measured> {
  const words = ['replay', trace, '--cache', '0.01', '--evict', 'lru', '--prefetch', 'none,anteroom'];
  const output = await runNode([commandPath(), ...words, '--limit', String(limit), '--json', '-', '--quiet']);
  const { runs } = JSON.parse(output) as ReplayResult;
  const run = runs.at(-1);
  if (run === undefined) throw new AnteroomError('io', `${trace}: the replay reported no run`);
  return {
    rssBytesMax: Math.max(...runs.map(({ rssBytesMax }) => rssBytesMax)),
    accesses: run.accesses,
    segments: run.segments,
  };
}

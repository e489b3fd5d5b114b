/** Seeds of the simulated world a second. */

import { runWorld } from '../world/world.ts';
import type { Bench } from './bench.ts';
import { timed } from './timed.ts';

const SEEDS = 40;

export const simSeeds: Bench = {
  name: 'sim-seeds',
  compares: 'nothing: seeds of the simulated world a second, ten virtual minutes and 5,000 events each, on one core',
  unit: 'seeds/s',
  better: 'higher',
  prepare({ scale }) {
    const count = Math.max(1, Math.round(SEEDS * scale));
    return Promise.resolve({
      workload: `seeds 1 to ${count}`,
      contenders: [
        {
          name: 'anteroom',
          does: 'runWorld: producers, network, node and origin under drawn faults, all invariants watched',
          run: () =>
            timed(count, async () => {
              const digests: string[] = [];
              for (let seed = 1; seed <= count; seed++) digests.push((await runWorld({ seed })).digest.slice(0, 8));
              return digests.join(' ');
            }),
        },
      ],
      goals: [{ contender: 'anteroom', versus: null, target: 20, aim: null }],
    });
  },
};

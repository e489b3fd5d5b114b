/** Seeds of the simulated world a second, with the node's path and with the node itself. */

import type { NodeKind } from '../world/simulated-node.ts';
import { runWorld } from '../world/world.ts';
import type { Bench, Sample } from './bench.ts';
import { timed } from './timed.ts';

const SEEDS = 100;
/** The node itself is about a tenth as fast. */
const ENGINE_SHARE = 10;

export const simSeeds: Bench = {
  name: 'sim-seeds',
  compares:
    'seeds of the simulated world (ten virtual minutes, 5,000 events each) with the path and with the whole node',
  unit: 'seeds/s',
  better: 'higher',
  prepare({ scale }) {
    const count = Math.max(1, Math.round(SEEDS * scale));
    const engineCount = Math.max(1, Math.round(count / ENGINE_SHARE));
    let failed = 0;
    const run = (seeds: number, node: NodeKind): Promise<Sample> =>
      timed(seeds, async () => {
        for (let seed = 1; seed <= seeds; seed++) if ((await runWorld({ seed, node })).violation !== null) failed++;
        return undefined;
      });
    return Promise.resolve({
      workload: `seeds 1 to ${count}, with the engine 1 to ${engineCount}`,
      contenders: [
        {
          name: 'path',
          does: 'runWorld: a small state behind the real transport, log, intake and actors; all invariants watched',
          run: () => run(count, 'path'),
        },
        {
          name: 'engine',
          does: 'runWorld with AnteroomNode: NDJSON posts, Arrow frames, the engine in live mode; the end against a replay',
          run: () => run(engineCount, 'engine'),
        },
      ],
      goals: [
        { contender: 'path', versus: null, target: 20, aim: null },
        { contender: 'engine', versus: 'path', target: null, aim: null },
      ],
      // Two kinds of node come to nothing that could be compared; a violation is for `anteroom sim` to tell.
      notes: () => [`${failed} seeds failed, all rounds together`],
    });
  },
};

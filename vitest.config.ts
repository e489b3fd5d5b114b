/** How the tests are run: which files share a process, and which have one of their own. */

import { configDefaults, defineConfig } from 'vitest/config';

/**
 * Files whose tests are of code alone: no processes, sockets, databases or environment of their own, and nothing replaced for good.
 * They share a process, where modules are loaded once and stay compiled.
 */
const shared = [
  'test/conformance/{eviction,mailbox,next-item-model,readers-*}.test.ts',
  'test/determinism/{batch-size,readers}.test.ts',
  'test/golden/*.test.ts',
  'test/laws/!(node-*|transport).test.ts',
  'test/sim/{never-worse,tight-places,world}.test.ts',
  'test/unit/*.test.ts',
  'test/unit/{baselines,bench,cache-manager,engine,evictions,explain,far-loop,near-loop,origin,placement}/*.test.ts',
  'test/unit/{recurrent,report,seasonal-predictor,sequence,sources-binary,sources-text,streams-core,workloads}/*.test.ts',
  'test/unit/library/!(package-root|packed).test.ts',
  'test/unit/prove/!(proof-pages).test.ts',
  'test/unit/replay/!(execute-runs|order-thread).test.ts',
];

/**
 * Files whose tests listen, keep files or start a process, and end all of it themselves. They share another process, so that what one may
 * leave behind meets no test of code alone: most of what such a file costs is loading the node.
 */
const listening = [
  'test/conformance/{sink,source-*,transport,transport-*}.test.ts',
  'test/laws/{node-*,transport}.test.ts',
  'test/tidy/*.test.ts',
  'test/unit/cli/*.test.ts',
  'test/unit/node/!(tracing).test.ts',
  'test/unit/prove/proof-pages.test.ts',
  'test/unit/transport/*.test.ts',
];

export default defineConfig({
  test: {
    setupFiles: ['test/law-seed.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // By default one core of two would stand idle.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...shared, ...listening],
        },
      },
      { extends: true, test: { name: 'listening', include: listening, isolate: false } },
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
    ],
  },
});

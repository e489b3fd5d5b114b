/** A process that is one place of a pipeline: settings as JSON in its first argument; it ends when its standard input does. */

import { engineConfigSchema } from '../../actors/engine/engine-config.ts';
import { placementSchema } from '../../actors/placement/placement-config.ts';
import { parseConfig } from '../../engine/config.ts';
import { readPlaceKeys } from '../../engine/host/key-folder.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { immediateTurns } from '../../engine/host/turns.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { startPlace } from './start-place.ts';

interface Settings {
  readonly place: string;
  readonly placement: unknown;
  readonly engine: unknown;
  readonly endpoints: Readonly<Record<string, string>>;
  /** Folder of keys; null = none, within this machine only. */
  readonly keys: string | null;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;
const clock = new RealClock();
const read = settings.keys === null ? null : await readPlaceKeys(settings.keys);
const started = await startPlace({
  place: settings.place,
  placement: parseConfig(placementSchema, settings.placement, 'placement'),
  engine: parseConfig(engineConfigSchema, settings.engine, 'engine'),
  endpoints: settings.endpoints,
  clock,
  turns: immediateTurns,
  makeTransport: (options) =>
    createZeroMqTransport({
      ...options,
      clock,
      security: read === null ? null : { keys: read.keys, allowed: new AllowList(read.allowed) },
    }),
  onFault: (detail) => {
    process.stderr.write(`${detail}\n`);
    process.exitCode = 1;
  },
});
process.stdout.write('ready\n');
for await (const _ of process.stdin);
await started.stop();

import { describeTransport } from './transport-contract.ts';
import { inProcessWorld, simulatedWorld } from './transport-worlds.ts';

describeTransport('in-process', inProcessWorld);
describeTransport('simulated, calm', simulatedWorld({}));
describeTransport(
  'simulated, with loss, duplication and reordering',
  simulatedWorld({ delayMinMs: 1, delayMaxMs: 25, loss: 0.1, duplication: 0.1 }),
);

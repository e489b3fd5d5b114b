/** The node's log: JSON lines by pino on standard error, with secrets left out wherever they might slip in. */

import { pino } from 'pino';
import type { NodeLogger } from './anteroom-node.ts';
import type { NodeConfig } from './node-config.ts';

/** Paths of anything that may hold a secret. */
const secrets = [
  'token',
  'tokens',
  'secret',
  'authorization',
  'headers',
  '*.token',
  '*.tokens',
  '*.secret',
  '*.authorization',
  '*.headers',
  'config',
];

/** Its `level` may be set while it is used. */
export function createNodeLogger(level: NodeConfig['logging']['level']): NodeLogger & { level: string } {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: secrets, censor: '[left out]' } },
    pino.destination({ fd: 2, sync: true }),
  );
}

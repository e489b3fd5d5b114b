import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceContract } from './source-contract.ts';

sourceContract(
  'a followed file',
  { hasMessages: false, hasOutage: false, isRepeating: false, isSkipped: false },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anteroom-source-'));
    const file = join(folder, 'log');
    writeFileSync(file, '');
    return {
      open: (host) => host.openTail([{ file, format: 'ndjson', fromStart: true }]),
      publish: async (bodies) => {
        for (const body of bodies) appendFileSync(file, body);
      },
      unacknowledged: async () => null,
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
);

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { missClassNames } from '../../../actors/cache-manager/miss-classes.ts';
import { explainNode } from '../../../sim/cli/explain-node.ts';

test('a node told why it refused prefetches by the names of its counters: "heldOut"', async () => {
  const answer = {
    accesses: 10,
    misses: 4,
    baselineMisses: 5,
    missClasses: Object.fromEntries(missClassNames.map((name) => [name, 0])),
    refusals: { heldOut: 3, requestRate: 7, denied: 0 },
  };
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const { text } = await explainNode(
      { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      undefined,
      5,
    );
    expect(text).toMatch(/7 {2}as many prefetches a second as may be were sent\n +3 {2}it is held out/);
    expect(text).not.toMatch(/heldOut|requestRate|the policy does not allow/);
  } finally {
    server.close();
  }
});

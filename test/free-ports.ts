/** Ports for tests that must know one before it is listened at, or listen at it again: hardly anybody else is given them meanwhile. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const FIRST = 10_000;
const SLICE = 100;
const RANGE = '/proc/sys/net/ipv4/ip_local_port_range';

/** Below what the system gives to outgoing connections: one of a neighbour could have the port, or meet itself there. */
function firstEphemeral(): number {
  try {
    return Number(readFileSync(RANGE, 'utf8').split(/\s+/)[0]);
  } catch {
    return 32_768;
  }
}

const slices = Math.floor((firstEphemeral() - FIRST) / SLICE);
if (!(slices > 1)) throw new Error(`${RANGE} leaves no ports from ${FIRST} on for tests`);
// A slice for each process that runs at the same time.
const start = FIRST + SLICE * ((process.pid * 2 + (Number(process.env.VITEST_POOL_ID ?? 0) % 2)) % slices);
let given = 0;

/** One where nothing listens, and that was not given before in this round through the slice. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < SLICE; tries++) {
    const port = start + (given++ % SLICE);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of the ports ${start} to ${start + SLICE - 1} is free`);
}

/** Where nothing listens on any interface. */
function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(false));
    server.listen(port, () => server.close(() => settle(true)));
  });
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

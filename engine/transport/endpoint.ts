/** Where a ZeroMQ socket listens or connects, and whether that is within this machine. */

import { AnteroomError } from '../errors.ts';

/**
 * True for `ipc://` and for `tcp://` on the loopback interface by number or as localhost. Names are not resolved and
 * wildcards are everywhere, so both are not local.
 * @throws AnteroomError `bad-config` for anything that is no endpoint of tcp or ipc
 */
export function isLocalEndpoint(endpoint: string): boolean {
  const match = /^(tcp|ipc):\/\/(.+)$/.exec(endpoint);
  if (match === null) throw bad(endpoint, 'expected tcp://HOST:PORT or ipc://PATH');
  const [, protocol, address] = match;
  if (protocol === 'ipc') return true;
  const tcp = /^(?:.*;)?(\[[0-9A-Fa-f:.%a-z]+\]|[^:[\]]+):(\d{1,5}|\*)$/.exec(address!);
  if (tcp === null) throw bad(endpoint, 'expected tcp://HOST:PORT');
  if (Number(tcp[2]) > 65_535) throw bad(endpoint, 'expected a port up to 65535');
  // In tcp://SOURCE;HOST:PORT only where it leads counts.
  const host = tcp[1]!;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || host === '[::1]' || host === 'localhost';
}

function bad(endpoint: string, expected: string): AnteroomError {
  return new AnteroomError('bad-config', `endpoint ${JSON.stringify(endpoint).slice(0, 200)}: ${expected}`, {
    context: { endpoint: endpoint.slice(0, 200) },
  });
}

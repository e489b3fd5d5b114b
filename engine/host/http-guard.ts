/** Bounds of a listening HTTP server: how long a request may take to come, and how many connections there may be. */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface HttpBounds {
  /** Time for the head of a request, from its first byte. */
  readonly headWithinMs: number;
  /** Time for the whole of a request, its body included. */
  readonly requestWithinMs: number;
  /** Time for which a connection may stay without a request. */
  readonly idleMs: number;
  /** Connections at once; further ones are closed at once. */
  readonly connectionsMax: number;
}

/** What a client did that no request came of. */
export type HttpFault = 'malformed' | 'head-too-large' | 'too-slow' | 'too-many-connections';

/** How often a server looks for requests that take too long, ms: a setting shorter than that takes effect later. */
export const HTTP_LOOK_MS = 250;

const answers: Readonly<Partial<Record<HttpFault, string>>> = {
  malformed: '400 Bad Request',
  'head-too-large': '431 Request Header Fields Too Large',
  'too-slow': '408 Request Timeout',
};

/** Sets the bounds, which may be set again, and tells of each client that passes one; a reset connection is nobody's fault. */
export function guardHttp(server: Server, bounds: HttpBounds, onFault: (fault: HttpFault) => void): void {
  setHttpBounds(server, bounds);
  server.on('drop', () => onFault('too-many-connections'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const fault = faultOf(error.code ?? '');
    if (fault !== null) {
      onFault(fault);
      if (socket.writable) socket.write(`HTTP/1.1 ${answers[fault]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    }
    socket.destroySoon();
  });
}

export function setHttpBounds(server: Server, bounds: HttpBounds): void {
  server.headersTimeout = bounds.headWithinMs;
  server.requestTimeout = bounds.requestWithinMs;
  server.keepAliveTimeout = bounds.idleMs;
  server.maxConnections = bounds.connectionsMax;
}

function faultOf(code: string): HttpFault | null {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'too-slow';
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 'head-too-large';
  return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE' ? 'malformed' : null;
}

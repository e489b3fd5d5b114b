/** What HTTP logs have in common: methods as operations, statuses as reasons to pass a request over. */

import { Operation, type OperationCode } from '../operation.ts';

/** The operation of an HTTP method in bytes [start, end), upper case as the protocol has it. */
export function operationOfMethod(bytes: Uint8Array, start: number, end: number): OperationCode {
  const length = end - start;
  const first = bytes[start]!;
  const second = bytes[start + 1]!;
  if (length === 3) {
    if (first === 71 && second === 69 && bytes[start + 2] === 84) return Operation.read; // GET
    if (first === 80 && second === 85 && bytes[start + 2] === 84) return Operation.write; // PUT
  } else if (length === 4) {
    if (first === 72 && second === 69 && bytes[start + 2] === 65 && bytes[start + 3] === 68) return Operation.read; // HEAD
    if (first === 80 && second === 79 && bytes[start + 2] === 83 && bytes[start + 3] === 84) return Operation.write; // POST
  } else if (length === 5) {
    if (first === 80 && second === 65 && bytes[start + 2] === 84) return Operation.write; // PATCH
  } else if (length === 6) {
    if (first === 68 && second === 69 && bytes[start + 2] === 76) return Operation.delete; // DELETE
  }
  return Operation.other;
}

/** Whether bytes [start, end) are HEAD. */
export function isHead(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 4 && bytes[start] === 72 && bytes[start + 1] === 69;
}

/** Why a response of this status is not an access to a segment, or null for 200..399. */
export function reasonToSkip(status: number): string | null {
  if (status >= 200 && status < 400) return null;
  if (status >= 400 && status < 500) return 'HTTP status 4xx';
  if (status >= 500 && status < 600) return 'HTTP status 5xx';
  return 'no HTTP status 2xx or 3xx';
}

/** Where the path lies in a request line, `GET /path HTTP/1.1`. */
export interface RequestLine {
  readonly methodEnd: number;
  readonly pathStart: number;
  readonly pathEnd: number;
}

/** The parts of the request line in bytes [start, end), or null when it is something else. */
export function requestLineOf(bytes: Uint8Array, start: number, end: number): RequestLine | null {
  let methodEnd = start;
  while (methodEnd < end && bytes[methodEnd]! >= 65 && bytes[methodEnd]! <= 90) methodEnd++;
  if (methodEnd === start || bytes[methodEnd] !== 32) return null;
  let pathEnd = end - 1;
  while (pathEnd > methodEnd && bytes[pathEnd] !== 32) pathEnd--;
  const isHttp = HTTP.every((byte, i) => bytes[pathEnd + 1 + i] === byte);
  return isHttp && pathEnd > methodEnd + 1 ? { methodEnd, pathStart: methodEnd + 1, pathEnd } : null;
}

/** `HTTP/` */
const HTTP = [72, 84, 84, 80, 47];

/** Digests of bytes: CRC-32 against accidental damage, SHA-256 where a whole state must be the one that was written. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 (ISO 3309) as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
  return zlibCrc32(bytes);
}

/** SHA-256 over the parts in order, in hexadecimal. Where one part ends and the next begins does not matter to it. */
export function sha256Hex(parts: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** SHA-256 of a text in base64, as a content security policy names a script. */
export function sha256Base64(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Whether two secrets are equal, in a time that does not tell where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Key pairs of CURVE (Curve25519) and what two of them have in common. */

import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { inspect } from 'node:util';
import { AnteroomError } from '../errors.ts';

const KEY_BYTES = 32;
/** What precedes the 32 bytes of an X25519 key in PKCS #8 and SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** A secret that does not print: not in logs, not in JSON, not in an error. `reveal` is for those who must have it. */
export class SecretKey {
  readonly #bytes: Uint8Array;

  /** @throws AnteroomError `bad-config` for another number of bytes than 32 */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) throw new AnteroomError('bad-config', `a secret key has ${KEY_BYTES} bytes`);
    this.#bytes = Uint8Array.from(bytes);
  }

  reveal(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** A public key of 32 bytes and the secret that belongs to it. */
export interface CurveKeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: SecretKey;
}

/** A new pair, from the randomness of the operating system. */
export function generateCurveKeyPair(): CurveKeyPair {
  const { privateKey } = generateKeyPairSync('x25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  return curveKeyPairOf(new SecretKey(der.subarray(der.length - KEY_BYTES)));
}

/** The pair that a secret key belongs to. */
export function curveKeyPairOf(secretKey: SecretKey): CurveKeyPair {
  const der = createPublicKey(privateKeyOf(secretKey)).export({ format: 'der', type: 'spki' });
  return { secretKey, publicKey: Uint8Array.from(der.subarray(der.length - KEY_BYTES)) };
}

/** The same for both of two key pairs, and known to nobody else (RFC 7748). Undefined for a public key of low order. */
export function sharedSecretOf(secretKey: SecretKey, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    const theirs = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
    return diffieHellman({ privateKey: privateKeyOf(secretKey), publicKey: theirs });
  } catch {
    return undefined;
  }
}

/** HMAC-SHA-256 (RFC 2104). */
export function keyedHash(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest();
}

/** Hexadecimal digits that nobody can guess. */
export function entropyHex(bytes = 16): string {
  return randomBytes(bytes).toString('hex');
}

function privateKeyOf(secretKey: SecretKey): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, secretKey.reveal()]), format: 'der', type: 'pkcs8' });
}

/** What tells which of several allowed keys a message is from, where ZeroMQ does not: a proof that only the two holders of a pair of keys can make. */

import { type CurveKeyPair, entropyHex, keyedHash, sharedSecretOf } from '../host/curve-keys.ts';
import type { AllowedKeys } from './allow-list.ts';
import { decodeZ85, encodeZ85 } from './z85.ts';

/** What the frame of a proof begins with. */
export const PROOF_PREFIX = 'proof:';

/**
 * `proof:` and 64 hexadecimal digits: HMAC-SHA-256, keyed with the X25519 secret of the two long-term keys, of the line
 * `anteroom proof 1` and both public keys as Z85, the smaller first, a line each. Both holders can make it and nobody else; it is the
 * same for every message, and CURVE keeps it from others. Undefined for what is no public key.
 */
export function keyProof(ours: CurveKeyPair, theirs: string): string | undefined {
  const bytes = decodeZ85(theirs);
  const secret = bytes === undefined ? undefined : sharedSecretOf(ours.secretKey, bytes);
  if (secret === undefined) return undefined;
  const [first, second] = [encodeZ85(ours.publicKey), theirs].sort();
  const proof = keyedHash(secret, `anteroom proof 1\n${first}\n${second}`);
  return PROOF_PREFIX + Buffer.from(proof).toString('hex');
}

/** The places of an allow-list by their proofs. Looked up under a key of this process, so that the time of a look-up tells nothing. */
export class KeyProofs {
  readonly #salt = Buffer.from(entropyHex(32), 'hex');
  readonly #places = new Map<string, string>();

  constructor(ours: CurveKeyPair, allowed: AllowedKeys) {
    for (const [place, keys] of allowed) {
      for (const key of keys) {
        const proof = keyProof(ours, key);
        if (proof !== undefined) this.#places.set(this.#hidden(proof), place);
      }
    }
  }

  /** Whose proof it is; undefined = nobody's. */
  placeOf(proof: string): string | undefined {
    return this.#places.get(this.#hidden(proof));
  }

  #hidden(proof: string): string {
    return Buffer.from(keyedHash(this.#salt, proof)).toString('base64');
  }
}

/** Admits a place to a session only if it holds the secret of a key that the allow-list gives that place. */

import { type CurveKeyPair, keyedHash, sharedSecretOf } from '../host/curve-keys.ts';
import type { AllowList } from './allow-list.ts';
import { TOKEN_BYTES } from './packet.ts';
import type { Introduction, SessionGuard, SessionTokens } from './session-guard.ts';
import { decodeZ85, encodeZ85 } from './z85.ts';

/**
 * Beside CURVE itself, because ZeroMQ's binding does not say which key a message came with: CURVE and ZAP admit every allowed
 * key, and without more an allowed peer could speak as another. Here both sides compute the Diffie-Hellman secret of the two long-term
 * keys that they named (the very keys of CURVE), and from it, the names, the lives and both nonces a token for each
 * direction. Who does not hold the secret key of the place that it claims to be cannot know its token; inside CURVE nobody
 * else sees it. After the static-static mode of Noise (KK without ephemeral keys, which CURVE has).
 */
export class CurveGuard implements SessionGuard {
  readonly key: string;
  readonly #keys: CurveKeyPair;
  readonly #allowed: AllowList;

  constructor(keys: CurveKeyPair, allowed: AllowList) {
    this.key = encodeZ85(keys.publicKey);
    this.#keys = keys;
    this.#allowed = allowed;
  }

  tokens(us: Introduction, peer: Introduction, isInitiator: boolean): SessionTokens | string {
    const allowed = this.#allowed.keysOf(peer.place);
    if (allowed.length === 0) return 'unknown-place';
    if (!allowed.includes(peer.key)) return 'wrong-key';
    const secret = sharedSecretOf(this.#keys.secretKey, decodeZ85(peer.key)!);
    if (secret === undefined) return 'wrong-key';
    const [initiator, responder] = isInitiator ? [us, peer] : [peer, us];
    const session = keyedHash(secret, `anteroom session 1\n${textOf(initiator)}\n${textOf(responder)}`);
    const token = (role: string): Uint8Array => keyedHash(session, role).slice(0, TOKEN_BYTES);
    const [ours, theirs] = isInitiator ? ['initiator', 'responder'] : ['responder', 'initiator'];
    return { ours: token(ours!), theirs: token(theirs!) };
  }

  admits(place: string, key: string): boolean {
    return this.#allowed.keysOf(place).includes(key);
  }
}

function textOf({ place, incarnation, nonce, key }: Introduction): string {
  return [place, incarnation, nonce, key].join('\n');
}

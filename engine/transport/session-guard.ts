/** Proves to two places who the other one is, and marks the packets of their session. */

import { TOKEN_BYTES } from './packet.ts';

/** What both sides of a handshake know of each other: names, lives, nonces and, where keys are in use, public keys. */
export interface Introduction {
  readonly place: string;
  /** Differs with every start of the place. */
  readonly incarnation: string;
  /** Fresh random bytes as text, one for each handshake. */
  readonly nonce: string;
  /** Z85; empty without keys. */
  readonly key: string;
}

/** Tokens of a session: what we put on our packets, and what the peer must put on its own. */
export interface SessionTokens {
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

/**
 * Decides who may speak as whom. The implementation must give both sides the same pair of tokens, exchanged, if and only if
 * each holds the secret key of the public key it named, and must name a reason for whom it does not admit.
 */
export interface SessionGuard {
  /** Our public key as Z85; empty without keys. */
  readonly key: string;
  /** The initiator is whose connection it is. A string is the reason of a refusal. */
  tokens(us: Introduction, peer: Introduction, isInitiator: boolean): SessionTokens | string;
  /** Whether a session of that place with that key may go on. */
  admits(place: string, key: string): boolean;
}

/**
 * Without keys: the tokens are the nonces, which tells sessions apart and keeps stale packets out, and proves nothing. For
 * what does not leave the machine.
 */
export const openGuard: SessionGuard = {
  key: '',
  tokens(us, peer) {
    if (peer.key !== '') return 'key-unexpected';
    return { ours: tokenOf(us.nonce, peer.nonce), theirs: tokenOf(peer.nonce, us.nonce) };
  },
  admits: (_place, key) => key === '',
};

function tokenOf(first: string, second: string): Uint8Array {
  const bytes = new TextEncoder().encode(first.slice(0, TOKEN_BYTES / 2) + second.slice(0, TOKEN_BYTES / 2));
  const token = new Uint8Array(TOKEN_BYTES);
  token.set(bytes.subarray(0, TOKEN_BYTES));
  return token;
}

/** Compares in a time that does not depend on where they differ. */
export function isSameToken(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < TOKEN_BYTES; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

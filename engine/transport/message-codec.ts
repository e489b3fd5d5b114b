/** How messages of actors become frames and come back. */

import { AnteroomError } from '../errors.ts';

/** A message as a transport carries it. */
export interface EncodedMessage {
  /** 1 to 64 bytes, for metrics and for choosing who decodes. */
  readonly kind: string;
  readonly frames: readonly Uint8Array[];
}

/** The implementation gives back, from what it made of a message, an equal one; and never more than an error for other bytes. */
export interface MessageCodec<M> {
  /** The frames may share memory with the message, which must not change afterwards. */
  encode(message: M): EncodedMessage;
  /** @throws AnteroomError `bad-record` for bytes that are no message. */
  decode(kind: string, frames: readonly Uint8Array[]): M;
}

/** Messages of some kinds by codecs of their own, all others by `otherwise`. */
export function codecByKind<M extends { readonly kind: string }>(
  byKind: Readonly<Record<string, MessageCodec<never>>>,
  otherwise: MessageCodec<M>,
): MessageCodec<M> {
  const codecs = new Map(Object.entries(byKind) as [string, MessageCodec<M>][]);
  return {
    encode: (message) => (codecs.get(message.kind) ?? otherwise).encode(message),
    decode: (kind, frames) => (codecs.get(kind) ?? otherwise).decode(kind, frames),
  };
}

export function undecodable(kind: string, why: string, cause?: unknown): AnteroomError {
  return new AnteroomError('bad-record', `message of kind ${JSON.stringify(kind).slice(0, 80)}: ${why}`, {
    context: { kind: kind.slice(0, 80) },
    ...(cause === undefined ? {} : { cause }),
  });
}

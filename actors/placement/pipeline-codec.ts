/** The messages of a pipeline between places: accesses as Arrow IPC, all others as JSON and typed arrays. */

import { codecByKind, type MessageCodec, undecodable } from '../../engine/transport/message-codec.ts';
import { structuredCodec } from '../../engine/transport/structured-codec.ts';
import { decodeAccessBatch, encodeAccessBatch } from '../../streams/codec/access-batch-bytes.ts';
import type { AccessesMessage } from '../messages.ts';

const accesses: MessageCodec<AccessesMessage> = {
  encode: ({ kind, batch }) => ({ kind, frames: [encodeAccessBatch(batch)] }),
  decode: (kind, frames) => {
    const [bytes] = frames;
    if (bytes === undefined || frames.length !== 1)
      throw undecodable(kind, `expected one frame, found ${frames.length}`);
    return { kind: 'accesses', batch: decodeAccessBatch(bytes) };
  },
};

/** For any actor of a pipeline. */
export function pipelineCodec<M extends { readonly kind: string }>(): MessageCodec<M> {
  return codecByKind<M>({ accesses: accesses as unknown as MessageCodec<never> }, structuredCodec<M>());
}

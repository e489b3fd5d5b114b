/** The messages of a pipeline between places: accesses as Arrow IPC, all others as JSON and typed arrays. */

import { codecByKind, type MessageCodec, undecodable } from '../../engine/transport/message-codec.ts';
import { structuredCodec } from '../../engine/transport/structured-codec.ts';
import { decodeAccessBatch, encodeAccessBatch } from '../../streams/codec/access-batch-bytes.ts';
import type { AccessesMessage } from '../messages.ts';
import { messageShapes } from './message-shapes.ts';

const accesses: MessageCodec<AccessesMessage> = {
  encode: ({ kind, batch }) => ({
    kind,
    frames: [encodeAccessBatch(batch), new Uint8Array(Float64Array.of(batch.position, batch.length).buffer)],
  }),
  decode: (kind, frames) => {
    const [bytes, facts] = frames;
    if (bytes === undefined || frames.length !== 2 || facts?.length !== 16) {
      throw undecodable(kind, 'expected a batch, its position and its length');
    }
    const [position, rows] = new Float64Array(facts.slice().buffer) as unknown as [number, number];
    return { kind: 'accesses', batch: decodeAccessBatch(bytes, position, rows) };
  },
};

/**
 * For any actor of a pipeline. What is read has the fields of its kind, of their types and lengths: another place, though it has
 * a key, may be faulty, and a fault of its must not be one of ours.
 */
export function pipelineCodec<M extends { readonly kind: string }>(): MessageCodec<M> {
  const structured = structuredCodec<M>();
  const checked: MessageCodec<M> = {
    encode: structured.encode,
    decode: (kind, frames) => {
      const message = structured.decode(kind, frames);
      const isWell = messageShapes.get(kind);
      if (isWell === undefined) throw undecodable(kind, 'no such kind');
      if (!isWell(message) || message.kind !== kind) throw undecodable(kind, 'not the fields of its kind');
      return message;
    },
  };
  return codecByKind<M>({ accesses: accesses as unknown as MessageCodec<never> }, checked);
}

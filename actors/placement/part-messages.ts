/** What the owner of a pipeline and the places of its parts say to each other besides accesses, ticks and plans. */

import { type MessageCodec, undecodable } from '../../engine/transport/message-codec.ts';
import { structuredCodec } from '../../engine/transport/structured-codec.ts';
import { type PlacedActor, placementSchema } from './placement-config.ts';

/** Under which the place of a part, and the owner, are known to each other. */
export const PART = 'part';
export const OWNER = 'owner';

/** Bytes of a state in one message. */
export const PIECE_BYTES = 2 ** 20;

/** To a part. An epoch is one life of the engine; what is said of another is passed over. */
export type PartOrder =
  /** Make the actors that `placement` puts there, new; `settings` is the engine's configuration as JSON. */
  | {
      readonly kind: 'begin';
      readonly epoch: string;
      readonly settings: string;
      readonly placement: Readonly<Record<PlacedActor, string>>;
    }
  /** The next piece of an actor's state. */
  | {
      readonly kind: 'state';
      readonly epoch: string;
      readonly actor: string;
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
    }
  /** All states were sent. */
  | { readonly kind: 'go'; readonly epoch: string };

/** From a part. */
export type PartReport =
  | { readonly kind: 'begun'; readonly epoch: string; readonly place: string }
  | {
      readonly kind: 'saved';
      readonly epoch: string;
      readonly actor: string;
      readonly position: number;
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
    }
  /** To the question of that number; `fault` = why there is no answer. */
  | {
      readonly kind: 'answered';
      readonly epoch: string;
      readonly id: number;
      readonly fault: string | null;
      readonly answer: unknown;
    }
  | { readonly kind: 'fault'; readonly epoch: string; readonly place: string; readonly why: string };

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value.length <= 2 ** 20;
const isFlag: Check = (value) => typeof value === 'boolean';
const isNumber: Check = (value) => Number.isSafeInteger(value);
const isBytes: Check = (value) => value instanceof Uint8Array;
const isPlacement: Check = (value) => placementSchema.safeParse(value).success;

const shapes: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  begin: { epoch: isText, settings: isText, placement: isPlacement },
  state: { epoch: isText, actor: isText, bytes: isBytes, isLast: isFlag },
  go: { epoch: isText },
  begun: { epoch: isText, place: isText },
  saved: { epoch: isText, actor: isText, position: isNumber, bytes: isBytes, isLast: isFlag },
  answered: { epoch: isText, id: isNumber, fault: (value) => value === null || isText(value) },
  fault: { epoch: isText, place: isText, why: isText },
};

/** As with the pipeline's own messages: another place, though it has a key, may be faulty. */
export function partCodec<M extends { readonly kind: string }>(): MessageCodec<M> {
  const structured = structuredCodec<M>();
  return {
    encode: structured.encode,
    decode: (kind, frames) => {
      const message = structured.decode(kind, frames);
      const shape = shapes[kind];
      if (shape === undefined || message.kind !== kind) throw undecodable(kind, 'no such kind');
      const fields = message as Readonly<Record<string, unknown>>;
      for (const [name, isWell] of Object.entries(shape))
        if (!isWell(fields[name])) throw undecodable(kind, `${name} is not of its type`);
      return message;
    },
  };
}

/** The body of a hello or a welcome: who speaks, to whom, in which life. */

import type { Introduction } from './session-guard.ts';

/** What is said in a hello; a welcome repeats the nonce of the hello that it answers. */
export interface HelloBody extends Introduction {
  readonly to: string;
  /** Empty in a hello. */
  readonly answers: string;
  /** What the speaker takes at most, so that nobody sends it what it would refuse for ever. */
  readonly messageBytesMax: number;
  readonly framesMax: number;
}

/** A place's name: it is in logs, file names and actor addresses, so it is plain. */
export const PLACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const BODY_BYTES_MAX = 1024;
const WORDS = /^[0-9a-f]{16,64}$/;
const KEY = /^(?:|[0-9A-Za-z.\-:+=^!/*?&<>()[\]{}@%$#]{40})$/;
const COUNT = /^[1-9][0-9]{0,9}$/;
const FIELDS = 8;

export function encodeHello(body: HelloBody): Uint8Array {
  const { place, to, incarnation, nonce, answers, key, messageBytesMax, framesMax } = body;
  return new TextEncoder().encode([place, to, incarnation, nonce, answers, key, messageBytesMax, framesMax].join('\n'));
}

/** Reads a body from any bytes; undefined when it is none. Never throws. */
export function parseHello(frames: readonly Uint8Array[]): HelloBody | undefined {
  const bytes = frames[0];
  if (frames.length !== 1 || bytes === undefined || bytes.length > BODY_BYTES_MAX) return undefined;
  const fields = new TextDecoder().decode(bytes).split('\n');
  if (fields.length !== FIELDS) return undefined;
  const [place, to, incarnation, nonce, answers, key, bytesMax, framesMax] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const isWell =
    PLACE.test(place) &&
    PLACE.test(to) &&
    WORDS.test(incarnation) &&
    WORDS.test(nonce) &&
    (answers === '' || WORDS.test(answers)) &&
    KEY.test(key) &&
    COUNT.test(bytesMax) &&
    COUNT.test(framesMax);
  if (!isWell) return undefined;
  return {
    place,
    to,
    incarnation,
    nonce,
    answers,
    key,
    messageBytesMax: Number(bytesMax),
    framesMax: Number(framesMax),
  };
}

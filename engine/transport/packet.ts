/** The frames of one packet on a carrier: a fixed header with the kind, then the frames of the message. */

/**
 * `hello` and `welcome` introduce two places to each other; `data` carries a message; `ack` says what has arrived and how
 * much more may come; `probe` asks for an `ack`; `reset` answers a packet of nobody known; `bye` ends a link in order.
 */
export type PacketType = 'hello' | 'welcome' | 'data' | 'ack' | 'probe' | 'reset' | 'bye';

/** Why a packet is refused before it is looked up whose it is. */
export type PacketFault = 'malformed' | 'version' | 'oversized';

export interface Packet {
  readonly type: PacketType;
  /** Proves that it is of the session; see SessionGuard. A view into the header. */
  readonly token: Uint8Array;
  /** data: its number, from 1. probe: the last number sent. ack: the number of the probe that it answers, else 0. */
  readonly seq: number;
  /** Every message up to this number has arrived ... */
  readonly ack: number;
  /** ... and up to this one has been handled, so that its sender need not keep it. */
  readonly handled: number;
  /** Messages may be sent up to this number ... */
  readonly limitSeq: number;
  /** ... and up to so many bytes since the start of the session. */
  readonly limitBytes: number;
  readonly kind: string;
  readonly frames: readonly Uint8Array[];
  /** Of the frames. */
  readonly bytes: number;
}

export interface PacketLimits {
  readonly messageBytesMax: number;
  readonly framesMax: number;
}

export const TOKEN_BYTES = 16;
/** A kind is 1 to 255 bytes of UTF-8 on data, nothing on the others. */
export const KIND_BYTES_MAX = 255;
export const HEADER_BYTES = 64;
/** Of the one frame that a packet without a message may have. */
const CONTROL_BYTES_MAX = 1024;

const MAGIC = 0xa7;
const VERSION = 1;
const TYPES: readonly PacketType[] = ['hello', 'welcome', 'data', 'ack', 'probe', 'reset', 'bye'];
const DATA = TYPES.indexOf('data');
const WORD = 2 ** 32;
/** High words from here on would be beyond what a double counts exactly. */
const HIGH_MAX = 2 ** 21;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export interface PacketHeader {
  readonly type: PacketType;
  readonly token: Uint8Array;
  readonly seq: number;
  readonly ack: number;
  readonly handled: number;
  readonly limitSeq: number;
  readonly limitBytes: number;
}

/** Bytes of a kind, kept by whoever sends many of one kind. */
export function kindBytes(kind: string): Uint8Array {
  return encoder.encode(kind);
}

/** The header frame. Layout, little endian: magic, version, type, kind length; u32 frames; token; five u64; the kind. */
export function encodeHeader(header: PacketHeader, kind: Uint8Array, frameCount: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + kind.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = MAGIC;
  bytes[1] = VERSION;
  bytes[2] = TYPES.indexOf(header.type);
  bytes[3] = kind.length;
  view.setUint32(4, frameCount, true);
  bytes.set(header.token, 8);
  setNumber(view, 24, header.seq);
  setNumber(view, 32, header.ack);
  setNumber(view, 40, header.limitSeq);
  setNumber(view, 48, header.limitBytes);
  setNumber(view, 56, header.handled);
  bytes.set(kind, HEADER_BYTES);
  return bytes;
}

/** Reads a packet from any bytes whatever; never throws, allocates in proportion to the number of frames. */
export function parsePacket(frames: readonly Uint8Array[], limits: PacketLimits): Packet | PacketFault {
  const head = frames[0];
  if (head === undefined || head.length < HEADER_BYTES || head[0] !== MAGIC) return 'malformed';
  if (head[1] !== VERSION) return 'version';
  const typeCode = head[2]!;
  const type = TYPES[typeCode];
  const kindLength = head[3]!;
  if (type === undefined || head.length !== HEADER_BYTES + kindLength) return 'malformed';
  if ((typeCode === DATA) !== kindLength > 0) return 'malformed';
  const framesMax = typeCode === DATA ? limits.framesMax : 1;
  const bytesMax = typeCode === DATA ? limits.messageBytesMax : CONTROL_BYTES_MAX;
  if (frames.length - 1 > framesMax) return 'oversized';
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(4, true) !== frames.length - 1) return 'malformed';
  let bytes = 0;
  for (let i = 1; i < frames.length; i++) bytes += frames[i]!.length;
  if (bytes > bytesMax) return 'oversized';
  const seq = getNumber(view, 24);
  const ack = getNumber(view, 32);
  const limitSeq = getNumber(view, 40);
  const limitBytes = getNumber(view, 48);
  const handled = getNumber(view, 56);
  if (seq < 0 || ack < 0 || limitSeq < 0 || limitBytes < 0 || handled < 0) return 'malformed';
  if (typeCode === DATA && seq === 0) return 'malformed';
  let kind = '';
  if (kindLength > 0) {
    try {
      kind = decoder.decode(head.subarray(HEADER_BYTES));
    } catch {
      return 'malformed';
    }
  }
  return {
    type,
    token: head.subarray(8, 8 + TOKEN_BYTES),
    seq,
    ack,
    handled,
    limitSeq,
    limitBytes,
    kind,
    frames: frames.slice(1),
    bytes,
  };
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % WORD, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}

/** -1 for what a double cannot count exactly. */
function getNumber(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high >= HIGH_MAX ? -1 : high * WORD + view.getUint32(at, true);
}

/** Z85: bytes as text that can be copied by hand, as ZeroMQ writes keys. Source: ZeroMQ RFC 32. */

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const BASE = 85;
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));

/** The caller gives a number of bytes that is a multiple of four. */
export function encodeZ85(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let value = ((bytes[at]! * 256 + bytes[at + 1]!) * 256 + bytes[at + 2]!) * 256 + bytes[at + 3]!;
    let group = '';
    for (let i = 0; i < 5; i++) {
      group = ALPHABET[value % BASE] + group;
      value = Math.floor(value / BASE);
    }
    text += group;
  }
  return text;
}

/** Undefined for what is not Z85. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined;
  const bytes = new Uint8Array((text.length / 5) * 4);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const digit = VALUES.get(text[group * 5 + i]!);
      if (digit === undefined) return undefined;
      value = value * BASE + digit;
    }
    if (value >= 2 ** 32) return undefined;
    for (let i = 3; i >= 0; i--) {
      bytes[group * 4 + i] = value % 256;
      value = Math.floor(value / 256);
    }
  }
  return bytes;
}

import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../../engine/random.ts';
import type { Carrier, CarrierSink } from '../../../engine/transport/carrier.ts';
import { encodeHello, parseHello } from '../../../engine/transport/introduction.ts';
import { LinkTransport } from '../../../engine/transport/link-transport.ts';
import { encodeHeader, kindBytes, type PacketHeader, parsePacket } from '../../../engine/transport/packet.ts';
import { structuredCodec } from '../../../engine/transport/structured-codec.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';
import { seededNonce } from '../../conformance/transport-worlds.ts';

const INPUTS = 100_000;
const limits = { messageBytesMax: 4096, framesMax: 8 };
const random = new Xoshiro128(20_261_121);
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.int(256));
const types = ['hello', 'welcome', 'data', 'ack', 'probe', 'reset', 'bye'] as const;

/** A packet that is well made, with numbers small and large. */
function wellMade(token: Uint8Array): Uint8Array[] {
  const type = types[random.int(types.length)]!;
  const number = (): number => (random.int(4) === 0 ? random.int(2 ** 32) * 2 ** random.int(21) : random.int(2000));
  const fields: PacketHeader = {
    type,
    token,
    seq: number() + 1,
    ack: random.int(2) * number(),
    handled: random.int(2) * number(),
    limitSeq: number(),
    limitBytes: number(),
  };
  const frames = type === 'data' ? Array.from({ length: random.int(4) }, () => bytes(random.int(64))) : [];
  if (type === 'hello' || type === 'welcome') {
    const body = { place: 'x', to: 'victim', incarnation: 'a'.repeat(16), nonce: 'b'.repeat(16), answers: '', key: '' };
    frames.push(encodeHello({ ...body, messageBytesMax: 1 + random.int(5000), framesMax: 1 + random.int(9) }));
  }
  return [encodeHeader(fields, type === 'data' ? kindBytes('kind') : new Uint8Array(0), frames.length), ...frames];
}

/** One to four changes: bytes flipped, cut, extended, frames dropped, doubled, swapped. */
function mutated(frames: Uint8Array[]): Uint8Array[] {
  const out = frames.map((frame) => frame.slice());
  for (let changes = 1 + random.int(4); changes > 0; changes--) {
    const at = random.int(Math.max(1, out.length));
    const frame = out[at];
    switch (random.int(6)) {
      case 0:
      case 1:
        if (frame !== undefined && frame.length > 0) frame[random.int(frame.length)] = random.int(256);
        break;
      case 2:
        if (frame !== undefined) out[at] = frame.subarray(0, random.int(frame.length + 1));
        break;
      case 3:
        if (frame !== undefined) out[at] = Uint8Array.from([...frame, ...bytes(random.int(40))]);
        break;
      case 4:
        out.splice(at, 1);
        break;
      default:
        if (frame !== undefined) out.splice(random.int(out.length + 1), 0, frame);
    }
  }
  return out;
}

const anyInput = (token: Uint8Array): Uint8Array[] =>
  random.int(4) === 0 ? Array.from({ length: random.int(12) }, () => bytes(random.int(200))) : mutated(wellMade(token));

describe(`${INPUTS} random and mutated inputs`, () => {
  test('the parser of packets gives a packet within the limits or the name of a fault, and never throws', () => {
    const seen = new Map<string, number>();
    for (let i = 0; i < INPUTS; i++) {
      const packet = parsePacket(anyInput(bytes(16)), limits);
      const name = typeof packet === 'string' ? packet : packet.type;
      seen.set(name, (seen.get(name) ?? 0) + 1);
      if (typeof packet === 'string') continue;
      const numbers = [packet.seq, packet.ack, packet.handled, packet.limitSeq, packet.limitBytes];
      const isWithin = packet.frames.length <= limits.framesMax && packet.bytes <= limits.messageBytesMax;
      if (!isWithin || !numbers.every(Number.isSafeInteger)) expect.fail(`input ${i}: ${JSON.stringify(packet)}`);
    }
    // Each way out has been taken, or the inputs would not be varied enough to say anything.
    for (const name of ['malformed', 'version', 'oversized', ...types])
      expect(seen.get(name), name).toBeGreaterThan(10);
  });

  test('the parsers of introductions and of structured messages give a value or refuse', () => {
    const hello = encodeHello({
      place: 'site',
      to: 'centre',
      incarnation: '0123456789abcdef',
      nonce: 'fedcba9876543210',
      answers: '',
      key: '',
      messageBytesMax: 1000,
      framesMax: 8,
    });
    const codec = structuredCodec<unknown>();
    const plan = codec.encode({ kind: 'plan', ids: Float64Array.of(1, 2), at: Number.NaN, deep: [{ a: 1 }] }).frames;
    let refused = 0;
    for (let i = 0; i < INPUTS / 2; i++) {
      const body = parseHello(mutated([hello]));
      if (body === undefined) refused++;
      else if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(body.place)) expect.fail(body.place);
      try {
        codec.decode('plan', mutated(plan.map((frame) => frame.slice())));
      } catch (error) {
        refused++;
        if ((error as { code?: string }).code !== 'bad-record') throw error;
      }
    }
    expect(refused).toBeGreaterThan(INPUTS / 10);
  });

  test('a transport under fire refuses, counts, and goes on serving its peer', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const sent: { route: string; frames: readonly Uint8Array[] }[] = [];
    let sink!: CarrierSink;
    const carrier: Carrier = {
      open: (given) => {
        sink = given;
      },
      bind: async (endpoint) => endpoint,
      connect: async () => 'unused',
      send: (route, frames) => void sent.push({ route, frames }),
      close: async () => {},
    };
    const config = { ...limits, windowMessages: 64, pendingHandshakesMax: 16, peersMax: 8 };
    const transport = new LinkTransport({
      place: 'victim',
      carrier,
      clock,
      nonce: seededNonce(5),
      receive: ({ from, kind }) => void seen.push(`${from} ${kind}`),
      config,
    });
    // An honest peer introduces itself by hand: hello, welcome, then its token on everything.
    const ours = { place: 'friend', incarnation: '1'.repeat(16), nonce: '2'.repeat(16), key: '' };
    const empty = new Uint8Array(16);
    const noKind = new Uint8Array(0);
    const body = encodeHello({ ...ours, to: 'victim', answers: '', messageBytesMax: 4096, framesMax: 8 });
    const zeros = { seq: 0, ack: 0, handled: 0, limitSeq: 0, limitBytes: 0 };
    sink.packet('honest', [encodeHeader({ type: 'hello', token: empty, ...zeros }, noKind, 1), body]);
    const welcome = sent.at(-1)!.frames;
    const theirs = parseHello(welcome.slice(1))!;
    const token = new TextEncoder().encode('2'.repeat(8) + theirs.nonce.slice(0, 8));
    let seq = 0;
    const speak = (): void => {
      const fields = { type: 'data', token, ...zeros, seq: ++seq } as const;
      sink.packet('honest', [encodeHeader(fields, kindBytes('fine'), 0)]);
    };
    speak();
    expect(seen).toEqual(['friend fine']);
    for (let i = 0; i < INPUTS; i++) {
      // Strangers come and go on many routes; some know the form of everything but not the token.
      sink.packet(`stranger ${random.int(50)}`, anyInput(bytes(16)));
      if (i % 1000 === 0) {
        speak();
        clock.advanceTo(clock.now() + 20);
      }
    }
    expect(seen.filter((line) => line === 'friend fine').length).toBe(1 + INPUTS / 1000);
    const { refused, waiting, queued, delivered } = transport.counts();
    expect(delivered).toBe(seen.length);
    expect(waiting + queued).toBe(0);
    for (const reason of ['malformed', 'version', 'no-session', 'handshake-dropped']) {
      expect(refused[reason], reason).toBeGreaterThan(0);
    }
    expect(Object.keys(refused).length).toBeLessThan(20);
    expect(transport.isUp('friend')).toBe(true);
  });

  test('a peer that proves who it is and then sends nonsense harms only its own link', () => {
    // As above, with the right token: acknowledgements of what was never sent, numbers far ahead, endless data.
    const clock = new VirtualClock();
    let sink!: CarrierSink;
    const sent: (readonly Uint8Array[])[] = [];
    const seen: string[] = [];
    const transport = new LinkTransport({
      place: 'victim',
      carrier: {
        open: (given) => {
          sink = given;
        },
        bind: async (endpoint) => endpoint,
        connect: async () => 'unused',
        send: (_, frames) => void sent.push(frames),
        close: async () => {},
      },
      clock,
      nonce: seededNonce(6),
      receive: ({ from }) => void seen.push(from),
      config: { ...limits, windowMessages: 32, windowBytes: 8192 },
    });
    const join = (place: string, digit: string): Uint8Array => {
      const zeros = { seq: 0, ack: 0, handled: 0, limitSeq: 0, limitBytes: 0 };
      const us = { place, incarnation: digit.repeat(16), nonce: digit.repeat(16), key: '' };
      const body = encodeHello({ ...us, to: 'victim', answers: '', messageBytesMax: 4096, framesMax: 8 });
      sink.packet(place, [
        encodeHeader({ type: 'hello', token: new Uint8Array(16), ...zeros }, new Uint8Array(0), 1),
        body,
      ]);
      const theirs = parseHello(sent.at(-1)!.slice(1))!;
      const token = new TextEncoder().encode(digit.repeat(8) + theirs.nonce.slice(0, 8));
      sink.packet(place, [encodeHeader({ type: 'probe', token, ...zeros }, new Uint8Array(0), 0)]);
      return token;
    };
    let evil = join('evil', 'e');
    const good = join('good', 'd');
    const started = seen.length;
    for (let i = 0, seq = 0; i < INPUTS / 2; i++) {
      // It parts and resets its own session now and then; then it comes back.
      if (i % 20 === 0) evil = join('evil', 'e');
      const frames = wellMade(evil);
      sink.packet('evil', random.int(2) === 0 ? frames : mutated(frames));
      if (transport.counts().waitingBytes > 8192) expect.fail(`input ${i}: too much is held`);
      if (i % 1000 !== 0) continue;
      const header = { type: 'data', token: good, seq: ++seq, ack: 0, handled: 0, limitSeq: 0, limitBytes: 0 } as const;
      sink.packet('good', [encodeHeader(header, kindBytes('k'), 0)]);
    }
    expect(started).toBe(0);
    expect(seen.filter((from) => from === 'good').length).toBe(INPUTS / 2 / 1000);
    const { refused } = transport.counts();
    expect(refused['bad-ack']).toBeGreaterThan(100);
    expect(refused['beyond-window']).toBeGreaterThan(0);
  });
});

/** Producers that are not ours, over ZeroMQ: they number their messages themselves, and a router answers each. */

import type { Clock } from '../../../engine/clock.ts';
import { keysDiffer, type PlaceKeys, type RereadKeys, readPlaceKeys } from '../../../engine/host/key-folder.ts';
import { AllowList } from '../../../engine/transport/allow-list.ts';
import { KeyProofs, PROOF_PREFIX } from '../../../engine/transport/key-proof.ts';
import { type OutsideReceiver, openOutsideReceiver } from '../../../engine/transport/outside-sockets.ts';
import { IngestQuotas } from '../http/ingest-quotas.ts';
import { allowsName } from '../name-rules.ts';
import { postFormats } from '../post-formats.ts';
import type { Broker, BrokerConnection, BrokerMessage, Denial, FetchLimits, Settled, Speaker } from './broker.ts';
import type { SpeakerConfig, ZeroMqSourceConfig } from './source-config.ts';

/** Room for a frame that is a little too large, so that it is named and not only cut off. */
const SLACK_BYTES = 65_536;
/** More than any proof has. */
const PROOF_FRAME_BYTES_MAX = 256;
/** Of a sequence that is none, in the answer. */
const SEQUENCE_SHOWN = 64;
const DIGITS = /^\d{1,15}$/;

/**
 * Frames of a message: `payload`, or `producer sequence payload`, or `producer sequence format payload`; in front of them a proof of
 * whose key it is, where several places are allowed: ZeroMQ's package does not tell with which key a message came. A router answers
 * `sequence verdict detail`: `taken` and the number of accesses, `duplicate`, `refused` and why, or `later` and the seconds; an empty
 * frame in front, as REQ sockets send it, is sent back.
 */
export class ZeroMqBroker implements Broker {
  readonly #config: ZeroMqSourceConfig;
  readonly #onRefused: (reason: string, who: string) => void;
  readonly #onBound: (endpoint: string) => void;
  /** Outlives connections, or a producer could get rid of its debt by breaking one. */
  readonly #quotas: IngestQuotas;
  readonly #clock: Clock;
  /** Those in force; null = none yet, or none at all. */
  #place: PlaceKeys | null = null;
  readonly #allowed = new AllowList();
  #connection: ZeroMqConnection | null = null;
  /** Where it was bound, whose port may have been any. */
  #endpoint: string | null = null;

  constructor(options: {
    readonly config: ZeroMqSourceConfig;
    readonly clock: Clock;
    readonly onRefused: (reason: string, who: string) => void;
    readonly onBound: (endpoint: string) => void;
  }) {
    this.#config = options.config;
    this.#onRefused = options.onRefused;
    this.#onBound = options.onBound;
    this.#clock = options.clock;
    this.#quotas = new IngestQuotas(options.clock);
  }

  compare(): number {
    return 0;
  }

  async connect(): Promise<BrokerConnection> {
    const { keysFolder, pattern, bind, highWaterMark, messageBytesMax } = this.#config;
    const before = this.#place;
    const read = keysFolder === null ? null : await readPlaceKeys(keysFolder);
    // Others may have come into force meanwhile; those were read later.
    const place = this.#place === before ? read : this.#place;
    this.#place = place;
    if (place !== null) this.#allowed.replace(place.allowed);
    const receiver = await openOutsideReceiver({
      pattern,
      endpoint: this.#endpoint ?? bind,
      security: place === null ? null : { keys: place.keys, allowed: this.#allowed },
      highWaterMark,
      frameBytesMax: messageBytesMax + SLACK_BYTES,
      clock: this.#clock,
      onRefused: this.#onRefused,
    });
    this.#endpoint = receiver.endpoint;
    this.#onBound(receiver.endpoint);
    const connection = new ZeroMqConnection(receiver, this.#config, this.#speakersOf(), this.#quotas);
    if (this.#place !== place) connection.rekey(null);
    this.#connection = connection;
    return connection;
  }

  readonly rereadKeys: RereadKeys = async () => {
    const { keysFolder } = this.#config;
    const fresh = keysFolder === null ? null : await readPlaceKeys(keysFolder);
    return () => {
      const before = this.#place;
      if (fresh === null) return false;
      // None could be read so far: the next connection reads these.
      if (before === null) return true;
      if (!keysDiffer(before, fresh)) return false;
      this.#place = fresh;
      // New connections are refused from here on.
      this.#allowed.replace(fresh.allowed);
      this.#connection?.rekey(isAllKept(before, fresh) ? this.#speakersOf() : null);
      return true;
    };
  };

  #speakersOf(): Speakers | null {
    return this.#place === null ? null : new Speakers(this.#config.speakers, this.#place);
  }
}

/** Whether every connection that stands may go on: ZeroMQ asks for a key once, when a connection is made. */
function isAllKept(before: PlaceKeys, fresh: PlaceKeys): boolean {
  if (keysDiffer({ ...before, allowed: fresh.allowed }, fresh)) return false;
  return [...before.allowed].every(([place, keys]) =>
    keys.every((key) => fresh.allowed.get(place)?.includes(key) === true),
  );
}

/** Whose key a message came with, and what that place may say. */
class Speakers {
  readonly #rules: ReadonlyMap<string, SpeakerConfig>;
  readonly #proofs: KeyProofs;
  /** The only place that is allowed: then the connection itself proves it. */
  readonly #only: string | null;

  constructor(rules: readonly SpeakerConfig[], { keys, allowed }: PlaceKeys) {
    this.#rules = new Map(rules.map((rule) => [rule.place, rule]));
    this.#proofs = new KeyProofs(keys, allowed);
    this.#only = allowed.size === 1 ? [...allowed.keys()][0]! : null;
  }

  placeOf(proof: string | null): Speaker | Denial {
    const place = proof === null ? this.#only : this.#proofs.placeOf(proof);
    if (place !== undefined && place !== null) return { place };
    return proof === null
      ? denied('no-proof', 'several places are allowed here: expected a proof as the first frame (anteroom keys proof)')
      : denied('wrong-proof', 'the proof is of no place that is allowed');
  }

  ruleOf(place: string): Pick<SpeakerConfig, 'bytesPerSecondMax'> | undefined {
    return this.#rules.get(place);
  }

  maySpeakAs(place: string, producer: string): boolean {
    return allowsName(this.#rules.get(place)?.producers ?? [place], producer);
  }
}

function denied(reason: string, why: string): Denial {
  return { end: 'denied', reason, why };
}

interface Sender {
  /** Routing id, and the empty frame where there was one. */
  readonly envelope: readonly Buffer[];
  readonly sequence: string;
}

class ZeroMqConnection implements BrokerConnection {
  readonly #receiver: OutsideReceiver;
  readonly #config: ZeroMqSourceConfig;
  #speakers: Speakers | null;
  readonly #quotas: IngestQuotas;
  #isOver = false;

  constructor(receiver: OutsideReceiver, config: ZeroMqSourceConfig, speakers: Speakers | null, quotas: IngestQuotas) {
    this.#receiver = receiver;
    this.#config = config;
    this.#speakers = speakers;
    this.#quotas = quotas;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Goes on with other keys; null = connections of keys that were withdrawn stand here, so nothing more is taken. */
  rekey(speakers: Speakers | null): void {
    this.#speakers = speakers;
    this.#isOver ||= speakers === null;
  }

  async next({ messagesMax, bytesMax, waitMs }: FetchLimits): Promise<readonly BrokerMessage[]> {
    const messages: BrokerMessage[] = [];
    let bytes = 0;
    while (messages.length < messagesMax && bytes < bytesMax) {
      const frames = await this.#receiver.receive(messages.length === 0 ? waitMs : 0);
      if (frames === null) break;
      const message = this.#messageOf(frames);
      bytes += message.bytes.length;
      messages.push(message);
    }
    return messages;
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    if (this.#config.pattern === 'pull') return;
    for (const { message, end, accesses, why } of settled) {
      const { envelope, sequence } = message.handle as Sender;
      const verdict = end === 'taken' || end === 'duplicate' || end === 'later' ? end : 'refused';
      await this.#receiver.answer([...envelope, sequence, verdict, why ?? String(accesses)]);
    }
  }

  async keepAlive(): Promise<void> {}

  async close(): Promise<void> {
    await this.#receiver.close();
  }

  #messageOf(frames: readonly Buffer[]): BrokerMessage {
    const { name, pattern } = this.#config;
    const id = pattern === 'router' ? frames.slice(0, 1) : [];
    const rest = frames.slice(id.length);
    const envelope = rest.length > 1 && rest[0]!.length === 0 ? [...id, rest[0]!] : id;
    const proved = frames.slice(envelope.length);
    const first = proved.length > 1 ? proved[0]!.subarray(0, PROOF_FRAME_BYTES_MAX).toString('latin1') : '';
    const proof = first.startsWith(PROOF_PREFIX) ? first : null;
    const body = proof === null ? proved : proved.slice(1);
    const isNumbered = body.length === 3 || body.length === 4;
    const [producer, sequence] = isNumbered ? [body[0]!.toString(), body[1]!.toString()] : ['', ''];
    const format = body.length === 4 ? body[2]!.toString() : null;
    const fault =
      !isNumbered && body.length !== 1
        ? `expected 1, 3 or 4 frames, found ${body.length}`
        : isNumbered && (producer === '' || !DIGITS.test(sequence))
          ? 'expected a producer and a sequence that is a whole number'
          : format !== null && format !== 'auto' && !postFormats.includes(format)
            ? `expected one of the formats ${postFormats.join(', ')}`
            : null;
    const isNamed = isNumbered && fault === null;
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    const permit = this.#permit(proof, isNumbered ? producer! : null, bytes);
    return {
      lane: name,
      position: null,
      origin: isNamed ? { producer: `source:${name}:${producer}`, sequence: Number(sequence) } : null,
      bytes: body.at(-1) ?? new Uint8Array(0),
      format,
      fault,
      ...permit,
      handle: { envelope, sequence: sequence!.slice(0, SEQUENCE_SHOWN) } satisfies Sender,
    };
  }

  /** Who sends, and whether that one may send this now. */
  #permit(
    proof: string | null,
    producer: string | null,
    bytes: number,
  ): { readonly speaker?: Speaker; readonly denial?: Denial } {
    if (this.#isOver) return { denial: { end: 'later', reason: 'keys-changed', why: '1' } };
    if (this.#speakers === null) return {};
    const speaker = this.#speakers.placeOf(proof);
    if ('end' in speaker) return { denial: speaker };
    const { place } = speaker;
    if (producer !== null && !this.#speakers.maySpeakAs(place, producer))
      return {
        speaker,
        denial: denied('producer-not-allowed', `${place} may not speak as the producer ${producer.slice(0, 60)}`),
      };
    const perSecond = this.#speakers.ruleOf(place)?.bytesPerSecondMax ?? null;
    const seconds = perSecond === null ? 0 : this.#quotas.take(place, perSecond, bytes);
    return seconds === 0
      ? { speaker }
      : { speaker, denial: { end: 'later', reason: 'over-quota', why: String(seconds) } };
  }
}

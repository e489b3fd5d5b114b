/** The judge of a simulated world: it knows what became durable and what was said, and names the first thing that cannot be. */

import type { LogAppend, LogEntry, LogReceipt } from '../../engine/state/log-store.ts';
import { type Batch, decodeFrame } from './frames.ts';
import { NodeState, SEGMENTS } from './node-state.ts';

/** What a world must never do. */
export const invariants = {
  conservation: 'what was acknowledged is in the log and in the state',
  'exactly-once': 'nothing is in the log or in the counts twice',
  replay: 'the state, live or saved, is what the log gives when it is read from the start',
  bounds: 'no mailbox, queue or window holds more than its limit',
  monotonic: 'log positions and the watermark never go back, entries are told in order',
  clock: 'while a process lives its clock goes as time does, whoever sets the wall clock',
  liveness: 'after the last fault everything sent is acknowledged and told within the bound',
  outcomes: 'each request has exactly one outcome',
} as const;

export type Invariant = keyof typeof invariants;

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
  /** Virtual time, ms. */
  readonly atMs: number;
}

/** Which batch of which producer a frame holds; null = none of a producer's. */
export type OriginOf = (
  append: LogAppend,
  bytes: Uint8Array,
) => { readonly producer: number; readonly sequence: number } | null;

/** The frames of the small state say it themselves. */
const fromFrame: OriginOf = (_append, bytes) => {
  const frame = decodeFrame(bytes);
  return frame.kind === 'accesses' ? frame.batch : null;
};

/** Those of the engine's node are told with it. */
export const fromAppend: OriginOf = ({ origin }) =>
  origin === null ? null : { producer: Number(origin.producer.split('-')[1]), sequence: origin.sequence };

const keyOf = (producer: number, sequence: number): number => producer * 65_536 + sequence;

export class Checker {
  readonly #now: () => number;
  readonly #originOf: OriginOf;
  readonly #entries: LogEntry[] = [];
  readonly #durable = new Set<number>();
  /** The log told to a state without flaws, up to a position. */
  readonly #reference = new NodeState();
  #referenceIndex = 0;
  #end = 0;
  #watermarkMs = 0;
  #toldUntil = 0;
  readonly #outcomes = new Set<number>();
  violation: Violation | null = null;

  constructor(now: () => number, originOf: OriginOf = fromFrame) {
    this.#now = now;
    this.#originOf = originOf;
  }

  /** Everything that ever became durable, in order. */
  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  get end(): number {
    return this.#end;
  }

  fail(invariant: Invariant, detail: string): void {
    this.violation ??= { invariant, detail, atMs: this.#now() };
  }

  durable(appends: readonly LogAppend[], receipts: readonly LogReceipt[]): void {
    receipts.forEach((receipt, i) => {
      if (receipt.kind !== 'appended') return;
      if (receipt.from !== this.#end)
        this.fail('monotonic', `an append begins at ${receipt.from}, the log ended at ${this.#end}`);
      let position = receipt.from;
      for (const { units, bytes } of appends[i]!.frames) {
        this.#entries.push({ position, units, bytes });
        position += units;
        const whose = this.#originOf(appends[i]!, bytes);
        if (whose === null) continue;
        const { producer, sequence } = whose;
        const key = keyOf(producer, sequence);
        if (this.#durable.has(key))
          this.fail('exactly-once', `batch ${sequence} of producer ${producer} is in the log twice`);
        this.#durable.add(key);
      }
      this.#end = position;
    });
  }

  acknowledged(producer: number, sequence: number): void {
    if (!this.#durable.has(keyOf(producer, sequence)))
      this.fail('conservation', `batch ${sequence} of producer ${producer} is acknowledged and not in the log`);
  }

  /** A new life of the node says that it has recovered. */
  recovered(logEnd: number, watermarkMs: number): void {
    if (logEnd !== this.#end)
      this.fail('conservation', `the log ends at ${logEnd} after a crash, ${this.#end} was durable`);
    this.#toldUntil = logEnd;
    this.published(watermarkMs);
  }

  /** The node told its state an entry. */
  told(entry: LogEntry): void {
    if (entry.position !== this.#toldUntil)
      this.fail('monotonic', `entry ${entry.position} was told, ${this.#toldUntil} was next`);
    this.#toldUntil = entry.position + entry.units;
  }

  /** The outcome of a request was counted, `isLive`: not merely told again after a restart. */
  outcome(request: number, isLive: boolean): void {
    if (isLive && this.#outcomes.has(request)) this.fail('outcomes', `request ${request} has a second outcome`);
    this.#outcomes.add(request);
  }

  published(watermarkMs: number): void {
    if (watermarkMs < this.#watermarkMs)
      this.fail('monotonic', `the watermark went back by ${(this.#watermarkMs - watermarkMs).toFixed(0)} ms`);
    this.#watermarkMs = Math.max(this.#watermarkMs, watermarkMs);
  }

  /** What a process takes the time to be, and the world's time, both since the last look. */
  clock(place: string, elapsedMs: number, worldMs: number): void {
    if (Math.abs(elapsedMs - worldMs) > 1e-3)
      this.fail('clock', `the clock of ${place} went by ${elapsedMs.toFixed(0)} ms in ${worldMs.toFixed(0)} ms`);
  }

  bounded(what: string, size: number, max: number): void {
    if (size > max) this.fail('bounds', `${what} holds ${size}, at most ${max} may be there`);
  }

  /** A state that is said to hold the log before `position`. */
  stateAt(what: string, position: number, snapshot: Uint8Array): void {
    // Only the newest positions can be compared; an older one was compared when it was new.
    if (position < this.#reference.position) return;
    while (this.#referenceIndex < this.#entries.length && this.#reference.position < position)
      this.#reference.apply(this.#entries[this.#referenceIndex++]!);
    const expected = this.#reference.snapshot();
    const isSame = expected.length === snapshot.length && expected.every((byte, i) => byte === snapshot[i]);
    if (!isSame) this.fail('replay', `${what} at ${position} is not what the log gives`);
  }

  /** At the end, everything acknowledged: the state against what the producers made. */
  totals(state: NodeState, batches: Iterable<Batch>): void {
    const counts = new Float64Array(SEGMENTS);
    const bytes = new Float64Array(SEGMENTS);
    for (const { segment, size } of batches) {
      for (let i = 0; i < segment.length; i++) {
        counts[segment[i]!] = counts[segment[i]!]! + 1;
        bytes[segment[i]!] = bytes[segment[i]!]! + size[i]!;
      }
    }
    for (let k = 0; k < SEGMENTS; k++) {
      const told = `segment ${k}: ${state.counts[k]} accesses of ${state.bytes[k]} bytes, ${counts[k]} of ${bytes[k]} were sent`;
      if (state.counts[k]! < counts[k]!) this.fail('conservation', told);
      else if (state.counts[k]! > counts[k]! || state.bytes[k] !== bytes[k]) this.fail('exactly-once', told);
    }
    if (state.answered !== state.requested)
      this.fail('outcomes', `${state.requested} requests have ${state.answered} outcomes`);
  }
}

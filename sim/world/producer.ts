/** A simulated producer: it sends its batches in order and again until each is acknowledged; what it has to send survives its crashes. */

import type { Arrival } from '../../engine/transport/transport.ts';
import type { Checker } from './checker.ts';
import { type Batch, encodeBatch, numberAt } from './frames.ts';
import type { PlaceProcess } from './place-process.ts';
import { Reply } from './simulated-node.ts';

const IN_FLIGHT_MAX = 24;
const RESEND_MS = 3000;
const PAUSE_MS = 250;
/** A producer notes acknowledgements so late: those before a crash are forgotten, and their batches sent once more. */
const NOTED_AFTER_MS = 2000;

/** A batch and when it comes to be. */
export interface PlannedBatch {
  readonly atMs: number;
  readonly batch: Batch;
}

export class Producer {
  readonly place: string;
  readonly #plan: readonly PlannedBatch[];
  readonly #checker: Checker;
  readonly #acknowledged: Uint8Array;
  readonly #acknowledgedAt: Float64Array;
  #process: PlaceProcess | null = null;
  /** The first that is not acknowledged. */
  #first = 0;
  #sentAt: Float64Array;
  resentCount = 0;

  constructor(place: string, plan: readonly PlannedBatch[], checker: Checker) {
    this.place = place;
    this.#plan = plan;
    this.#checker = checker;
    this.#acknowledged = new Uint8Array(plan.length);
    this.#acknowledgedAt = new Float64Array(plan.length).fill(-Infinity);
    this.#sentAt = new Float64Array(plan.length).fill(-Infinity);
  }

  get isDone(): boolean {
    return this.#first === this.#plan.length;
  }

  get left(): number {
    return this.#acknowledged.reduce((left, isAcknowledged) => left - isAcknowledged, this.#plan.length);
  }

  get batches(): readonly Batch[] {
    return this.#plan.map(({ batch }) => batch);
  }

  /** A new life. It does not know what its last one had sent, so it sends again what is not acknowledged. */
  start(process: PlaceProcess): void {
    this.#process = process;
    const noted = process.clock.worldMs - NOTED_AFTER_MS;
    for (let i = 0; i < this.#plan.length; i++) if (this.#acknowledgedAt[i]! > noted) this.#acknowledged[i] = 0;
    this.#first = 0;
    this.#skip();
    this.#sentAt = new Float64Array(this.#plan.length).fill(-Infinity);
    void process.transport.connect('node', 'node');
    this.#pump();
  }

  receive({ frames }: Arrival): void {
    const sequence = numberAt(frames[0]!, 0);
    const reply = numberAt(frames[0]!, 1);
    if (reply === Reply.refused) this.#checker.fail('conservation', `batch ${sequence} of ${this.place} was refused`);
    if (reply !== Reply.acknowledged || this.#acknowledged[sequence] === 1) return;
    this.#checker.acknowledged(this.#plan[sequence]!.batch.producer, sequence);
    this.#acknowledged[sequence] = 1;
    this.#acknowledgedAt[sequence] = this.#process!.clock.worldMs;
    this.#skip();
  }

  #skip(): void {
    while (this.#acknowledged[this.#first] === 1) this.#first++;
  }

  #pump(): void {
    const { clock, transport } = this.#process!;
    // What is to be posted comes from outside, at its time, whatever this machine takes the time to be.
    const now = clock.worldMs;
    let inFlight = 0;
    let i = this.#first;
    for (; i < this.#plan.length && this.#plan[i]!.atMs <= now && inFlight < IN_FLIGHT_MAX; i++) {
      if (this.#acknowledged[i] === 1) continue;
      inFlight++;
      const isAgain = this.#sentAt[i]! > -Infinity;
      if (now - this.#sentAt[i]! < RESEND_MS) continue;
      if (transport.send('node', 'post', [encodeBatch(this.#plan[i]!.batch)]) !== 'accepted') break;
      this.#sentAt[i] = now;
      if (isAgain) this.resentCount++;
    }
    if (this.isDone) return;
    const next = this.#plan[this.#first]!.atMs;
    clock.setTimeout(() => this.#pump(), Math.max(PAUSE_MS, next - now));
  }
}

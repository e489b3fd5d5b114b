/** A simulated origin: it answers each request after a while, as often as it is asked; a crash forgets what it was asked. */

import type { RandomSource } from '../../engine/random.ts';
import type { Arrival } from '../../engine/transport/transport.ts';
import { encodeNumbers, numberAt } from './frames.ts';
import type { PlaceProcess } from './place-process.ts';

export class Origin {
  readonly #random: RandomSource;
  #process: PlaceProcess | null = null;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  start(process: PlaceProcess): void {
    this.#process = process;
    void process.transport.connect('node', 'node');
  }

  receive({ frames }: Arrival): void {
    const process = this.#process!;
    const id = numberAt(frames[0]!, 0);
    // Now and then longer than the node waits before it asks again, so that it has two answers.
    const delayMs = this.#random.next() < 0.05 ? 3000 + this.#random.next() * 4000 : 20 + this.#random.next() * 400;
    process.clock.setTimeout(() => process.transport.send('node', 'answer', [encodeNumbers([id])]), delayMs);
  }
}

/** Laws of messages that a source cannot read at first: whatever fails and whoever tries again, each counts once. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BrokerMessage } from '../../actors/node/sources/broker.ts';
import { LanePlaces } from '../../actors/node/sources/lane-places.ts';
import { MessageDesk } from '../../actors/node/sources/message-desk.ts';
import { clock, SourceHost } from '../conformance/source-host.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Good as it is, or good for a reader of CSV only. */
const bodyOf = (segment: string, isBad: boolean): Uint8Array =>
  encode(
    isBad
      ? `segment,time,consumer,size\n${segment},1,c,1\n`
      : JSON.stringify({ time: 1, segment, consumer: 'c', size: 1 }),
  );

/** A broker that keeps a lane of messages and gives again what was not settled; and a sender who numbers its own. */
class Senders {
  readonly #lane: readonly BrokerMessage[];
  readonly #numbered: readonly BrokerMessage[];
  #settled = 0;

  constructor(lane: readonly boolean[], numbered: readonly boolean[]) {
    const shared = { format: null, fault: null, handle: null };
    this.#lane = lane.map((isBad, i) => ({
      ...{ lane: 'l', position: String(i + 1), origin: null, bytes: bodyOf(`lane-${i}`, isBad), ...shared },
    }));
    this.#numbered = numbered.map((isBad, i) => ({
      ...{ lane: 'n', position: null, bytes: bodyOf(`sent-${i}`, isBad), ...shared },
      origin: { producer: 'source:s:p', sequence: i },
    }));
  }

  get isDone(): boolean {
    return this.#settled === this.#lane.length;
  }

  next(count: number): readonly BrokerMessage[] {
    return this.#lane.slice(this.#settled, this.#settled + count);
  }

  sent(index: number): readonly BrokerMessage[] {
    return this.#numbered.length === 0 ? [] : [this.#numbered[index % this.#numbered.length]!];
  }

  settle(messages: readonly BrokerMessage[]): void {
    for (const { position } of messages)
      if (position !== null) this.#settled = Math.max(this.#settled, Number(position));
  }
}

const fault = fc.constantFrom('none', 'none', 'disk-full', 'lost-answer');
const step = fc.oneof(
  fc.record({ kind: fc.constant('lane'), count: fc.integer({ min: 1, max: 4 }), fault }),
  fc.record({ kind: fc.constant('sent'), count: fc.nat(7), fault }),
  fc.record({ kind: fc.constant('redrive'), count: fc.nat(5), fault }),
  fc.record({ kind: fc.constant('crash'), count: fc.constant(0), fault: fc.constant('none') }),
  fc.record({ kind: fc.constant('mend'), count: fc.constant(0), fault: fc.constant('none') }),
);

test('each message counts once, under any order of faults, crashes, repetitions, mended settings and other tries', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 8 }),
      fc.array(fc.boolean(), { maxLength: 8 }),
      fc.array(step, { maxLength: 30 }),
      async (lane, numbered, steps) => {
        const host = new SourceHost();
        const senders = new Senders(lane, numbered);
        let format = 'ndjson';
        let desk = open();
        function open(): MessageDesk {
          const { parse, append } = host.parts();
          return new MessageDesk({
            ...{ source: 's', format, onBadRecord: 'dead-letter', messageBytesMax: 1000, parse, append, clock },
            ...{ letters: host.letters, places: new LanePlaces('s', host.records), onBad: () => {} },
            compare: (a, b) => Number(a) - Number(b),
          });
        }
        const take = async (messages: readonly BrokerMessage[]): Promise<void> => {
          if (messages.length > 0) senders.settle((await desk.take(messages)).settled.map(({ message }) => message));
        };
        for (const { kind, count, fault } of steps) {
          host.fault = fault as SourceHost['fault'];
          if (kind === 'lane') await take(senders.next(count));
          else if (kind === 'sent') await take(senders.sent(count));
          else if (kind === 'mend') format = 'auto';
          else if (kind === 'crash') desk = open();
          else {
            const letter = host.letters.list(100)[count];
            if (letter !== undefined) await desk.redrive(letter);
          }
        }
        // In the end all is mended, everybody sends what was not settled, and every letter is tried.
        host.fault = 'none';
        format = 'auto';
        desk = open();
        for (let i = 0; i < numbered.length; i++) await take(senders.sent(i));
        for (let i = 0; i < 50 && !senders.isDone; i++) await take(senders.next(4));
        for (const letter of host.letters.list(100)) await desk.redrive(letter);
        expect(host.letters.list(100).map(({ why }) => why)).toEqual([]);
        const expected = [...lane.map((_, i) => `lane-${i}`), ...numbered.map((_, i) => `sent-${i}`)];
        expect([...(await host.segments())].sort()).toEqual(expected.sort());
      },
    ),
    { numRuns: 100 },
  );
});

/** Messages between actors of one process: the runtime against xstate. */

import { assert } from '../../engine/assert.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { ActorSystem } from '../../engine/system.ts';
import { manualTurns } from '../../engine/turns.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import type { Bench } from './bench.ts';
import { timed } from './timed.ts';

const MESSAGES = 2_000_000;
/** Messages told before the system is drained; within the mailbox's capacity. */
const BURST = 1000;

interface Add {
  readonly type: 'add';
  readonly amount: number;
}

export const actorTell: Bench = {
  name: 'actor-tell',
  compares:
    'messages told to and handled by one actor in this process, with an xstate actor from a transition function',
  unit: 'messages/s',
  better: 'higher',
  async prepare({ scale }) {
    const { createActor, fromTransition } = await import('xstate');
    const count = Math.max(BURST, Math.round((MESSAGES * scale) / BURST) * BURST);
    const sum = fromTransition((state: { total: number }, event: Add) => ({ total: state.total + event.amount }), {
      total: 0,
    });
    return {
      workload: `${count} messages, each an object of its own`,
      contenders: [
        {
          name: 'anteroom',
          does: `ActorSystem: ${BURST} tells, then drain, over and over; bounded mailbox, supervised, counted`,
          run: () =>
            timed(count, () => {
              const system = makeSystem();
              let total = 0;
              const ref = system.spawn<Add>('adder', () => ({
                receive: (message) => {
                  total += message.amount;
                },
              }));
              for (let i = 0; i < count; i += BURST) {
                for (let j = i; j < i + BURST; j++) assert(ref.tell({ type: 'add', amount: j }) === 'accepted', 'room');
                system.drain();
              }
              return String(total);
            }),
        },
        {
          name: 'xstate',
          does: 'createActor(fromTransition(...)) and send: handled at once, the state replaced with each event',
          run: () =>
            timed(count, () => {
              const actor = createActor(sum);
              actor.start();
              for (let i = 0; i < count; i++) actor.send({ type: 'add', amount: i });
              const { total } = actor.getSnapshot().context;
              actor.stop();
              return String(total);
            }),
        },
        {
          name: 'anteroom relay',
          does: 'two actors that pass each message on to each other: no burst to take turns over',
          run: () =>
            timed(count, () => {
              const system = makeSystem();
              let total = 0;
              const last = system.spawn<Add>('last', () => ({
                receive: (message) => {
                  total += message.amount;
                },
              }));
              const first = system.spawn<Add>('first', () => ({
                receive: (message) => {
                  last.tell(message);
                },
              }));
              for (let i = 0; i < count / 2; i++) {
                first.tell({ type: 'add', amount: i });
                system.drain();
              }
              assert(total === ((count / 2) * (count / 2 - 1)) / 2, `${total} arrived`);
            }),
        },
      ],
      goals: [
        { contender: 'anteroom', versus: 'xstate', target: 3, aim: 5 },
        { contender: 'anteroom relay', versus: 'xstate', target: null, aim: null },
      ],
    };
  },
};

function makeSystem(): ActorSystem {
  return new ActorSystem({ clock: new VirtualClock(), random: new Xoshiro128(1), turns: manualTurns });
}

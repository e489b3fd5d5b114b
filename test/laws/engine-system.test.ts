import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActorRef, Delivery } from '../../engine/actor.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { eventLoopRound } from '../../engine/host/turns.ts';
import type { MailboxPolicy } from '../../engine/mailbox.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { shutdownOrder } from '../../engine/shutdown-order.ts';
import { ActorSystem } from '../../engine/system.ts';
import { clockTurns, manualTurns } from '../../engine/turns.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';

interface ActorPlan {
  readonly capacity: number;
  readonly policy: MailboxPolicy;
  readonly strategy: 'restart' | 'resume' | 'stop' | 'escalate';
  readonly maxRestarts: number;
  /** Every how many-th message is a fault, takes virtual time, sets a timer to itself, goes on to the next actor. 0 = none. */
  readonly faultEvery: number;
  readonly sleepEvery: number;
  readonly timerEvery: number;
  readonly forwardEvery: number;
  readonly isChild: boolean;
}

type Step =
  | { readonly kind: 'tell'; readonly sender: number; readonly to: number; readonly count: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop'; readonly actor: number };

interface Scenario {
  readonly actors: readonly ActorPlan[];
  readonly steps: readonly Step[];
  readonly throughput: number;
  readonly isManual: boolean;
  readonly stopDeadlineMs: number;
}

interface Message {
  readonly id: number;
  readonly sender: string;
}

const WINDOW_MS = 500;

const actorPlan: fc.Arbitrary<ActorPlan> = fc.record({
  capacity: fc.integer({ min: 1, max: 12 }),
  policy: fc.constantFrom('block', 'drop-oldest', 'drop-newest', 'fail'),
  strategy: fc.constantFrom('restart', 'restart', 'resume', 'stop', 'escalate'),
  maxRestarts: fc.nat(4),
  faultEvery: fc.constantFrom(0, 0, 2, 7, 13),
  sleepEvery: fc.constantFrom(0, 0, 3, 11),
  timerEvery: fc.constantFrom(0, 5),
  forwardEvery: fc.constantFrom(0, 1, 4),
  isChild: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('tell'),
      sender: fc.nat(2),
      to: fc.nat(5),
      count: fc.integer({ min: 1, max: 25 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat(120) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('drain') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop'), actor: fc.nat(5) }) },
) as fc.Arbitrary<Step>;

const scenario: fc.Arbitrary<Scenario> = fc.record({
  actors: fc.array(actorPlan, { minLength: 1, maxLength: 5 }),
  steps: fc.array(step, { minLength: 5, maxLength: 30 }),
  throughput: fc.integer({ min: 1, max: 8 }),
  isManual: fc.boolean(),
  stopDeadlineMs: fc.nat(60),
});

/** What became of each message, as its sender, its receiver and the dead letters saw it: counted apart from the system. */
class Ledger {
  readonly told: number[] = [];
  readonly refused: number[] = [];
  readonly handled: number[] = [];
  readonly buried: number[] = [];
  readonly begun = new Map<string, Message[]>();
  readonly trace: string[] = [];
  #nextId = 0;

  message(sender: string): Message {
    return { id: this.#nextId++, sender };
  }

  tell(ref: ActorRef<Message>, message: Message): Delivery {
    this.told.push(message.id);
    const delivery = ref.tell(message);
    if (delivery === 'full') this.refused.push(message.id);
    return delivery;
  }
}

async function play(
  plan: Scenario,
  seed: number,
  check: (system: ActorSystem, ledger: Ledger) => void,
): Promise<Ledger> {
  const clock = new VirtualClock();
  const ledger = new Ledger();
  const system = new ActorSystem({
    clock,
    random: new Xoshiro128(seed),
    turns: plan.isManual ? manualTurns : clockTurns(clock),
    config: {
      throughput: plan.throughput,
      supervision: { windowMs: WINDOW_MS, backOff: { initialMs: 8, maxMs: 60 } },
      stopDeadlineMs: plan.stopDeadlineMs,
    },
    onEvent: ({ at, address, kind, detail }) => ledger.trace.push(`${at} ${address} ${kind} ${detail}`),
  });
  system.deadLetters.subscribe(({ message }) => ledger.buried.push((message as Message).id));
  const refs: ActorRef<Message>[] = [];
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms));

  for (const [index, own] of plan.actors.entries()) {
    let count = 0;
    const factory = (): {
      receive(message: Message, context: { after(ms: number, message: Message): unknown }): void | Promise<void>;
    } => ({
      receive: (message, context) => {
        const begun = ledger.begun.get(`/${index}`) ?? [];
        begun.push(message);
        ledger.begun.set(`/${index}`, begun);
        count++;
        const next = refs[index - 1];
        if (own.forwardEvery > 0 && count % own.forwardEvery === 0 && next !== undefined) {
          ledger.tell(next, ledger.message(`/${index}`));
        }
        if (own.timerEvery > 0 && count % own.timerEvery === 0)
          context.after(5, { id: -1, sender: `timer of /${index}` });
        if (own.sleepEvery > 0 && count % own.sleepEvery === 0) {
          const fails = own.faultEvery > 0 && count % own.faultEvery === 0;
          return sleep(10).then(() => {
            ledger.trace.push(`${clock.now()} /${index} slept over ${message.id}`);
            if (fails) throw new AnteroomError('io', 'slept and failed');
            ledger.handled.push(message.id);
          });
        }
        if (own.faultEvery > 0 && count % own.faultEvery === 0) throw new AnteroomError('io', `fault ${count}`);
        ledger.handled.push(message.id);
        return undefined;
      },
    });
    const options = {
      mailbox: { capacity: own.capacity, policy: own.policy },
      supervision: { strategy: own.strategy, maxRestarts: own.maxRestarts },
    };
    if (own.isChild) {
      system.spawn(`parent${index}`, (context) => {
        refs[index] = context.spawn(`${index}`, factory, options);
        return { receive: () => {} };
      });
    } else {
      refs[index] = system.spawn(`${index}`, factory, options);
    }
  }
  for (const action of plan.steps) {
    if (action.kind === 'tell') {
      const ref = refs[action.to % refs.length] as ActorRef<Message>;
      for (let i = 0; i < action.count; i++) ledger.tell(ref, ledger.message(`outside ${action.sender}`));
    } else if (action.kind === 'advance') {
      await clock.playTo(clock.now() + action.ms, eventLoopRound);
    } else if (action.kind === 'drain') {
      system.drain();
      await eventLoopRound();
    } else {
      const ref = refs[action.actor % refs.length] as ActorRef<never>;
      const stopping = system.stopActor(ref);
      await clock.playTo(clock.now() + plan.stopDeadlineMs + 1, eventLoopRound);
      await stopping;
    }
    check(system, ledger);
  }
  const stopping = system.stop();
  await clock.playTo(clock.now() + plan.stopDeadlineMs + 1, eventLoopRound);
  const report = await stopping;
  ledger.trace.push(JSON.stringify(report));
  check(system, ledger);
  expect(system.counts()).toMatchObject({ actors: 0, queued: 0, inFlight: 0 });
  return ledger;
}

const isMessage = (id: number): boolean => id >= 0; // those of timers have no sender who counts them

describe('laws of the actor system', () => {
  test('conservation: told = handled + dead letters + refused + queued + in flight, under any policies, faults and stops', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (plan) => {
        const ledger = await play(plan, 1, (system, seen) => {
          const counts = system.counts();
          const { told, handled, deadLetters, refused, queued, inFlight } = counts;
          expect(handled + deadLetters + refused + queued + inFlight).toBe(told);
          expect(deadLetters).toBe(system.deadLetters.count);
          expect(refused).toBe(seen.refused.length);
          // Each actor's count ends with it; a receive that is abandoned may still end, unseen by the counts.
          expect(seen.handled.length).toBeGreaterThanOrEqual(handled);
        });
        const fates = [...ledger.refused, ...ledger.buried].filter(isMessage);
        const isFated = new Set(fates);
        expect(isFated.size).toBe(fates.length);
        const handled = ledger.handled.filter((id) => isMessage(id) && !isFated.has(id));
        expect(new Set(handled).size).toBe(handled.length);
        expect([...fates, ...handled].sort((a, b) => a - b)).toEqual(ledger.told);
      }),
      { numRuns: 150 },
    );
  });

  test('order: what one sender tells one actor begins to be handled in the order told', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (plan) => {
        const ledger = await play(plan, 2, () => {});
        for (const begun of ledger.begun.values()) {
          const last = new Map<string, number>();
          for (const { id, sender } of begun) {
            if (!isMessage(id)) continue;
            expect(id).toBeGreaterThan(last.get(sender) ?? -1);
            last.set(sender, id);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('restart budget: no actor enters backing-off more than maxRestarts times within the window', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (plan) => {
        const ledger = await play(plan, 3, () => {});
        for (const [index, own] of plan.actors.entries()) {
          const address = own.isChild ? `/parent${index}/${index}` : `/${index}`;
          const entered = ledger.trace.map((line) => line.split(' ')).filter((words) => words[1] === address);
          // A child that its parent made anew has a budget of its own, so count from one start to the next.
          let backedOffAt: number[] = [];
          for (const [at, , , state] of entered) {
            if (state === 'starting') backedOffAt = [];
            if (state !== 'backing-off') continue;
            backedOffAt.push(Number(at));
            expect(backedOffAt.filter((earlier) => earlier > Number(at) - WINDOW_MS).length).toBeLessThanOrEqual(
              own.maxRestarts,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('determinism: the same seed gives the same trace of events, to the last digit of the back-off', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, fc.nat(1000), async (plan, seed) => {
        const first = await play(plan, seed, () => {});
        const second = await play(plan, seed, () => {});
        expect(second.trace).toEqual(first.trace);
        expect(second.handled).toEqual(first.handled);
        expect(second.buried).toEqual(first.buried);
      }),
      { numRuns: 40 },
    );
  });
});

describe('law of the shutdown order', () => {
  test('every actor stops once, and before all that it uses', () => {
    const graph = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { maxLength: 30 }).chain((uses) =>
      fc.shuffledSubarray(
        // Using only smaller numbers makes the graph free of cycles; the shuffle makes the order of starting any.
        uses.map((used, i) => ({ address: `${i}`, dependsOn: used.filter((other) => other < i).map(String) })),
        { minLength: uses.length },
      ),
    );
    fc.assert(
      fc.property(graph, (started) => {
        const order = shutdownOrder(started).map(({ address }) => address);
        expect([...order].sort()).toEqual(started.map(({ address }) => address).sort());
        for (const { address, dependsOn } of started) {
          for (const used of dependsOn) expect(order.indexOf(address)).toBeLessThan(order.indexOf(used));
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RestartBudget } from '../../engine/restart-budget.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';

/** A timer to set: when it runs it sets its children, and clears the timer set as number `clears`, if there is one. */
interface Plan {
  readonly delayMs: number;
  readonly clears: number;
  readonly children: readonly Plan[];
}

function planOf(children: fc.Arbitrary<readonly Plan[]>): fc.Arbitrary<Plan> {
  return fc.record({
    delayMs: fc.oneof(fc.integer({ min: -2, max: 8 }), fc.double({ min: 0, max: 8, noNaN: true })),
    clears: fc.integer({ min: -10, max: 30 }),
    children,
  });
}

const leaf = planOf(fc.constant([]));
const plan = planOf(fc.array(planOf(fc.array(leaf, { maxLength: 3 })), { maxLength: 3 }));

/** The oracle: a list that is searched for the least (time, number) each time. */
function runNaively(plans: readonly Plan[], until: number): [number, number][] {
  const pending: { at: number; number: number; plan: Plan }[] = [];
  const ran: [number, number][] = [];
  let now = 0;
  let set = 0;
  const add = (planned: Plan): void => {
    pending.push({ at: now + Math.max(0, planned.delayMs), number: set++, plan: planned });
  };
  for (const planned of plans) add(planned);
  for (;;) {
    pending.sort((a, b) => a.at - b.at || a.number - b.number);
    const next = pending[0];
    if (next === undefined || next.at > until) return ran;
    pending.shift();
    now = next.at;
    ran.push([now, next.number]);
    const cleared = pending.findIndex((timer) => timer.number === next.plan.clears);
    if (cleared >= 0) pending.splice(cleared, 1);
    for (const child of next.plan.children) add(child);
  }
}

describe('law of the virtual clock', () => {
  test('timers run in the order (due time, order of setting), whatever sets and clears them, however time is moved', () => {
    fc.assert(
      fc.property(
        fc.array(plan, { maxLength: 20 }),
        fc.array(fc.double({ min: 0, max: 6, noNaN: true }), { maxLength: 8 }),
        (plans, steps) => {
          const clock = new VirtualClock();
          const ids: number[] = [];
          const ran: [number, number][] = [];
          const add = (planned: Plan): void => {
            const number = ids.length;
            ids.push(
              clock.setTimeout(() => {
                ran.push([clock.now(), number]);
                const cleared = ids[planned.clears];
                if (cleared !== undefined) clock.clearTimeout(cleared);
                for (const child of planned.children) add(child);
              }, planned.delayMs),
            );
          };
          for (const planned of plans) add(planned);
          for (const step of steps) clock.advanceBy(step);
          if (clock.now() < 40) clock.advanceTo(40);
          expect(ran).toEqual(runNaively(plans, clock.now()));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any set of cleared timers leaves exactly the others, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ delayMs: fc.nat(50), isCleared: fc.constantFrom(true, true, true, false) }), {
          minLength: 150,
          maxLength: 400,
        }),
        (timers) => {
          const clock = new VirtualClock();
          const ran: number[] = [];
          const ids = timers.map(({ delayMs }, index) => clock.setTimeout(() => ran.push(index), delayMs));
          for (const [index, id] of ids.entries()) if (timers[index]?.isCleared) clock.clearTimeout(id);
          const kept = timers.map((timer, index) => ({ ...timer, index })).filter((timer) => !timer.isCleared);
          expect(clock.pendingCount).toBe(kept.length);
          clock.advanceTo(50);
          // Array sorting is stable, so equal delays keep the order of setting.
          expect(ran).toEqual(kept.sort((a, b) => a.delayMs - b.delayMs).map(({ index }) => index));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('law of the restart budget', () => {
  test('no window ever holds more restarts than allowed, and none is refused that fits', () => {
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(20), { maxLength: 60 }),
        (maxRestarts, windowMs, gaps) => {
          const budget = new RestartBudget(maxRestarts, windowMs);
          const granted: number[] = [];
          let now = 0;
          for (const gap of gaps) {
            now += gap;
            const used = granted.filter((at) => at > now - windowMs).length;
            expect(budget.usedCount(now)).toBe(used);
            expect(budget.hasRoom(now)).toBe(used < maxRestarts);
            if (budget.hasRoom(now)) {
              budget.spend(now);
              granted.push(now);
            }
          }
        },
      ),
    );
  });
});

/** What a seed stands for: who sends what when, what the network is like, and which faults come. */

import { type RandomSource, Xoshiro128 } from '../../engine/random.ts';
import { SEGMENTS } from './node-state.ts';
import type { PlannedBatch } from './producer.ts';

export const faultKinds = [
  'crash-node',
  'crash-producer',
  'crash-origin',
  'pause-node',
  'pause-producer',
  'partition',
  'partition-one-way',
  'storm',
  'disk-fails',
  'disk-full',
  'disk-slow',
  'checkpoint-damaged',
  'clock-step',
  'crash-recovery',
  'reload',
  'reload-crash',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly durationMs: number;
  /** Which producer, where the kind has one; of a clock step: -1 = the node's machine, -2 = the origin's; of a reload: which settings. */
  readonly target: number;
  /** Of a clock step: by how much the wall clock is set forward, or back where it is negative. */
  readonly stepMs?: number;
}

export interface Scenario {
  readonly seed: number;
  readonly durationMs: number;
  readonly producers: readonly (readonly PlannedBatch[])[];
  readonly network: {
    readonly delayMinMs: number;
    readonly delayMaxMs: number;
    readonly loss: number;
    readonly duplication: number;
  };
  readonly checkpointEveryMs: number;
  readonly faults: readonly Fault[];
  readonly eventCount: number;
}

const EVENTS_MIN = 5000;
const BATCH_ROWS_MAX = 24;
/** Faults and posts end so long before the end. */
const QUIET_MS = 60_000;

/** @param minutes of virtual time, at least 2 */
export function scenarioOf(seed: number, minutes: number): Scenario {
  const random = new Xoshiro128(seed).fork('scenario');
  const durationMs = minutes * 60_000;
  const producers = plans(random, durationMs - QUIET_MS);
  const eventCount = producers.flat().reduce((sum, { batch }) => sum + batch.segment.length, 0);
  const delayMinMs = 0.2 + random.next() * 5;
  return {
    seed,
    durationMs,
    producers,
    eventCount,
    network: {
      delayMinMs,
      delayMaxMs: delayMinMs + random.next() * 40,
      loss: random.next() < 0.5 ? random.next() * 0.05 : 0,
      duplication: random.next() < 0.5 ? random.next() * 0.05 : 0,
    },
    checkpointEveryMs: 4000 + random.next() * 16_000,
    faults: [
      ...faults(random, durationMs - QUIET_MS, producers),
      ...clockSteps(random.fork('clock steps'), durationMs - QUIET_MS, producers),
      ...starts(random.fork('starts'), durationMs - QUIET_MS),
    ].sort((a, b) => a.atMs - b.atMs),
  };
}

/** Posts come in bursts, as they do when a producer has been away. */
function plans(random: RandomSource, untilMs: number): PlannedBatch[][] {
  const count = 2 + random.int(3);
  const planned: PlannedBatch[][] = [];
  const share = Math.ceil((EVENTS_MIN * 1.02) / count);
  for (let producer = 0; producer < count; producer++) {
    const plan: { atMs: number; batch: PlannedBatch['batch'] }[] = [];
    const burstRows = 150 + random.int(400);
    let rows = 0;
    while (rows < share) {
      const burstAtMs = 1000 + random.next() * (untilMs - 2000);
      for (let until = Math.min(share, rows + burstRows); rows < until; ) {
        const length = 4 + random.int(BATCH_ROWS_MAX - 3);
        const atMs = burstAtMs + random.next() * 400;
        plan.push({ atMs, batch: rowsOf(random, producer, length, atMs) });
        rows += length;
      }
    }
    plan.sort((a, b) => a.atMs - b.atMs);
    planned.push(plan.map(({ atMs, batch }, sequence) => ({ atMs, batch: { ...batch, sequence } })));
  }
  return planned;
}

function rowsOf(random: RandomSource, producer: number, length: number, atMs: number): PlannedBatch['batch'] {
  const timeMs = new Float64Array(length);
  const segment = new Uint32Array(length);
  const size = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    // Clocks of producers differ, and rows of a batch are not quite in order.
    timeMs[i] = Math.max(0, Math.round(atMs - random.next() * 50 - producer * 20));
    // The product of two draws favours low ids.
    segment[i] = Math.floor(random.next() * random.next() * SEGMENTS);
    size[i] = 1 + random.int(65_535);
  }
  return { producer, sequence: 0, timeMs, segment, size };
}

/** At least six faults, two of them crashes of the node; most begin while a burst is under way, some while others last. */
function faults(random: RandomSource, untilMs: number, producers: readonly (readonly PlannedBatch[])[]): Fault[] {
  const count = 6 + random.int(7);
  const posts = producers.flat();
  const drawn = Array.from({ length: count }, (_, i): Fault => {
    const kind: FaultKind = i < 2 ? 'crash-node' : DRAWN[random.int(DRAWN.length)]!;
    const isInBurst = random.next() < 0.8;
    const atMs = isInBurst ? posts[random.int(posts.length)]!.atMs + random.next() * 300 : random.next() * untilMs;
    return {
      kind,
      atMs: Math.min(untilMs - 25_000, Math.max(2000, atMs)),
      durationMs: kind.startsWith('disk') ? 500 + random.next() * 8000 : 200 + random.next() * 20_000,
      target: random.int(producers.length),
    };
  });
  return drawn.sort((a, b) => a.atMs - b.atMs);
}

/** Drawn among each other; the others come besides, from chance of their own. */
const BESIDES: ReadonlySet<FaultKind> = new Set(['clock-step', 'crash-recovery', 'reload', 'reload-crash']);
const DRAWN = faultKinds.filter((kind) => !BESIDES.has(kind));

/** None or one crash of a node that is recovering slowly, and none to two reloads of its settings, some of which a crash cuts short. */
function starts(random: RandomSource, untilMs: number): Fault[] {
  const at = (): number => 2000 + random.next() * (untilMs - 27_000);
  const drawn: Fault[] = [];
  if (random.next() < 0.5)
    drawn.push({ kind: 'crash-recovery', atMs: at(), durationMs: 50 + random.next() * 2000, target: 0 });
  for (let i = random.int(3); i > 0; i--) {
    const kind = random.next() < 0.5 ? 'reload' : 'reload-crash';
    drawn.push({ kind, atMs: at(), durationMs: 200 + random.next() * 4000, target: random.int(8) });
  }
  return drawn;
}

/** None to three: someone sets a wall clock by up to an hour, back or forward, most often that of the node. */
function clockSteps(random: RandomSource, untilMs: number, producers: readonly unknown[]): Fault[] {
  return Array.from({ length: random.int(4) }, (): Fault => {
    const sizeMs = 50 * 2 ** (random.next() * 16);
    return {
      kind: 'clock-step',
      atMs: 2000 + random.next() * (untilMs - 27_000),
      durationMs: 0,
      target: random.next() < 0.6 ? -1 : random.next() < 0.3 ? -2 : random.int(producers.length),
      stepMs: random.next() < 0.5 ? -sizeMs : sizeMs,
    };
  });
}

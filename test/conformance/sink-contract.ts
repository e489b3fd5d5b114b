/** What every sink must do behind the dispatcher, run for each implementation with the real receiver. */

import { afterAll, describe, expect, test } from 'vitest';
import type { PrefetchRequest } from '../../actors/engine/prefetch-desk.ts';
import type { PrefetchAnswer } from '../../actors/node/log-frame.ts';
import { nodeConfigSchema } from '../../actors/node/node-config.ts';
import { Dispatcher } from '../../actors/node/sinks/dispatcher.ts';
import { makeSink } from '../../actors/node/sinks/make-sink.ts';
import type { OutgoingRequest } from '../../actors/node/sinks/sink.ts';
import { sinkItemSchema } from '../../actors/node/sinks/sink-config.ts';
import type { Tracing } from '../../actors/node/tracing.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { MemoryRecordStore } from '../../engine/state/record-store.ts';
import { clock, until } from './source-host.ts';

export interface SinkWorld {
  /** Settings of the sink. */
  readonly settings: object;
  /** How long one try may take. */
  readonly timeoutMs?: number;
  /** What has arrived so far, as JSON. */
  received(): Promise<readonly OutgoingRequest[]>;
  /** The `traceparent` of each that has arrived as its carrier has it (header, field, environment), or in the JSON where a carrier has none. */
  traceparents(): Promise<readonly (string | null | undefined)[]>;
  /** The receiver vanishes and comes back, at the same address. */
  vanish(): Promise<void>;
  return(): Promise<void>;
  close(): Promise<void>;
}

function requestOf(id: number): PrefetchRequest {
  return {
    ...{
      id,
      name: `/segment ${id}; "quoted"`,
      segment: id,
      timeMs: 1000 + id,
      position: id,
      sizeBytes: 10,
      probability: 0.5,
    },
    ...{ expert: 'stream', consumer: null, site: null, deadlineMs: 5000 },
  } as unknown as PrefetchRequest;
}

export function sinkContract(name: string, isSkipped: boolean, makeWorld: () => Promise<SinkWorld>): void {
  const worlds: SinkWorld[] = [];
  const scene = async (settings: {
    readonly attemptsMax: number;
    readonly waitMs?: number;
    /** Of one try. */
    readonly timeoutMs?: number;
    readonly tracing?: Tracing;
  }) => {
    const world = await makeWorld();
    worlds.push(world);
    const answers: PrefetchAnswer[] = [];
    const told: (string | null)[] = [];
    const delivery = nodeConfigSchema.parse({
      delivery: {
        attemptsMax: settings.attemptsMax,
        timeoutMs: settings.timeoutMs ?? world.timeoutMs ?? 2000,
        backOff: { initialMs: settings.waitMs ?? 30, maxMs: settings.waitMs ?? 100 },
      },
    }).delivery;
    const dispatcher = new Dispatcher({
      node: 'n',
      sinks: [makeSink(sinkItemSchema.parse(world.settings), delivery.timeoutMs, clock)],
      letters: new MemoryRecordStore(),
      config: delivery,
      concurrencyMax: 4,
      clock,
      random: new Xoshiro128(1),
      onAnswer: (answer) => {
        answers.push(answer);
        dispatcher.take(answer.segment);
      },
      onSink: (_, why) => told.push(why),
      tracing: settings.tracing ?? null,
    });
    dispatcher.begin();
    return { world, dispatcher, answers, told };
  };

  describe.skipIf(isSkipped)(name, () => {
    afterAll(() => Promise.all(worlds.map((world) => world.close())));

    test.concurrent('delivers each request once, as it is', async () => {
      // A receiver that is there is not late, however busy the machine is.
      const { world, dispatcher, answers } = await scene({ attemptsMax: 2, timeoutMs: 30_000 });
      for (let id = 0; id < 12; id++) dispatcher.offer(requestOf(id));
      await until(() => answers.length === 12, 'all are answered');
      expect(answers.every(({ isLanded }) => isLanded)).toBe(true);
      await until(async () => (await world.received()).length >= 12, 'all have arrived');
      const received = (await world.received()).toSorted((a, b) => a.position - b.position);
      expect(received).toHaveLength(12);
      expect(received[3]).toMatchObject({
        ...{ key: 'n:3:/segment 3; "quoted"', node: 'n', segment: '/segment 3; "quoted"', consumer: null, position: 3 },
        ...{ sizeBytes: 10, probability: 0.5, expert: 'stream', decidedAtMs: 1003, deadlineMs: 5000 },
      });
      expect(dispatcher.counts).toMatchObject({ delivered: 12, failed: 0, deadLetters: 0 });
      await dispatcher.end();
    });

    test.concurrent('carries the trace of the delivery', async () => {
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const trace = { traceparent, tracestate: 'vendor=1' };
      const tracing = { deliver: ({ id }: PrefetchRequest) => (id === 1 ? { trace, end: () => {} } : null) };
      const { world, dispatcher, answers } = await scene({
        attemptsMax: 2,
        timeoutMs: 30_000,
        tracing: tracing as unknown as Tracing,
      });
      dispatcher.offer(requestOf(1));
      await until(() => answers.length === 1, 'the first is delivered');
      dispatcher.offer(requestOf(2));
      await until(() => answers.length === 2, 'the second is delivered');
      await until(async () => (await world.received()).length === 2, 'both have arrived');
      const received = (await world.received()).toSorted((a, b) => a.position - b.position);
      expect(received[0]).toMatchObject(trace);
      expect(received[1]).not.toHaveProperty('traceparent');
      const carried = (await world.traceparents()).filter((one) => one != null && one !== '');
      expect(carried).toEqual([traceparent]);
      await dispatcher.end();
    });

    test.concurrent('tries again while its receiver is away, and delivers when that is back', async () => {
      const { world, dispatcher, answers } = await scene({ attemptsMax: 100 });
      dispatcher.offer(requestOf(1));
      await until(() => answers.length === 1, 'the first is delivered');
      await world.vanish();
      dispatcher.offer(requestOf(2));
      await until(() => dispatcher.counts.retries > 0, 'it is tried again');
      await world.return();
      await until(() => answers.length === 2, 'the second is delivered');
      expect(dispatcher.counts).toMatchObject({ delivered: 2, failed: 0, deadLetters: 0 });
      const keys = async () => new Set((await world.received()).map(({ position }) => position));
      await until(async () => (await keys()).has(2), 'it has arrived');
      await dispatcher.end();
    });

    test.concurrent('makes a dead letter of what it could not deliver, and a redrive delivers it', async () => {
      const { world, dispatcher, answers, told } = await scene({ attemptsMax: 2 });
      await world.vanish();
      dispatcher.offer(requestOf(7));
      await until(() => answers.length === 1, 'it is given up');
      expect(answers[0]!.isLanded).toBe(false);
      const letters = dispatcher.deadLetters(10);
      expect(letters).toMatchObject([
        { key: 'n:7:/segment 7; "quoted"', attempts: 2, why: expect.stringMatching(/\S/) },
      ]);
      expect(told.at(-1)).toBe(letters[0]!.why);
      expect(await dispatcher.redrive(null, 10)).toMatchObject([{ end: { kind: 'failed' } }]);
      expect(dispatcher.counts.deadLetters).toBe(1);
      await world.return();
      const isRedriven = async (): Promise<boolean> => (await dispatcher.redrive(null, 10))[0]?.end.kind === 'done';
      await until(isRedriven, 'the redrive delivers');
      expect(dispatcher.counts.deadLetters).toBe(0);
      await until(async () => (await world.received()).some(({ position }) => position === 7), 'it has arrived');
      await dispatcher.end();
    });

    test.concurrent('stops while requests are under way: each is delivered or a dead letter, none is waited for in vain', async () => {
      const { world, dispatcher, answers } = await scene({ attemptsMax: 100, waitMs: 600_000 });
      for (let id = 0; id < 4; id++) dispatcher.offer(requestOf(id));
      await until(() => answers.length > 0, 'the first are delivered');
      await world.vanish();
      for (let id = 4; id < 8; id++) dispatcher.offer(requestOf(id));
      await until(() => dispatcher.counts.retries > 0, 'one waits to be tried again');
      await dispatcher.end();
      const { delivered, failed, deadLetters, waiting } = dispatcher.counts;
      expect(delivered).toBeGreaterThan(0);
      expect(failed).toBe(deadLetters);
      expect(delivered + failed).toBe(answers.length);
      expect(answers.length + waiting).toBe(8);
    });
  });
}

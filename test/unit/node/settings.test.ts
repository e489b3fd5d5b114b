/** Settings of a node that no other test holds: each acts. */

import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkNodeConfig } from '../../../actors/node/http/authorise.ts';
import { adoptSettings } from '../../../actors/node/reload-settings.ts';
import type { DeliveryEnd, OutgoingRequest, Sink } from '../../../actors/node/sinks/sink.ts';
import { eventLoopRound } from '../../../engine/host/turns.ts';
import { ndjson, type TestNode, testNode } from './test-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-node-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rounds of the event loop that others had until `work` was done. */
async function roundsUntil(work: () => Promise<unknown>): Promise<number> {
  let rounds = 0;
  let isDone = false;
  const ending = work().finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await eventLoopRound();
    rounds++;
  }
  await ending;
  return rounds;
}

describe('ingest.parsesMax', () => {
  const posts = ({ node }: TestNode) =>
    roundsUntil(() =>
      Promise.all(
        Array.from({ length: 40 }, (_, i) => node.post(new TextEncoder().encode(ndjson([`/p${i}`])), {}, null)),
      ),
    );

  test('posts are read one after the other, or as many at a time as it says', async () => {
    expect(await posts(await testNode({ ingest: { parsesMax: 1 } }))).toBeGreaterThanOrEqual(40);
    expect(await posts(await testNode({ ingest: { parsesMax: 40 } }))).toBeLessThan(40);
  });

  test('acts at once when a reload says that it was changed', async () => {
    const one = await testNode({ ingest: { parsesMax: 1 } });
    const fresh = checkNodeConfig({ store: 'memory', ingest: { parsesMax: 40 } }, 'test');
    expect(adoptSettings(one.node.config, fresh).applied).toEqual(['ingest.parsesMax']);
    expect(await posts(one)).toBeLessThan(40);
  });
});

test.each([[{}], [{ sinks: [{ type: 'command', name: 'c', command: ['true'] }] }]])(
  'ingest.rowsPerTurn: others have their turn after so many accesses, and decisions are the same (%j)',
  async (more) => {
    const learn = async (rowsPerTurn: number) => {
      const one = await testNode({ ...more, ingest: { rowsPerTurn } });
      await one.post('/v1/accesses', ndjson(Array.from({ length: 3200 }, (_, i) => `/p${i % 50}`)));
      const rounds = await roundsUntil(() => one.node.intake.idle());
      return { rounds, misses: one.node.engine.stats().misses, accesses: one.node.engine.stats().accesses };
    };
    const [few, many] = [await learn(64), await learn(100_000)];
    expect(few.rounds).toBeGreaterThanOrEqual(40);
    expect(many.rounds).toBeLessThan(20);
    expect(few.accesses).toBe(3200);
    expect({ ...few, rounds: 0 }).toEqual({ ...many, rounds: 0 });
  },
);

test('tailPollMs: a followed file is looked at so often and no more', async () => {
  const file = join(folder, 'polled');
  const line = '{"time":1000,"segment":"/a"}\n';
  writeFileSync(file, line);
  const { node, clock } = await testNode({ tailPollMs: 60_000, tail: [{ file, format: 'ndjson' }] });
  const lines = () => node.status().tail.lines;
  await expect.poll(lines).toBe(1);
  const wait = async (ms: number): Promise<void> => {
    clock.advanceTo(clock.now() + ms);
    await new Promise((done) => setTimeout(done, 50));
  };
  // The first look ends.
  await wait(0);
  appendFileSync(file, line);
  await wait(59_000);
  expect(lines()).toBe(1);
  clock.advanceTo(clock.now() + 2000);
  await expect.poll(lines).toBe(2);
  await node.drain();
});

/** Takes what it is given and does not answer before it is told to. */
class HeldSink implements Sink {
  readonly name = 'held';
  readonly requests: OutgoingRequest[] = [];
  #answers: ((end: DeliveryEnd) => void)[] = [];

  deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    this.requests.push(request);
    return new Promise((settle) => this.#answers.push(settle));
  }

  release(): void {
    for (const answer of this.#answers.splice(0)) answer({ kind: 'done', sizeBytes: 1 });
  }
}

describe('requests to a sink that does not answer', () => {
  const rounds = Array.from({ length: 600 }, (_, i) => `/page-${i % 30}`);
  const asked = async (delivery: object, live: object) => {
    const sink = new HeldSink();
    const engine = { capacity: 8, trafficMax: null, missBound: { isEnabled: false }, live };
    const { node, post } = await testNode({ name: 'n1', engine, delivery }, { sinks: [sink] });
    await post('/v1/accesses', ndjson(rounds));
    await node.intake.idle();
    const { counts } = node.dispatcher;
    sink.release();
    return { counts, sink };
  };
  const patient = { concurrencyMax: 2, answerWithinMs: 1e9 };

  test('engine.live.concurrencyMax: so many are under way, under the name of the node', async () => {
    const { sink } = await asked({}, patient);
    expect(sink.requests).toHaveLength(2);
    expect(sink.requests[0]).toMatchObject({ node: 'n1', key: expect.stringMatching(/^n1:\d+:\/page-\d+$/) });
    expect((await asked({}, { ...patient, concurrencyMax: 1 })).sink.requests).toHaveLength(1);
  });

  test('delivery.waitingMax: of those that wait for a slot the oldest fail beyond it, counted', async () => {
    // What nobody waits for any more is still with the sink, so those that come after it wait.
    const hasty = { concurrencyMax: 4, answerWithinMs: 1 };
    const { counts } = await asked({ waitingMax: 1 }, hasty);
    expect(counts.overflowed).toBeGreaterThan(0);
    expect(counts.waiting).toBeLessThanOrEqual(1);
    expect((await asked({ waitingMax: 4 }, hasty)).counts.overflowed).toBe(0);
  });
});

test('delivery.timeoutMs: a try that is not answered by then has failed, and with delivery.attemptsMax: 1 is a dead letter', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { node, post } = await testNode({
    engine: { capacity: 4, trafficMax: null },
    sinks: [{ type: 'webhook', name: 'w', url }],
    delivery: { timeoutMs: 30.5, attemptsMax: 1 },
  });
  await post('/v1/accesses', ndjson(Array.from({ length: 400 }, (_, i) => `/page-${i % 20}`)));
  await expect.poll(() => node.dispatcher.counts.deadLetters).toBeGreaterThan(0);
  expect(node.dispatcher.deadLetters(1)[0]).toMatchObject({
    attempts: 1,
    sink: 'w',
    why: expect.stringMatching(/timeout/i),
  });
  await node.drain();
  server.closeAllConnections();
  server.close();
});

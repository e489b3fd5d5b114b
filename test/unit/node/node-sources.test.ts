import { describe, expect, test } from 'vitest';
import { Context, Dealer } from 'zeromq';
import { freePort } from '../../free-ports.ts';
import { Disks, START_MS, testNode } from './test-node.ts';

/** A node with a ZeroMQ source, and a producer that asks it. The clock of the node is moved on while a socket's answer is awaited. */
async function withProducer(
  { format = 'ndjson', ...settings }: { readonly format?: string; readonly badMessages?: object } = {},
  options: { readonly disks?: Disks } = {},
) {
  const bind = `tcp://127.0.0.1:${await freePort()}`;
  const one = await testNode(
    { sources: [{ type: 'zeromq', name: 'z', bind, format, waitMs: 20 }], ...settings },
    options,
  );
  const socket = new Dealer({ context: new Context(), linger: 0, receiveTimeout: 5000 });
  socket.connect(bind);
  const tell = async (sequence: number, body: string): Promise<string[]> => {
    await socket.send(['p', String(sequence), body]);
    return ((await socket.receive()) as Buffer[]).map(String);
  };
  const close = async (): Promise<void> => {
    socket.close();
    await one.node.drain();
  };
  return { ...one, tell, close };
}

const access = (segment: string): string => JSON.stringify({ time: START_MS - 1000, segment, consumer: 'c', size: 1 });

describe('a node with a source', () => {
  test('learns from it, tells how it does, and lists what it could not read', async () => {
    const { node, tell, ask, close } = await withProducer({ badMessages: { keptMax: 2, bytesMax: 5 } });
    expect(await tell(1, access('/a'))).toEqual(['1', 'taken', '1']);
    for (const sequence of [2, 3, 4]) expect((await tell(sequence, '{"segment"'))[1]).toBe('refused');
    await node.intake.idle();
    expect(node.engine.accessMap('/a')?.count).toBe(1);
    const { body } = await ask('/v1/bad-messages');
    expect(body).toMatchObject({
      count: 2,
      messages: [
        { source: 'z', why: expect.stringMatching(/^z: z from source:z:p, 3: line 1:/), bytes: 10, isWhole: false },
        { why: expect.stringContaining('p, 4') },
      ],
    });
    const { text } = (await ask('/metrics')).body as { text: string };
    expect(text).toContain('anteroom_source_bad_total{source="z"} 3');
    expect(text).toContain('anteroom_bad_messages_dropped_total{source="z"} 1');
    expect(text).toContain('anteroom_bad_messages 2');
    expect(node.status().sources).toMatchObject([{ name: 'z', type: 'zeromq', state: 'running', trouble: null }]);
    await close();
    expect(node.status().sources).toMatchObject([{ state: 'stopped' }]);
  });

  test('takes what it could not read once its settings were mended and it is told to, once', async () => {
    const disks = new Disks();
    const csv = `time,segment,consumer,size\n${START_MS - 1000},/b,c,1\n`;
    const first = await withProducer({}, { disks });
    expect((await first.tell(1, csv))[1]).toBe('refused');
    expect((await first.tell(2, '"unclosed'))[1]).toBe('refused');
    const json = { 'content-type': 'application/json' };
    expect((await first.post('/v1/bad-messages/redrive', '{}', json)).body).toMatchObject({ taken: 0, failed: 2 });
    await first.close();
    const second = await withProducer({ format: 'csv' }, { disks });
    const { messages } = (await second.ask('/v1/bad-messages')).body as { messages: { key: string }[] };
    const named = JSON.stringify({ keys: [messages[0]!.key] });
    expect((await second.post('/v1/bad-messages/redrive', named, json)).body).toMatchObject({ taken: 1, failed: 0 });
    expect((await second.post('/v1/bad-messages/redrive', '{}', json)).body).toMatchObject({
      ...{ taken: 0, duplicate: 0, failed: 1 },
      results: [{ source: 'z', end: { kind: 'failed', why: expect.stringMatching(/line 1/) } }],
    });
    await second.node.intake.idle();
    expect(second.node.engine.accessMap('/b')?.count).toBe(1);
    const { text } = (await second.ask('/metrics')).body as { text: string };
    expect(text).toContain('anteroom_bad_messages_redriven_total{source="z"} 1');
    expect(text).toContain('anteroom_bad_messages 1');
    await second.close();
  });

  test('whose queue is full lets it wait, and takes what waited when there is room', async () => {
    const settings = { http: { bodyBytesMax: 1024 }, ingest: { queueBytesMax: 200_000 } };
    const bind = `tcp://127.0.0.1:${await freePort()}`;
    const source = { type: 'zeromq', name: 'z', bind, messageBytesMax: 100_000, waitMs: 20, keepAliveMs: 50 };
    const { node, clock } = await testNode({ ...settings, sources: [source] });
    const room = node.intake.admit(150_000)!;
    const state = () => node.status().sources[0]!.state;
    await expect
      .poll(() => {
        clock.advanceTo(clock.now() + 50);
        return state();
      })
      .toBe('paused');
    const socket = new Dealer({ context: new Context(), linger: 0, receiveTimeout: 5000 });
    socket.connect(bind);
    await socket.send(['p', '1', access('/a')]);
    await new Promise((done) => setTimeout(done, 100));
    expect(node.status().log.end).toBe(0);
    // No clock is needed: who frees the room calls who waits for it.
    room.release();
    expect(String((await socket.receive())[1])).toBe('taken');
    expect(state()).toBe('running');
    socket.close();
    await node.drain();
  });

  test('that cannot be reached is in trouble, and ready all the same', async () => {
    const source = { type: 'redis', name: 'r', url: 'redis://127.0.0.1:1', stream: 's' };
    const { node, ask } = await testNode({ sources: [source] });
    await expect.poll(() => node.lifeCycle.troubles).toMatchObject({ source: expect.stringContaining('r: Redis at') });
    expect((await ask('/readyz')).status).toBe(200);
    expect(node.lifeCycle.state).toBe('degraded');
    await node.drain();
  });
});

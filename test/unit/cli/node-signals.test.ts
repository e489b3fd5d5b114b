/** What a node does when it is asked to end, or to read its settings again, while something is under way. */

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../free-ports.ts';
import { isUnbuilt, main, Scratch } from './command.ts';
import { endNodeProcesses, startNode } from './node-process.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
afterEach(endNodeProcesses);

/** A node that recovers until it is ended: it waits for a part that is not there. */
async function recovering(): Promise<{
  readonly url: string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<readonly [number | null, string | null, string]>;
}> {
  const part = `{ name: far, endpoint: 'tcp://127.0.0.1:${await freePort()}', actors: [aggregator, graph-builder, seasonal-predictor, interval-predictor, forecaster, scheduler] }`;
  const config = scratch.write('waits.yaml', `store: memory\nhttp: { port: 0 }\nplaces:\n  parts:\n    - ${part}\n`);
  const child = spawn(process.execPath, [resolve(main), 'node', '--config', config]);
  let said = '';
  const ended = new Promise<readonly [number | null, string | null, string]>((settle) =>
    child.on('close', (status, signal) => settle([status, signal, said])),
  );
  const url = await new Promise<string>((settle, fail) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const match = /"address":"([^"]+)"/.exec(said);
      if (match !== null && said.includes('recovering')) settle(match[1]!);
    });
    child.on('close', () => fail(new Error(said)));
  });
  return { url, kill: (signal) => void child.kill(signal), ended };
}

describe.skipIf(isUnbuilt)('a node that recovers', () => {
  test('lives on at SIGHUP, and ends with 0 at SIGTERM', async () => {
    const { url, kill, ended } = await recovering();
    kill('SIGHUP');
    await new Promise((settle) => setTimeout(settle, 300));
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    kill('SIGTERM');
    const [status, signal, said] = await ended;
    expect([status, signal]).toEqual([0, null]);
    expect(said).toContain('"state":"stopped"');
  });

  test('ends with 0 when it is drained, and reports no fault of ours', async () => {
    const { url, ended } = await recovering();
    expect((await fetch(`${url}/v1/drain`, { method: 'POST' })).status).toBe(202);
    const [status, signal, said] = await ended;
    expect([status, signal]).toEqual([0, null]);
    expect(said).not.toContain('fault of ours');
  });
});

describe.skipIf(isUnbuilt)('a post that is on its way when the node is asked to end', () => {
  const rows = '{"segment":"/a"}\n{"segment":"/b"}\n';

  /** The head of a post and half of its body; `rest` sends the other half and resolves with all that is answered. */
  const halfPost = async (url: string): Promise<{ rest(): Promise<string> }> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    const closed = new Promise<void>((settle) => {
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString();
      });
      socket.on('error', () => settle());
      socket.on('close', () => settle());
    });
    const head = `POST /v1/accesses?format=ndjson HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${rows.length}\r\n\r\n`;
    await new Promise<void>((settle) => socket.write(head + rows.slice(0, 10), () => settle()));
    // Until it has been admitted.
    await new Promise((settle) => setTimeout(settle, 300));
    return {
      rest: async () => {
        socket.write(rows.slice(10));
        await closed;
        return answer;
      },
    };
  };

  test('is kept and answered; later ones are refused, and the last checkpoint has it', async () => {
    const data = scratch.path('data');
    const one = await startNode(['--data', data]);
    const { rest } = await halfPost(one.url);
    one.child.kill('SIGTERM');
    await one.until(/"state":"draining"/);
    expect((await fetch(`${one.url}/v1/accesses?format=ndjson`, { method: 'POST', body: rows })).status).toBe(503);
    expect(await rest()).toMatch(/^HTTP\/1\.1 200 [\s\S]*"accepted":2/);
    expect(await one.ended).toEqual([0, null]);
    const again = await startNode(['--data', data]);
    expect(again.said()).toContain('"from":2,"replayed":0');
  });

  test('and ends when the node has stopped is answered 503: nothing of it was kept', async () => {
    const one = await startNode([
      '--config',
      scratch.write('late.yaml', `drainMs: 1000\ndataFolder: ${scratch.path('late')}\n`),
    ]);
    const { rest } = await halfPost(one.url);
    one.child.kill('SIGTERM');
    await one.until(/"state":"stopped"/);
    // Where the machine is slow the connection may have ended before.
    expect(await rest()).toMatch(/^$|^HTTP\/1\.1 503 [\s\S]*"unavailable"/);
    expect(await one.ended).toEqual([0, null]);
    expect(one.said()).not.toMatch(/fault of/);
  });

  test('and does not come to its end is given up after half of drainMs, and the node ends', async () => {
    const config = scratch.write('short.yaml', 'store: memory\ndrainMs: 600\n');
    const one = await startNode(['--config', config]);
    await halfPost(one.url);
    one.child.kill('SIGTERM');
    expect(await one.ended).toEqual([0, null]);
    expect(one.said()).toContain('"posts":1');
    expect(one.said()).toContain('"state":"stopped"');
  });
});

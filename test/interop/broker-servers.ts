/** Brokers for tests: real servers of Debian on loopback, in folders of their own, ended by those who started them. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-ports.ts';
import { skipUnless } from '../require-or-skip.ts';

/** Debian puts servers where only root looks. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore', env });
    return true;
  } catch {
    return false;
  }
}

export const isWithoutRedis = skipUnless(isInstalled('redis-server'), 'redis-server is absent (Debian: redis-server)');
export const isWithoutNats = skipUnless(isInstalled('nats-server'), 'nats-server is absent (Debian: nats-server)');
export const isWithoutOpenSsl = skipUnless(isInstalled('openssl'), 'openssl is absent (Debian: openssl)');
export const isWithoutKafka = skipUnless(isInstalled('kcat'), 'kcat is absent (Debian: kcat)');

/** A server that can be killed and started again with what it kept on disk. */
export interface TestServer {
  readonly port: number;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
}

/** Every write is on disk before it is answered. */
export function redisServer(more: (port: number) => readonly string[] = () => []): Promise<TestServer> {
  return testServer((port, folder) => [
    'redis-server',
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--logfile', join(folder, 'log')],
    ...['--appendonly', 'yes', '--appendfsync', 'always'],
    ...more(port),
  ]);
}

/** With JetStream. */
export function natsServer(more: readonly string[] = []): Promise<TestServer> {
  const words = (port: number, folder: string) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder];
  return testServer((port, folder) => ['nats-server', ...words(port, folder), ...more]);
}

async function testServer(commandOf: (port: number, folder: string) => readonly string[]): Promise<TestServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-server-'));
  const [program, ...words] = commandOf(port, folder);
  let child: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    if (child === null) return;
    const dying = child;
    child = null;
    const gone = new Promise((done) => dying.once('exit', done));
    dying.kill('SIGKILL');
    await gone;
  };
  const server: TestServer = {
    port,
    start: async () => {
      child = spawn(program!, words, { stdio: 'ignore', env });
      await listening(port);
    },
    kill,
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function listening(port: number): Promise<void> {
  for (let i = 0; i < 400; i++) {
    const isOpen = await new Promise<boolean>((settle) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => settle(true)).once('error', () => settle(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`nothing listens at ${port}`);
}

/** librdkafka's own mock of a cluster, which a producing kcat hosts while it runs: the protocol is real, storage is its memory. */
export interface MockKafka {
  readonly address: string;
  /** Stops its process from answering, as a broker that hangs. */
  freeze(): void;
  thaw(): void;
  remove(): Promise<void>;
}

export async function mockKafka(): Promise<MockKafka> {
  const child = spawn(
    'kcat',
    ['-b', '127.0.0.1:1', '-P', '-t', 'unused', '-X', 'test.mock.num.brokers=1', '-d', 'mock'],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  const address = await new Promise<string>((settle, fail) => {
    let said = '';
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /bootstrap\.servers=(\S+)/.exec(said)?.[1];
      if (found !== undefined) settle(found);
    };
    child.stderr.on('data', hear);
    child.once('exit', () => fail(new Error(`kcat ended: ${said}`)));
  });
  child.stderr.resume();
  return {
    address,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    remove: async () => {
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

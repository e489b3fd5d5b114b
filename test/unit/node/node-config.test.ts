import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configReference } from '../../../actors/node/config-reference.ts';
import { checkNodeConfig, knownTokens } from '../../../actors/node/http/authorise.ts';
import { nodeConfigSchema } from '../../../actors/node/node-config.ts';

const reference = configReference();

describe('the reference that anteroom config prints', () => {
  test('is a valid file that says every default and nothing else', () => {
    const written = parse(reference) as object;
    expect(written).toEqual(JSON.parse(JSON.stringify(nodeConfigSchema.parse({}))));
    expect(nodeConfigSchema.parse(written)).toEqual(nodeConfigSchema.parse({}));
  });

  test('has the description of every setting', () => {
    const words = reference.replace(/\n\s*#/g, ' ').replace(/\s+/g, ' ');
    const missing: string[] = [];
    const visit = (node: { description?: string; properties?: Record<string, object> }, path: string): void => {
      for (const [name, field] of Object.entries(node.properties ?? {})) {
        const { description } = field as { description?: string };
        if (description === undefined || !words.includes(description.replace(/\s+/g, ' ')))
          missing.push(`${path}.${name}`);
        visit(field, `${path}.${name}`);
      }
    };
    visit(z.toJSONSchema(nodeConfigSchema, { io: 'input', unrepresentable: 'any' }) as object, '');
    expect(missing).toEqual([]);
  });
});

describe('the settings of sources and sinks', () => {
  /** What a kind of source or sink must be told; all else has a default. */
  const least = [
    ['sources', { type: 'redis', url: 'redis://127.0.0.1:6379', stream: 's' }],
    ['sources', { type: 'nats', servers: ['nats://127.0.0.1:4222'], stream: 'S' }],
    ['sources', { type: 'kafka', brokers: ['127.0.0.1:9092'], topics: ['t'] }],
    ['sources', { type: 'zeromq', bind: 'tcp://127.0.0.1:7879' }],
    ['sinks', { type: 'webhook', url: 'http://127.0.0.1:9000/' }],
    ['sinks', { type: 'command', command: ['true'] }],
    ['sinks', { type: 'zeromq', connect: 'tcp://127.0.0.1:7880' }],
    ['sinks', { type: 'nats', servers: ['nats://127.0.0.1:4222'], subject: 's' }],
    ['sinks', { type: 'redis', url: 'redis://127.0.0.1:6379', key: 'k' }],
  ] as const;

  test.each(least)('%s: %j are printed, each with its default and what it means', (list, item) => {
    const config = checkNodeConfig({ [list]: [{ ...item, name: 'x' }] }, 'node.yaml');
    const made = config[list][0] as Readonly<Record<string, unknown>>;
    // From the line of its list on, since a source and a sink may have one type.
    const lines = reference.slice(reference.indexOf(`\n${list}: []`)).split('\n');
    const from = lines.findIndex((line) => line.includes(`# `) && line.includes(`- type: ${item.type}`));
    const length = lines.slice(from + 1).findIndex((line) => /- type: |^[^#]*$/.test(line));
    const block = lines.slice(from, from + 1 + length).map((line) => line.replace(/^#\s*(- )?/, ''));
    for (const [name, value] of Object.entries(made)) {
      const line = block.find((text) => text.startsWith(`${name}:`));
      expect(line, name).toBeDefined();
      if (name !== 'type') expect(line).toMatch(/ {2}# \S/);
      const isGiven = name in item || name === 'name' || name === 'backOff';
      if (!isGiven) expect(parse(line!)).toEqual({ [name]: value });
    }
  });
});

describe('a mistake in the settings is one line that says where', () => {
  test.each([
    [{ httpp: {} }, /node\.yaml: httpp: unknown setting/],
    [{ http: { port: 99_999 } }, /node\.yaml: http\.port/],
    [{ checkpoints: { everyMs: 'soon' } }, /checkpoints\.everyMs: expected a duration/],
    [{ sinks: [{ type: 'webhook', name: 'w', url: 'ftp://x' }] }, /sinks\[0\]\.url/],
    [
      {
        sinks: [
          { type: 'command', name: 'a', command: ['x'] },
          { type: 'command', name: 'a', command: ['y'] },
        ],
      },
      /two are named a/,
    ],
    [{ ingest: { queueBytesMax: 2048 } }, /bodyBytesMax/],
    [
      { sources: [{ type: 'redis', name: 'r', url: 'redis://u:p@h', stream: 's' }] },
      /sources\[0\]\.url: expected no user/,
    ],
    [{ sources: [{ type: 'redis', name: 'r', url: 'http://h', stream: 's' }] }, /sources\[0\]\.url/],
    [
      { sources: [{ type: 'nats', name: 'n', servers: ['tls://10.0.0.1:4222'], stream: 'S' }] },
      /expected a name after tls/,
    ],
    [{ sources: [{ type: 'kafka', name: 'k', brokers: ['h'], topics: ['t'] }] }, /brokers\[0\]: expected HOST:PORT/],
    [
      { sources: [{ type: 'kafka', name: 'k', brokers: ['h:1'], topics: ['t'], saslMechanism: 'plain' }] },
      /sources\[0\]\.saslMechanism: needs username and passwordFile/,
    ],
    [
      { sources: [{ type: 'kafka', name: 'k', brokers: ['h:1'], topics: ['t'], username: 'u', passwordFile: 'p' }] },
      /sources\[0\]\.saslMechanism: expected one/,
    ],
    [{ tail: [{ file: 'x', format: 'parquet' }] }, /tail\[0\]\.format: .*clf.*, not "parquet"/],
    [{ http: { idleMs: '30d' } }, /http\.idleMs: expected at most 2147483647/],
    [{ http: 7 }, /http: expected object, not 7$/],
    [{ sources: [{ type: 'zeromq', name: 'z', bind: 'tcp://*:7879' }] }, /sources\[0\]\.bind: .*keysFolder/],
    [{ sources: [{ type: 'zeromq', name: 'z', bind: 'udp://x' }] }, /node\.yaml: sources\[0\]\.bind: .*expected tcp:/],
    [
      { sinks: [{ type: 'zeromq', name: 'z', connect: 'tcp://127.0.0.1:99999' }] },
      /sinks\[0\]\.connect: .*expected a port up to 65535/,
    ],
    [{ sources: [{ type: 'zeromq', name: 'z', bind: 'ipc://x', onBadRecord: 'halt' }] }, /onBadRecord/],
    [
      { sources: [{ type: 'zeromq', name: 'z', bind: 'ipc://x', messageBytesMax: '1GiB' }] },
      /messageBytesMax: expected at most/,
    ],
    [
      { sources: [{ type: 'redis', name: 'r', url: 'redis://h', stream: 's', fetchBytesMax: '1GiB' }] },
      /fetchBytesMax: expected at most ingest/,
    ],
    [{ sources: [1, 2].map(() => ({ type: 'zeromq', name: 'z', bind: 'ipc://x' })) }, /sources: two are named z/],
    [{ sinks: [{ type: 'zeromq', name: 'z', connect: 'tcp://10.0.0.1:1' }] }, /sinks\[0\]\.connect: .*keysFolder/],
    [{ sinks: [{ type: 'zeromq', name: 'z', connect: 'ipc://x', keysFolder: 'k' }] }, /sinks\[0\]\.place/],
    [{ sinks: [{ type: 'redis', name: 'r', url: 'redis://h', key: 'k', as: 'set' }] }, /sinks\[0\]\.as/],
    [{ engine: { mode: 'live' } }, /engine\.mode: unknown setting/],
  ])('%j', (settings, message) => {
    expect(() => checkNodeConfig(settings, 'node.yaml')).toThrow(message);
  });
});

describe('tokens that cannot be are one line that says which', () => {
  const tokensOf = (tokens: object[]) => knownTokens(checkNodeConfig({ http: { tokens } }, 'node.yaml').http);

  test('a file that is not there', async () => {
    await expect(tokensOf([{ name: 'a', tokenFile: '/nowhere/token' }])).rejects.toThrow(
      /^http\.tokens\[0\]\.tokenFile: \/nowhere\/token: no such file/,
    );
  });

  test('two with the same secret, whose scopes would be those of the later one', async () => {
    const token = '0123456789abcdef';
    await expect(
      tokensOf([
        { name: 'a', token, scopes: ['read'] },
        { name: 'b', token, scopes: ['admin'] },
      ]),
    ).rejects.toThrow(/^http\.tokens\[1\]: b and a have the same token$/);
  });
});

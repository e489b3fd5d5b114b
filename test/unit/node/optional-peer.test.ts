import { describe, expect, test } from 'vitest';
import { optionalPeer } from '../../../actors/node/servers/optional-peer.ts';
import { RedisSink } from '../../../actors/node/sinks/redis-sink.ts';
import type { OutgoingRequest } from '../../../actors/node/sinks/sink.ts';
import { sinkItemSchema } from '../../../actors/node/sinks/sink-config.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { clock, SourceHost, until } from '../../conformance/source-host.ts';

describe('a package that is not there', () => {
  test('is one error that says how to install it', async () => {
    const absent = 'no-such-package-of-anybody';
    await expect(optionalPeer('redis', 'source accesses', () => import(absent))).rejects.toMatchObject({
      code: 'missing-library',
      message: 'source accesses needs the package redis, which is not installed: npm install redis@6.3.1',
    });
  });
});

describe('a file with a secret that is not there', () => {
  const nobody = { url: 'redis://127.0.0.1:1', passwordFile: 'no-such-file' };

  test('is a trouble of the source, which goes on trying', async () => {
    const host = new SourceHost();
    const source = host.open({ type: 'redis', name: 'r', stream: 's', ...nobody });
    source.start();
    await until(() => source.status.state === 'degraded', 'it says so');
    expect(source.status.trouble).toContain('no-such-file');
    await source.stop();
  });

  test('fails a delivery', async () => {
    const sink = new RedisSink(
      sinkItemSchema.parse({ type: 'redis', name: 'r', key: 'k', ...nobody }) as never,
      500,
      clock,
    );
    expect(await sink.deliver({ key: 'k' } as OutgoingRequest)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('no-such-file'),
    });
    await sink.close();
  });
});

test('an error of a library that is missing is not tried again by a sink', async () => {
  const { failedBy } = await import('../../../actors/node/sinks/sink.ts');
  expect(failedBy(new AnteroomError('missing-library', 'x'))).toMatchObject({ isRetryable: false });
  expect(failedBy(new AnteroomError('unavailable', 'x'))).toMatchObject({ isRetryable: true });
});

import { gzipSync } from 'node:zlib';
import {
  CompressionType,
  compressionRegistry,
  Dictionary,
  Int32,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { checkNodeConfig } from '../../../actors/node/http/authorise.ts';
import { frameNames } from '../../../actors/node/log-frame.ts';
import { runNode } from '../../../actors/node/run-node.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';
import { AccessArrowWriter, concatBytes } from '../../../streams/codec/access-arrow-writer.ts';
import { Disks, ndjson, START_MS, testNode } from './test-node.ts';

const clf = (host: string, minute: number, path: string): string =>
  `${host} - - [17/May/2026:10:${String(minute).padStart(2, '0')}:00 +0000] "GET ${path} HTTP/1.1" 200 1234 "-" "curl"`;

/** Two accesses as an Arrow stream. */
function arrow(): Uint8Array {
  const names = frameNames();
  const segment = Uint32Array.of(names.segments.internString('/a'), names.segments.internString('/b'));
  const rows = {
    timeMs: Float64Array.of(1, 2),
    segment,
    consumer: Int32Array.of(-1, -1),
    site: Int32Array.of(-1, -1),
    op: new Uint8Array(2),
    size: Float64Array.of(1, 2),
    weight: Float64Array.of(1, 1),
  };
  const writer = new AccessArrowWriter({ layout: 'stream', names });
  return concatBytes([...writer.write(new AccessBatch(0, rows)), ...writer.end()]);
}

describe('a post of accesses', () => {
  test('is taken in every format that people send, by content type or by content', async () => {
    const { post, node } = await testNode();
    const posts: readonly (readonly [string | Uint8Array, string, string])[] = [
      [ndjson(['/a', '/b']), 'application/x-ndjson', 'ndjson'],
      ['time,segment,consumer\n1790000000000,/a,x\n1790000001000,/b,y\n', 'text/csv', 'csv'],
      [`${clf('10.0.0.1', 1, '/a')}\n${clf('10.0.0.2', 2, '/b')}\n`, 'application/x-www-form-urlencoded', 'clf'],
      [arrow(), 'application/vnd.apache.arrow.stream', 'arrow-ipc'],
    ];
    for (const [body, type, format] of posts) {
      const { status, body: answer } = await post('/v1/accesses', body, { 'content-type': type });
      expect([status, answer]).toMatchObject([200, { accepted: 2, format, duplicate: false }]);
    }
    await node.intake.idle();
    expect(node.engine.position).toBe(8);
    expect(node.engine.accessMap('/a')?.count).toBe(4);
  });

  test('is durable when it is acknowledged: a node that crashes at once has learned from it after its restart', async () => {
    const disks = new Disks();
    const first = await testNode({}, { disks });
    const { body } = await first.post('/v1/accesses', ndjson(['/a', '/b', '/a']));
    expect(body).toMatchObject({ position: { from: 0, to: 3 } });
    const second = await testNode({}, { disks });
    expect(second.node.engine.position).toBe(3);
    expect(second.node.status().recovery).toMatchObject({ from: null, replayed: 3 });
  });

  test('that is repeated with its producer and sequence is harmless, across a restart too', async () => {
    const disks = new Disks();
    const headers = { producer: 'web-1', sequence: '41' };
    let { post, node } = await testNode({}, { disks });
    expect((await post('/v1/accesses', ndjson(['/a']), headers)).body).toMatchObject({ accepted: 1, duplicate: false });
    expect((await post('/v1/accesses', ndjson(['/a']), headers)).body).toMatchObject({ accepted: 0, duplicate: true });
    ({ post, node } = await testNode({}, { disks }));
    expect((await post('/v1/accesses', ndjson(['/a']), headers)).body).toMatchObject({ accepted: 0, duplicate: true });
    expect((await post('/v1/accesses', ndjson(['/a']), { ...headers, sequence: '42' })).body).toMatchObject({
      accepted: 1,
    });
    await node.intake.idle();
    expect(node.engine.position).toBe(2);
  });

  test('with one bad record is refused as a whole with its place, unless it is lenient', async () => {
    const { post, node } = await testNode();
    const body = `${ndjson(['/a'])}\n{"segment":5\n${ndjson(['/b'])}\n`;
    const refused = await post('/v1/accesses?format=ndjson', body);
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { error: { code: 'bad-record', message: expect.stringMatching(/^line 2:/) } },
    ]);
    expect(node.status().log.end).toBe(0);
    const lenient = await post('/v1/accesses?format=ndjson&lenient=1', body);
    expect([lenient.status, lenient.body]).toMatchObject([200, { accepted: 2, rejected: 1 }]);
  });

  test('without times is stamped with the clock, in the log itself', async () => {
    const disks = new Disks();
    const { post } = await testNode({}, { disks });
    await post('/v1/accesses?format=ndjson', '{"segment":"/a"}\n');
    const { node } = await testNode({}, { disks });
    expect(node.engine.accessMap('/a')?.last).toBe(START_MS);
  });

  test('from further ahead of the clock than allowed is refused, and says what may be wrong', async () => {
    const { post } = await testNode({ ingest: { timeAheadMaxMs: '1h' } });
    const { status, body } = await post(
      '/v1/accesses?format=ndjson',
      JSON.stringify({ segment: '/a', time: START_MS + 3_700_000 }),
    );
    expect([status, body]).toMatchObject([
      400,
      { error: { code: 'bad-record', message: expect.stringContaining('time-unit') } },
    ]);
    expect(
      (await post('/v1/accesses?format=ndjson', JSON.stringify({ segment: '/a', time: START_MS + 3_500_000 }))).status,
    ).toBe(200);
  });

  test('that names things at any length filled the memory: names have a limit, and a lenient post takes the others', async () => {
    const { node, post } = await testNode({ ingest: { nameBytesMax: 5 } });
    const rows = [
      { segment: '/fits', consumer: 'c', time: START_MS },
      { segment: '/lang\u00e9', consumer: 'c', time: START_MS },
      { segment: '/b', consumer: 'a\u001bconsumer', time: START_MS },
      { segment: '/b', consumer: 'c', time: START_MS + 1e12 },
      { segment: '/b', consumer: 'c' },
    ];
    const body = rows.map((row) => JSON.stringify(row)).join('\n');
    const { status, body: strict } = await post('/v1/accesses?format=ndjson', body);
    expect([status, strict]).toMatchObject([
      400,
      {
        error: {
          code: 'bad-record',
          message: 'access 2: its segment has a name of 7 bytes (/langé): expected at most 5',
        },
      },
    ]);
    expect(node.status().log.end).toBe(0);
    expect((await post('/v1/accesses?format=ndjson&lenient=1', body)).body).toMatchObject({
      ...{ accepted: 2, rejected: 3 },
      rejections: [
        expect.stringContaining('access 2: its segment'),
        // Where nothing was cut, nothing is left out.
        'access 3: its consumer has a name of 10 bytes (a\\x1bconsumer): expected at most 5',
        expect.stringMatching(/^access 4: its time .* is too far ahead/),
      ],
    });
    await node.intake.idle();
    expect([node.engine.accessMap('/fits')?.count, node.engine.accessMap('/b')?.count]).toEqual([1, 1]);
    expect(node.engine.accessMap('/langé')).toBeNull();
    // What is not a name of any row that was taken is in no log either.
    expect(node.status().log.entryCount).toBe(1);
  });

  test('whose columns or members have unknown names was answered without a word of them', async () => {
    const { post } = await testNode();
    const leftOut = async (format: string, body: string, columns = '') => {
      const { status, body: answer } = await post(`/v1/accesses?format=${format}${columns}`, body);
      expect(status).toBe(200);
      return (answer as { leftOut: unknown }).leftOut;
    };
    const record = { segment: '/a', time: START_MS, Kunde: 'c', '\u001b[31m': 1 };
    const lines = `${JSON.stringify(record)}\n`;
    expect(await leftOut('ndjson', lines)).toEqual(['Kunde', '\\x1b[31m']);
    expect(await leftOut('ndjson', lines, '&columns=consumer=Kunde')).toEqual(['\\x1b[31m']);
    expect(await leftOut('csv', `segment,time,Kunde\n/a,${START_MS},c\n`)).toEqual(['Kunde']);
    expect(await leftOut('csv', `segment,time\n/a,${START_MS}\n`)).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${i}${'x'.repeat(1000)}`, 1]));
    const told = (await leftOut('ndjson', `${JSON.stringify({ ...record, ...many })}\n`)) as readonly string[];
    expect([told.length, Math.max(...told.map((name) => name.length))]).toEqual([20, 63]);
  });

  test('larger than a body or a post may be is refused with 413', async () => {
    const { post } = await testNode({ http: { bodyBytesMax: 1024 }, ingest: { rowsPerPostMax: 3 } });
    expect((await post('/v1/accesses', ndjson(Array.from({ length: 100 }, () => '/a')))).status).toBe(413);
    expect((await post('/v1/accesses', ndjson(['/a', '/b', '/c', '/d']))).body).toMatchObject({
      error: { code: 'limit' },
    });
  });

  test('in an unknown format, with half an origin or a bad parameter gets one clear answer', async () => {
    const { post } = await testNode();
    expect(await post('/v1/accesses', Uint8Array.of(1, 2, 3, 4))).toMatchObject({
      status: 415,
      body: { error: { code: 'unknown-format' } },
    });
    // These were "not recognised", and no more was said.
    const odd: readonly (readonly [string | Uint8Array, string])[] = [
      ['[{"segment":"/a"}]', 'it looks like a JSON array, and one object a line is taken'],
      ['time,key\r1,a\r2,b\r', 'its lines end with a carriage return alone'],
      [Uint8Array.of(0xff, 0xfe, 0x6b, 0, 10, 0), 'it is text in UTF-16'],
    ];
    for (const [body, told] of odd) {
      expect(await post('/v1/accesses', body)).toMatchObject({
        status: 415,
        body: { error: { code: 'unknown-format', message: expect.stringContaining(told) } },
      });
    }
    expect(await post('/v1/accesses', ndjson(['/a']), { producer: 'x' })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('sequence') } },
    });
    expect(await post('/v1/accesses?colour=red', ndjson(['/a']))).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('colour') } },
    });
    expect(await post('/v1/accesses?columns=who=3', ndjson(['/a']))).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('who=3') } },
    });
  });

  test('whose line breaks curl -d has stripped is refused with what to do instead', async () => {
    const { post, node } = await testNode();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const lines = Array.from({ length: 20 }, (_, i) => clf('10.0.0.1', i, `/a${i}`));
    const { status, body } = await post('/v1/accesses', lines.join(''), form);
    expect([status, body]).toMatchObject([400, { error: { message: expect.stringContaining('--data-binary') } }]);
    expect(node.status().log.end).toBe(0);
    expect((await post('/v1/accesses', lines.join('\n'), form)).body).toMatchObject({ accepted: 20 });
  });

  test('in a form, as curl -F sends it, was taken for a log with a bad first line: it is told how to send the file', async () => {
    const { post } = await testNode();
    const boundary = { 'content-type': 'multipart/form-data; boundary=x' };
    const form = `--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n${clf('10.0.0.1', 1, '/a')}\r\n--x--\r\n`;
    expect(await post('/v1/accesses', form, boundary)).toMatchObject({
      status: 415,
      body: { error: { message: expect.stringContaining('--data-binary') } },
    });
  });

  test('that comes while too much waits is answered 429 with Retry-After and counted', async () => {
    const { post, node, ask } = await testNode({ ingest: { postsMax: 1 } });
    const room = node.intake.admit(10)!;
    const { status, headers } = await post('/v1/accesses', ndjson(['/a']));
    expect([status, Number(headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    room.release();
    expect((await post('/v1/accesses', ndjson(['/a']))).status).toBe(200);
    expect((await ask('/metrics')).body).toMatchObject({
      text: expect.stringContaining('anteroom_posts_total{result="throttled"} 1'),
    });
  });

  test('beyond what the queue holds is answered 429, the node stays ready, and all that was acknowledged is learned from', async () => {
    const { post, node, ask } = await testNode({
      http: { bodyBytesMax: '64KiB' },
      ingest: { queueBytesMax: '128KiB' },
    });
    const body = ndjson(Array.from({ length: 400 }, (_, i) => `/s${i}`));
    const answers = await Promise.all(Array.from({ length: 40 }, () => post('/v1/accesses', body)));
    const kept = answers.filter(({ status }) => status === 200).length;
    expect(answers.filter(({ status }) => status === 429).length).toBe(40 - kept);
    expect([kept > 0, kept < 40]).toEqual([true, true]);
    expect((await ask('/readyz')).status).toBe(200);
    await node.intake.idle();
    expect(node.intake.pendingBytes).toBe(0);
    expect(node.engine.position).toBe(kept * 400);
    expect(node.status().intake.throttled).toBe(40 - kept);
  });

  test('of a sequence too old to be told from a repetition is refused aloud', async () => {
    const { post } = await testNode({ log: { sequenceWindow: 8 } });
    await post('/v1/accesses', ndjson(['/a']), { producer: 'p', sequence: '100' });
    expect(await post('/v1/accesses', ndjson(['/a']), { producer: 'p', sequence: '5' })).toMatchObject({
      status: 409,
      body: { error: { code: 'stale-sequence' } },
    });
  });

  test('that meets a full disk is answered 507, makes the node not ready, and the next one that succeeds makes it ready again', async () => {
    const disks = new Disks();
    const { post, ask, node } = await testNode({}, { disks });
    disks.log.isFull = true;
    expect((await post('/v1/accesses', ndjson(['/a']), { producer: 'p', sequence: '1' })).status).toBe(507);
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      body: { state: 'degraded', reasons: [expect.anything(), expect.stringContaining('log:')] },
    });
    expect(await ask('/healthz')).toMatchObject({ status: 200 });
    disks.log.isFull = false;
    expect((await post('/v1/accesses', ndjson(['/a']), { producer: 'p', sequence: '1' })).body).toMatchObject({
      accepted: 1,
      duplicate: false,
    });
    expect(await ask('/readyz')).toMatchObject({ status: 200 });
    expect(node.lifeCycle.state).toBe('ready');
  });

  test('that met a full disk leaves the node not ready until there is room, and then it is ready by itself', async () => {
    const disks = new Disks();
    const settings = { logProbe: { initialMs: 1000, maxMs: 4000, jitter: 0 } };
    const { post, ask, node, clock } = await testNode(settings, { disks });
    disks.log.isFull = true;
    expect((await post('/v1/accesses', ndjson(['/a']))).status).toBe(507);
    const { end } = node.status().log;
    for (const waitMs of [1000, 2000, 4000, 4000]) {
      clock.advanceTo(clock.now() + waitMs);
      await node.intake.idle();
      expect(await ask('/readyz')).toMatchObject({ status: 503 });
    }
    disks.log.isFull = false;
    clock.advanceTo(clock.now() + 3999);
    expect(node.lifeCycle.isReady).toBe(false);
    clock.advanceTo(clock.now() + 1);
    await node.intake.idle();
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: { state: 'ready' } });
    expect(node.status().log.end).toBe(end);
    // Nothing is asked any more.
    disks.log.isFull = true;
    clock.advanceTo(clock.now() + 60_000);
    await node.intake.idle();
    expect(node.lifeCycle.state).toBe('ready');
  });

  test('names of segments beyond engine.segmentsMax are left out and counted, and all else goes on', async () => {
    const { post, node } = await testNode({ engine: { segmentsMax: 2 } });
    await post('/v1/accesses', ndjson(['/a', '/b', '/c', '/a', '/d']));
    await node.intake.idle();
    expect(node.status().told).toMatchObject({ accesses: 3, segmentsRefused: 2 });
    expect(node.engine.accessMap('/a')?.count).toBe(2);
    expect(node.lifeCycle.isReady).toBe(true);
  });
});

test('POST /prefetch/train and GET /prefetch/predict work by the names of their source', async () => {
  const { post, ask, node } = await testNode();
  const accesses = Array.from({ length: 40 }, (_, i) => ({
    user_id: `u${i % 2}`,
    data_id: `d${i % 4}`,
    timestamp: START_MS - 100_000 + i * 1000,
  }));
  expect(
    await post('/prefetch/train', JSON.stringify({ accesses }), { 'content-type': 'application/json' }),
  ).toMatchObject({ status: 200, body: { accepted: 40 } });
  await node.intake.idle();
  const known = await ask('/prefetch/predict?user_id=u0&k=3');
  expect(known.body).toMatchObject({ user_id: 'u0', is_known: true });
  expect((known.body as { predictions: { data_id: string; why: string[] }[] }).predictions.length).toBeGreaterThan(0);
  expect(await ask('/prefetch/predict?user_id=stranger')).toMatchObject({ status: 200, body: { is_known: false } });
  expect((await ask('/prefetch/predict')).status).toBe(400);
  expect(
    (await post('/prefetch/train', '{"accesses":[{"user_id":"x"}]}', { 'content-type': 'application/json' })).status,
  ).toBe(400);
});

describe('Arrow as other programs write it', () => {
  const table = (): Table =>
    new Table({
      segment: vectorFromArray(['/a', '/b', '/a'], new Dictionary(new Utf8(), new Int32())),
      consumer: vectorFromArray(['x', null, 'y'], new Utf8()),
    });

  test("a file with its schema in the footer alone, as Arrow's JavaScript writes it, was refused: it is taken", async () => {
    const { post, ask } = await testNode();
    const { batches } = table();
    const file = await RecordBatchFileWriter.writeAll([...batches, ...batches]).toUint8Array();
    expect(await post('/v1/accesses', file)).toMatchObject({
      status: 200,
      body: { accepted: 6, format: 'arrow-ipc' },
    });
    expect((await ask('/v1/access-map?segment=/a')).body).toMatchObject({ count: 4 });
    expect((await post('/v1/accesses', file.slice(0, -30))).status).toBe(400);
  });

  test('a file whose footer named one block three times counted its accesses three times: it is refused', async () => {
    const { post, node } = await testNode();
    for (const list of ['_recordBatchBlocks', '_dictionaryBlocks'] as const) {
      const writer = new RecordBatchFileWriter();
      for (const batch of table().batches) writer.write(batch);
      const blocks = (writer as unknown as Record<typeof list, object[]>)[list];
      blocks.push(blocks[0]!, blocks[0]!);
      writer.finish();
      expect(await post('/v1/accesses', writer.toUint8Array(true))).toMatchObject({
        status: 400,
        body: { error: { message: expect.stringContaining('each once') } },
      });
    }
    expect(node.status().log.end).toBe(0);
  });

  test('with compressed buffers is refused with what to do, since room would be made for the size that they state', async () => {
    const { post } = await testNode();
    const encode = (bytes: Uint8Array): Uint8Array => concatBytes([Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), bytes]);
    compressionRegistry.set(CompressionType.ZSTD, { encode, decode: (bytes) => bytes.subarray(4) });
    const writer = new RecordBatchStreamWriter({ compressionType: CompressionType.ZSTD });
    for (const batch of table().batches) writer.write(batch);
    writer.finish();
    expect(await post('/v1/accesses', writer.toUint8Array(true))).toMatchObject({
      status: 415,
      body: { error: { message: expect.stringContaining("compression='uncompressed'") } },
    });
  });

  test('of two streams in one post the second was lost without a word: the post is refused', async () => {
    const { post, node } = await testNode();
    const one = tableToIPC(table(), 'stream');
    expect(await post('/v1/accesses', concatBytes([one, one]))).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('send one stream a post') } },
    });
    expect(node.status().log.end).toBe(0);
    expect((await post('/v1/accesses', one)).status).toBe(200);
  });

  test('a post without a known column was told of files and options of a command line: it is told of the query', async () => {
    const { post } = await testNode();
    const stranger = tableToIPC(new Table({ col0: vectorFromArray(['/a'], new Utf8()) }), 'stream');
    const { body } = await post('/v1/accesses', stranger);
    expect(JSON.stringify(body)).not.toMatch(/<bytes>|--/);
    expect(body).toMatchObject({ error: { message: expect.stringContaining('?columns=segment=') } });
    expect((await post('/v1/accesses?columns=segment%3Dcol0', stranger)).status).toBe(200);
    const text = 'time,segment\n1790000000000,/a\nx,/b\n';
    const { body: lenient } = await post('/v1/accesses?lenient=1', text);
    expect(lenient).toMatchObject({ accepted: 1, rejections: [expect.stringMatching(/^line 3:1: /)] });
    const { body: unknown } = await post('/v1/accesses?format=arrow', stranger);
    expect(unknown).toMatchObject({ error: { message: expect.stringMatching(/^arrow is not taken .*arrow-ipc$/) } });
  });
});

test('formats whose readers believe what a file states are not taken from strangers', async () => {
  const { post } = await testNode();
  const vscsi = await post('/v1/accesses?format=vscsi', new Uint8Array(64));
  expect([vscsi.status, vscsi.body]).toMatchObject([415, { error: { message: expect.stringContaining('vscsi') } }]);
  const zipped = await post('/v1/accesses', gzipSync(arrow()));
  expect([zipped.status, zipped.body]).toMatchObject([
    415,
    { error: { message: expect.stringContaining('compressed') } },
  ]);
});

test('a gzip of a log is taken as the log', async () => {
  const { post } = await testNode();
  expect(
    (await post('/v1/accesses', gzipSync(`${clf('10.0.0.1', 1, '/a')}\n${clf('10.0.0.1', 2, '/b')}\n`))).body,
  ).toMatchObject({ accepted: 2, format: 'clf' });
});

describe('a node whose machine sets its clock while it runs', () => {
  const hour = 3_600_000;
  afterEach(() => void vi.restoreAllMocks());

  test('refused what its senders said is now, and gave accesses without a time that of its start: both go by the wall clock', async () => {
    const config = checkNodeConfig({ store: 'memory', http: { port: 0 }, ingest: { timeAheadMaxMs: '1h' } }, 'test');
    const quiet = { info: () => {}, warn: () => {}, error: () => {} };
    const { node, address, stop } = await runNode(config, quiet);
    const post = async (rows: readonly object[]): Promise<object> => {
      const body = rows.map((row) => JSON.stringify(row)).join('\n');
      const headers = { 'content-type': 'application/x-ndjson' };
      const answer = await fetch(`${address}/v1/accesses`, { method: 'POST', body, headers });
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    const latest = async (): Promise<number> => {
      await node.intake.idle();
      return node.follower.watermarkMs;
    };
    const realNow = Date.now;
    let offset = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + offset);
    const started = Date.now();
    expect(await post([{ segment: '/a' }])).toMatchObject({ status: 200 });
    // As after a sleep, or the first answer of a time server: three days forward.
    offset = 72 * hour;
    expect(await post([{ time: started + offset, segment: '/b' }])).toMatchObject({ status: 200 });
    await post([{ segment: '/c' }]);
    const forward = await latest();
    expect(forward - started).toBeGreaterThanOrEqual(offset);
    expect(forward - started).toBeLessThan(offset + hour);
    // Back again: nothing is refused that is not ahead, time stands until it is where it was, and the node works.
    offset = 0;
    expect(await post([{ time: Date.now() + 2 * hour, segment: '/x' }])).toMatchObject({ status: 400 });
    expect(await post([{ time: Date.now(), segment: '/d' }, { segment: '/e' }])).toMatchObject({ status: 200 });
    expect(await latest()).toBe(forward);
    expect(node.status()).toMatchObject({ state: 'ready', troubles: {}, log: { end: 5 } });
    expect(node.status().upSeconds).toBeLessThan(3600);
    await stop();
  });
});

test('a post that was read after the node had stopped is refused as a whole, to be sent again', async () => {
  const { node } = await testNode();
  await node.drain();
  await expect(node.post(new TextEncoder().encode('{"segment":"/a"}\n'), {}, null)).rejects.toMatchObject({
    code: 'unavailable',
    isRetryable: true,
  });
});

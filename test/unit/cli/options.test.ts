import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt, replayed, Scratch } from './command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const chains = 'workload:chains,accesses=4000,segments=200,rate=200';
const quick = ['--cache', '0.1', '--evict', 'lru'];

/** The engine's run of a replay. */
async function engine(words: readonly string[]) {
  const runs = await replayed(words);
  return runs.find((run) => run.prefetch === 'anteroom')!;
}

describe.skipIf(isUnbuilt).concurrent('option', () => {
  test('--warmup leaves the first accesses uncounted', async () => {
    const [run] = await replayed([chains, ...quick, '--prefetch', 'none', '--warmup', '1000']);
    expect(run!.accesses).toBe(3000);
  });

  test('--limit ends the log early', async () => {
    const [run] = await replayed([chains, ...quick, '--prefetch', 'none', '--limit', '1234']);
    expect(run!.accesses).toBe(1234);
  });

  test('--seed is the seed of workloads and of the origin', async () => {
    const digest = async (seed: string) =>
      (await replayed([chains, ...quick, '--prefetch', 'none', '--seed', seed]))[0]!.digest;
    expect(await digest('1')).not.toBe(await digest('2'));
    const csv = scratch.write(
      'seed.csv',
      `t_ms,object\n${Array.from({ length: 100 }, (_, i) => `${i * 100},o${i}\n`).join('')}`,
    );
    const mean = async (seed: string) =>
      (await replayed([csv, '--prefetch', 'none', '--latency', 'lognormal:50ms:0.5', '--seed', seed]))[0]!.latencyMs
        .mean;
    expect(await mean('1')).not.toBe(await mean('2'));
  });

  test('--cache, --evict and --prefetch say which runs are made', async () => {
    const runs = await replayed([
      chains,
      '--unit',
      'segments',
      '--cache',
      '50,0.5',
      '--evict',
      'fifo',
      '--prefetch',
      'obl',
    ]);
    expect(runs.map((run) => [run.cache.size, run.cache.fraction, run.evict, run.prefetch])).toEqual([
      [50, null, 'lru', 'none'],
      [50, null, 'fifo', 'none'],
      [50, null, 'fifo', 'obl'],
      [100, 0.5, 'lru', 'none'],
      [100, 0.5, 'fifo', 'none'],
      [100, 0.5, 'fifo', 'obl'],
    ]);
  });

  test('--unit counts space in segments or in bytes', async () => {
    const unit = async (name: string) =>
      (await replayed([chains, ...quick, '--prefetch', 'none', '--unit', name]))[0]!.cache;
    expect(await unit('segments')).toMatchObject({ unit: 'segments', size: 20 });
    expect(await unit('bytes')).toMatchObject({ unit: 'bytes' });
    const sizeless = scratch.write('sizeless.csv', 'object\na\nb\n');
    const refused = await anteroom(['replay', sizeless, '--unit', 'bytes']);
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('has no sizes') });
  });

  test('--writes says what a write does', async () => {
    const csv = scratch.write('writes.csv', 't_ms,object,op\n1,a,r\n2,a,w\n3,a,r\n4,a,r\n');
    const of = async (policy: string) => {
      const [run] = await replayed([csv, '--prefetch', 'none', '--writes', policy]);
      return [run!.accesses, run!.misses];
    };
    expect(await of('access')).toEqual([4, 1]);
    expect(await of('ignore')).toEqual([3, 1]);
    expect(await of('invalidate')).toEqual([3, 2]);
  });

  test('--addresses makes ids addresses: obl then sees neighbours', async () => {
    const csv = scratch.write('scan.csv', `object\n${Array.from({ length: 300 }, (_, i) => `${i + 1000}\n`).join('')}`);
    const obl = async (words: string[]) => {
      const runs = await replayed([csv, ...quick, '--prefetch', 'obl', '--latency', '0', ...words]);
      return runs.find((run) => run.prefetch === 'obl')!;
    };
    expect((await obl([])).prefetches.issued).toBe(0);
    const near = await obl(['--addresses', '512']);
    expect(near.prefetches.useful).toBeGreaterThan(250);
    expect(near.misses).toBeLessThan(50);
    const { stderr } = await anteroom(['replay', csv, '--prefetch', 'obl']);
    expect(stderr).toContain('ids are opaque, so obl abstains');
  });

  test('the engine follows streams where ids are addresses', async () => {
    const csv = scratch.write('stream.csv', `object\n${Array.from({ length: 2000 }, (_, i) => `${i * 8}\n`).join('')}`);
    const opaque = await engine([csv, ...quick, '--latency', '0']);
    const addressed = await engine([csv, ...quick, '--latency', '0', '--addresses', '512']);
    expect(opaque.misses).toBe(2000);
    expect(addressed.misses).toBeLessThan(600);
  });

  test('--traffic-max bounds what the engine may cost, a run each', async () => {
    const runs = await replayed([chains, ...quick, '--unit', 'segments', '--traffic-max', '1,1.2,none']);
    const engines = runs.filter((run) => run.prefetch === 'anteroom');
    expect(engines.map((run) => run.trafficMax)).toEqual([1, 1.2, null]);
    // Granted to start with, and what demands for segments that had to leave may stand above the limit.
    const allowance = (64 + 256) / runs[0]!.misses;
    expect(engines[0]!.trafficRatio).toBeLessThanOrEqual(1 + allowance);
    expect(engines[1]!.trafficRatio).toBeLessThanOrEqual(1.2 + allowance);
    expect(engines[0]!.prefetches.issued).toBeLessThan(engines[1]!.prefetches.issued);
    expect(engines[0]!.trafficBreaches).toBe(0);
  });

  test('--latency is the model of the origin', async () => {
    const mean = async (spec: string) => {
      const [run] = await replayed([chains, ...quick, '--prefetch', 'none', '--latency', spec]);
      return { spec: run!.latency, unit: run!.latencyUnit, p99: run!.latencyMs.p99! };
    };
    expect(await mean('0')).toEqual({ spec: '0', unit: 'requests', p99: 0 });
    expect(await mean('4req')).toEqual({ spec: '4req', unit: 'requests', p99: 4 });
    expect(await mean('7ms')).toEqual({ spec: '7ms', unit: 'ms', p99: 7 });
    const slow = (await mean('7ms@10kB/s')).p99;
    expect(slow).toBeGreaterThan(500);
    expect((await mean('7ms@10kB/sx1')).p99).toBeGreaterThan(slow);
  });

  test('the default latency is by time where the log has it, by accesses where not', async () => {
    const csv = scratch.write('timeless.csv', 'object\na\nb\n');
    expect((await replayed([csv]))[0]!.latency).toBe('8req');
    expect((await replayed([chains, ...quick, '--prefetch', 'none']))[0]!.latency).toBe('50ms@100MB/sx32');
    const refused = await anteroom(['replay', csv, '--latency', '50ms']);
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('has no times') });
  });

  test('--config brings prices and limits', async () => {
    const config = (name: string, text: string) => ['--config', scratch.write(name, text)];
    const dear = await engine([
      chains,
      ...quick,
      ...config('dear.yaml', 'prices:\n  secondOfWaiting: 0\n  request: 1\n'),
    ]);
    const cheap = await engine([
      chains,
      ...quick,
      ...config('cheap.yaml', 'prices:\n  secondOfWaiting: 1\n  request: 0\n'),
    ]);
    expect(cheap.netBenefit!).toBeGreaterThan(0);
    // Where no waiting is worth its requests, nothing is fetched ahead and nothing lost.
    expect(dear.prefetches.issued).toBe(0);
    expect(dear.netBenefit!).toBe(0);
    expect(cheap.prefetches.issued).toBeGreaterThan(0);
    const none = await engine([chains, ...quick, ...config('still.yaml', 'stagingShareMax: 0\n')]);
    expect(none.prefetches.issued).toBe(0);
  });

  test('--lenient counts bad records, says which, and goes on', async () => {
    const bad = scratch.write('bad.csv', 't_ms,object,size\n1,a,10\n2,b,ten\n3,c,10\n');
    const { status, stdout, stderr } = await anteroom(['replay', bad, '--lenient', '--json', '-']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).runs[0].accesses).toBe(2);
    expect(stderr).toContain('1 bad record passed over');
    expect(stderr).toContain('ten');
  });

  test('--columns, --delimiter, --no-header and --time-unit read a table that explains nothing', async () => {
    const table = scratch.write('bare.txt', 'x;7;100\ny;8;200\nx;9;100\n');
    const words = [
      table,
      '--format',
      'csv',
      '--delimiter',
      ';',
      '--no-header',
      '--columns',
      'segment=1,time=2,size=3',
      '--time-unit',
      's',
    ];
    const [run] = await replayed([...words, '--prefetch', 'none', '--latency', '1500ms', '--cache', '1kB']);
    expect(run).toMatchObject({ accesses: 3, segments: 2, bytes: 400, misses: 2 });
    // 1.5 s a fetch: x, fetched at 7 s, is there at 9 s; were the unit milliseconds, its second reader would wait.
    expect(run!.latencyMs.mean).toBe(1000);
    const inMs = await replayed([
      ...words.with(-1, 'ms'),
      '--prefetch',
      'none',
      '--latency',
      '1500ms',
      '--cache',
      '1kB',
    ]);
    expect(inMs[0]!.latencyMs.mean).toBeGreaterThan(1000);
  });

  test('--format names the reader, where content alone does not tell', async () => {
    const text = scratch.write('blocks', '1\n2\n1\n');
    const [run] = await replayed([text, '--format', 'lirs', '--prefetch', 'none']);
    expect(run).toMatchObject({ format: 'lirs', accesses: 3, segments: 2 });
  });

  test('--report writes one page that holds the command', async () => {
    const page = scratch.path('report.html');
    const { status, stderr } = await anteroom(['replay', chains, ...quick, '--report', page]);
    expect(status).toBe(0);
    expect(stderr).toBe(`report: ${page}\n`);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('<!doctype html>');
    expect(html).toContain(`npx anteroom replay ${chains} --cache 0.1 --evict lru --report ${page}`);
  });

  test('--quiet leaves standard output and standard error empty, and files are still written', async () => {
    const bad = scratch.write('quiet.csv', 't_ms,object,size\n1,a,10\n2,b,ten\n');
    const json = scratch.path('quiet.json');
    const ended = await anteroom(['replay', bad, '--lenient', '--quiet', '--json', json]);
    expect(ended).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(json)).toBe(true);
  });

  test('a terminal sees progress on standard error, a pipe does not', async () => {
    const { stderr } = await anteroom(['replay', chains, ...quick]);
    expect(stderr).toBe('');
  });
});

import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt, replayed, replayedFrom, Scratch } from './command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const csv = scratch.write(
  'small.csv',
  `t_ms,object,size\n${Array.from({ length: 400 }, (_, i) => `${i * 10},o${(i * i) % 37},${100 + (i % 37)}\n`).join('')}`,
);

describe.skipIf(isUnbuilt)('anteroom', () => {
  describe.concurrent('exit status', () => {
    test('0 and a table on standard output when every run finished; nothing else there', async () => {
      const { status, stdout, stderr } = await anteroom(['replay', csv]);
      expect(status).toBe(0);
      expect(stdout.split('\n')[0]).toMatch(/^trace +cache +evict +prefetch +misses/);
      expect(stdout).toContain('small.csv, cache of 1 %');
      expect(stderr).toBe('');
    });

    test.each([
      ['an unknown option', ['replay', csv, '--cach', '3'], /unknown option '--cach'/],
      ['no trace', ['replay'], /missing required argument 'trace'/],
      ['an unknown command', ['reply', csv], /unknown command 'reply'/],
      ['a bad cache size', ['replay', csv, '--cache', 'big'], /--cache: expected .* found "big"/],
      ['a cache smaller than a byte', ['replay', csv, '--cache', '0.5B'], /--cache: expected .* found "0\.5B"/],
      ['a bad eviction', ['replay', csv, '--evict', 'mru'], /--evict: expected one of auto, lru/],
      ['a bad prefetcher', ['replay', csv, '--prefetch', 'magic'], /magic/],
      ['a bad setting of a prefetcher', ['replay', csv, '--prefetch', 'pg:colour=3'], /colour/],
      ['a bad latency', ['replay', csv, '--latency', 'soon'], /--latency: expected 0, 4req, 50ms/],
      ['a bad traffic bound', ['replay', csv, '--traffic-max', '0.5'], /--traffic-max: expected ratios of at least 1/],
      ['a bad number', ['replay', csv, '--limit', '0'], /--limit.*expected a whole number from 1/],
      ['a bad choice', ['replay', csv, '--unit', 'blocks'], /--unit.*segments, bytes/],
      ['a bad column', ['replay', csv, '--columns', 'colour=1'], /--columns: expected ROLE=COLUMN/],
      ['an unknown format', ['replay', csv, '--format', 'nope'], /nope/],
      ['segments of a run that counts bytes', ['replay', csv, '--cache', '100'], /--unit segments/],
      ['a file that is not there', ['replay', 'no-such-file.csv'], /no-such-file\.csv/],
      ['a folder', ['replay', scratch.folder], /anteroom-cli-/],
      ['a config that is not there', ['replay', csv, '--config', 'no.yaml'], /no\.yaml/],
      [
        'a report that cannot be written',
        ['replay', csv, '--quiet', '--report', '/no/such/folder/r.html'],
        /no\/such\/folder/,
      ],
      ['an unknown workload', ['generate', 'nope'], /no workload "nope": expected one of/],
      ['CSV under the name of another format', ['generate', 'uniform', '--out', 'x.csv.zst'], /x\.csv\.zst is neither/],
      ['a bad parameter of a workload', ['generate', 'uniform', '--colour', '3'], /colour/],
    ])('2 and one line on standard error for %s', async (_, words, message) => {
      const { status, stdout, stderr } = await anteroom(words);
      expect(stderr).toMatch(/^anteroom: [^\n]+\n$/);
      expect(stderr).toMatch(message);
      expect(status).toBe(2);
      expect(stdout).toBe('');
    });

    test('2 with file, line and what was expected for a bad record', async () => {
      const bad = scratch.write('bad.csv', 't_ms,object,size\n1,a,10\n2,b,ten\n3,c,10\n');
      const { status, stdout, stderr } = await anteroom(['replay', bad]);
      expect(status).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^anteroom: [^\n]*bad\.csv:3(:\d+)?: [^\n]*expected[^\n]*"?ten"?[^\n]*\n$/);
    });

    test('2 with file and byte for a binary log that was cut', async () => {
      const cut = scratch.write('cut.oracleGeneral', Buffer.alloc(24 * 3 + 5, 1));
      const { status, stderr } = await anteroom(['replay', cut, '--format', 'oracle-general']);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^anteroom: [^\n]*cut\.oracleGeneral[^\n]*byte 72[^\n]*\n$/);
    });

    test('2 for a config with an unknown key, naming it', async () => {
      const config = scratch.write('bad.yaml', 'prices:\n  secondOfLife: 1\n');
      const { status, stderr } = await anteroom(['replay', csv, '--config', config]);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^anteroom: [^\n]*bad\.yaml[^\n]*secondOfLife[^\n]*\n$/);
      const broken = scratch.write('broken.yaml', 'prices: [\n');
      expect((await anteroom(['replay', csv, '--config', broken])).stderr).toMatch(
        /^anteroom: [^\n]*broken\.yaml[^\n]*\n$/,
      );
    });

    test('0 for help and version', async () => {
      for (const words of [['--help'], ['replay', '--help'], ['--version']]) {
        const { status, stdout, stderr } = await anteroom(words);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout.length).toBeGreaterThan(3);
      }
    });
  });

  describe('--json', () => {
    test('holds exactly what the contract names, with its types', async () => {
      const { status, stdout } = await anteroom(['replay', csv, '--json', '-', '--prefetch', 'none,anteroom,pg']);
      expect(status).toBe(0);
      const result = JSON.parse(stdout) as Record<string, unknown> & { runs: Record<string, unknown>[] };
      expect(result).toMatchObject({ schema: 'anteroom.replay/1', version: expect.any(String), seed: 1 });
      expect(result.runs).toHaveLength(8);
      const number = expect.any(Number);
      const numberOrNull = expect.toSatisfy((value: unknown) => value === null || typeof value === 'number');
      for (const run of result.runs) {
        expect(run).toMatchObject({
          trace: csv,
          format: 'csv',
          accesses: 400,
          segments: number,
          bytes: number,
          cache: { unit: 'bytes', size: number, fraction: number },
          evict: expect.any(String),
          prefetch: expect.any(String),
          trafficMax: run.prefetch === 'anteroom' ? 1.3 : null,
          misses: number,
          missRatio: number,
          byteMissRatio: number,
          prefetches: {
            issued: number,
            useful: number,
            late: number,
            wasted: number,
            cancelled: number,
            stale: number,
            pending: number,
            withdrawn: number,
            bytes: number,
          },
          precision: numberOrNull,
          coverage: numberOrNull,
          timeliness: numberOrNull,
          pollution: number,
          trafficRatio: number,
          trafficBytesRatio: number,
          latencyMs: { mean: number, p50: number, p90: number, p99: number },
          latencyRatio: number,
          netBenefit: number,
          calibration: expect.toSatisfy((value: unknown) => value === null || typeof value === 'object'),
          seconds: number,
          requestsPerSecond: number,
          rssBytesMax: number,
          digest: expect.stringMatching(/^[0-9a-f]{16}$/),
        });
        const p = run.prefetches as Record<string, number>;
        expect(p.useful! + p.late! + p.wasted! + p.cancelled! + p.stale! + p.pending!).toBe(p.issued);
        if (p.issued === 0) expect([run.precision, run.timeliness, run.calibration]).toEqual([null, null, null]);
      }
    });

    test('goes to a file beside the table', async () => {
      const { status, stdout } = await anteroom(['replay', csv, '--json', scratch.path('out.json')]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^trace /);
      expect(JSON.parse(readFileSync(scratch.path('out.json'), 'utf8'))).toMatchObject({ schema: 'anteroom.replay/1' });
    });

    test('is the same on every run, but for time and memory', async () => {
      const timeless = (runs: readonly object[]) =>
        runs.map((run) => ({
          ...run,
          seconds: 0,
          readSeconds: 0,
          requestsPerSecond: 0,
          replayRequestsPerSecond: 0,
          rssBytesMax: 0,
        }));
      expect(timeless(await replayedFrom('', [csv]))).toEqual(timeless(await replayedFrom('', [csv])));
    });
  });

  describe('runs', () => {
    test('none is added for each eviction, lru once as the reference, and prefetchers keep their settings', async () => {
      const runs = await replayed([
        csv,
        '--cache',
        '0.2',
        '--evict',
        'sieve,gdsf',
        '--prefetch',
        'pg:lookahead-range=1,prefetch-threshold=0.5,mithril',
      ]);
      expect(runs.map((run) => `${run.evict} ${run.prefetch}`)).toEqual([
        'lru none',
        'sieve none',
        'sieve pg:lookahead-range=1,prefetch-threshold=0.5',
        'sieve mithril',
        'gdsf none',
        'gdsf pg:lookahead-range=1,prefetch-threshold=0.5',
        'gdsf mithril',
      ]);
      expect(runs[0]).toMatchObject({ trafficRatio: 1, referenceMisses: runs[0]!.misses });
    });

    test('settings of a prefetcher act', async () => {
      const list = 'pg:lookahead-range=1,prefetch-threshold=0.9,pg:lookahead-range=5,prefetch-threshold=0.01';
      const runs = await replayed([
        'workload:chains,accesses=3000,segments=100',
        '--cache',
        '0.2',
        '--evict',
        'lru',
        '--prefetch',
        list,
      ]);
      expect(runs[2]!.prefetches.issued).toBeGreaterThan(runs[1]!.prefetches.issued);
    });

    test('several traces come one after the other', async () => {
      const second = scratch.write('second.csv', 't_ms,object\n1,a\n2,b\n');
      const runs = await replayed([csv, second, '--prefetch', 'none', '--evict', 'lru', '--cache', '0.1']);
      expect(runs.map((run) => [run.trace, run.accesses])).toEqual([
        [csv, 400],
        [second, 2],
      ]);
    });

    test('warnings of standard input named nothing: they began with "-: "', async () => {
      const { stderr } = await anteroom(
        ['replay', '-', '--prefetch', 'none'],
        `t_ms,object\n5,a\n4,b\n${'6,a\n'.repeat(30)}`,
      );
      expect(stderr).toContain('<stdin>: 1 time went backwards and was clamped\n');
    });

    test('- reads standard input, compressed or not', async () => {
      const text = readFileSync(csv);
      const [file] = await replayed([csv, '--prefetch', 'none']);
      for (const stdin of [text, gzipSync(text)]) {
        const [run] = await replayedFrom(stdin, ['-', '--prefetch', 'none']);
        expect(run).toMatchObject({ trace: '-', accesses: 400, misses: file!.misses, digest: file!.digest });
      }
    });
  });

  describe('other commands', () => {
    test('what generate writes replays to the decisions of the workload itself, also through .gz', async () => {
      const words = ['--accesses', '3000', '--segments=200', '--seed', '5'];
      const plain = scratch.path('chains.csv');
      const packed = scratch.path('chains.csv.gz');
      for (const out of [plain, packed]) {
        const { status, stdout, stderr } = await anteroom(['generate', 'chains', ...words, '--out', out]);
        expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
        expect(stderr).toContain('3000 accesses');
      }
      expect(gunzipSync(readFileSync(packed))).toEqual(readFileSync(plain));
      const piped = await anteroom(['generate', 'chains', ...words]);
      expect(piped.stdout).toBe(readFileSync(plain, 'utf8'));
      const digests = async (trace: string) =>
        (await replayed([trace, '--cache', '0.1', '--seed', '5'])).map((run) => run.digest);
      const own = await digests('workload:chains,accesses=3000,segments=200');
      expect(await digests(plain)).toEqual(own);
      expect(await digests(packed)).toEqual(own);
    });

    test('generate lists and explains the workloads', async () => {
      const list = await anteroom(['generate']);
      for (const name of ['zipf-drift', 'diurnal', 'weekly', 'chains', 'scans', 'flash-crowd', 'uniform', 'one-hit']) {
        expect(list.stdout).toMatch(new RegExp(`^${name} `, 'm'));
      }
      expect((await anteroom(['generate', 'chains', '--explain'])).stdout).toMatch(/--first .*Default 0\.7/);
    });

    test('formats lists every format, as text and as JSON', async () => {
      const text = await anteroom(['formats']);
      const list = JSON.parse((await anteroom(['formats', '--json'])).stdout) as { name: string; reference: string }[];
      expect(list.length).toBeGreaterThan(15);
      for (const { name, reference } of list) {
        expect(text.stdout).toMatch(new RegExp(`^${name} `, 'm'));
        expect(reference).not.toBe('');
      }
    });
  });
});

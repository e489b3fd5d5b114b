import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forestPlot } from '../../../sim/prove/forest-plot.ts';
import type { ProofResult } from '../../../sim/prove/proof.ts';
import { proofPage } from '../../../sim/prove/proof-page.ts';
import { intervalText, proofText } from '../../../sim/prove/proof-table.ts';
import { prove } from '../../../sim/prove/prove.ts';
import { percent } from '../../../sim/report/words.ts';
import { anteroom, isUnbuilt, proven, Scratch } from '../cli/command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

describe('a proof in words', () => {
  let result: ProofResult;
  beforeAll(async () => {
    const traces = ['workload:chains,accesses=12000,segments=600', 'workload:one-hit,accesses=3000'];
    ({ result } = await prove({ traces, cache: '0.1', resamples: 100 }));
  });

  test('terminal: the answer for each trace and cache, the bounds with intervals, the eviction alone, the parts', () => {
    const text = proofText(result);
    expect(text).toMatch(
      /workload:chains, cache of 10 % .*: turn it on with --traffic-max [\d.]+: saves [\d.]+ % of the misses/,
    );
    expect(text).toMatch(/workload:one-hit, cache of 10 % .*: do not turn this on: \w/);
    expect(text).toMatch(/> --traffic-max [\d.]+ +[\d.]+ % \([\d.-]+ \.\. [\d.]+\)/);
    expect(text).toContain('(auto alone, against lru)');
    expect(text).toMatch(/consumer walker-\d+ /);
    expect(text).not.toMatch(/NaN|null|undefined|Infinity/);
  });

  test('waits that are queueing at the origin were told as if the cache had made them', () => {
    expect(proofText(result)).not.toContain('does not keep up');
    const [chains] = result.traces;
    const caches = chains!.caches.map((cache) => ({
      ...cache,
      baselineLatencyMs: { ...cache.baselineLatencyMs, mean: 5000 },
    }));
    expect(proofText({ ...result, traces: [{ ...chains!, caches }] })).toMatch(
      /An origin of 50ms@100MB\/sx32 does not keep up with this log/,
    );
  });

  test('page: needs no script and nothing from outside, and no name breaks out', () => {
    const nasty = `</style><script>alert("x")</script>'&`;
    const [chains] = result.traces;
    const parts = chains!.caches[0]!.parts.map((part) => ({ ...part, name: nasty }));
    const traces = [{ ...chains!, trace: nasty, caches: [{ ...chains!.caches[0]!, parts }] }, result.traces[1]!];
    const html = proofPage({ ...result, traces }, `npx anteroom prove '${nasty}'`);
    expect(html).not.toMatch(/<script|<(link|img|iframe|object|embed|base)\b|url\(|@import|\bsrc=/);
    expect(html).toContain('turn it on');
    expect(html).toContain('do not turn this on');
    expect(html.replace(/<style[\s\S]*?<\/style>/g, '')).not.toMatch(/NaN|null|undefined|Infinity/);
    expect(html).toBe(proofPage({ ...result, traces }, `npx anteroom prove '${nasty}'`));
  });

  test('an interval that is not defined has no row, and zero is always in the picture', () => {
    const interval = { estimate: 5, low: 4, high: 6 };
    const none = { estimate: null, low: null, high: null };
    expect(forestPlot([{ name: 'a', interval: none, isStrong: false }], percent)).toBe('');
    const plot = forestPlot(
      [
        { name: 'a', interval, isStrong: true },
        { name: 'b', interval: none, isStrong: false },
      ],
      percent,
    );
    expect(plot.match(/<circle/g)).toHaveLength(1);
    expect(plot).toContain('class="zero"');
    expect(intervalText(none, percent)).toBe('-');
    expect(intervalText({ estimate: 0.1, low: 0.05, high: 0.2 }, percent)).toBe('10 % (5 .. 20)');
  });
});

describe('what a log is not', () => {
  const proofOf = async (name: string, text: string, writes: 'access' | 'invalidate' = 'access') =>
    proofText((await prove({ traces: [scratch.write(name, text)], cache: '0.1', resamples: 50, writes })).result);

  test('writes were praised as hits without a word: a share of them is told where they count like reads', async () => {
    const rows = Array.from({ length: 4000 }, (_, i) => `${i * 100},o${i % 300},${i % 40 === 7 ? 'w' : 'r'}\n`);
    const log = `t_ms,object,op\n${rows.join('')}`;
    expect(await proofOf('written.csv', log)).toContain(
      '2.5 % of the accesses are writes or deletes and count like reads',
    );
    expect(await proofOf('written.csv', log, 'invalidate')).not.toContain('writes or deletes');
  });

  test('three lines had a table of dashes under a bound said to be chosen', async () => {
    const three = 't_ms,object\n1,a\n2,b\n3,a\n';
    const text = await proofOf('three.csv', three);
    expect(text).toContain('do not turn this on: the log is too short to tell');
    expect(text).toContain('; all figures are of the last 3 in 1 block.');
    expect(text).not.toMatch(/--traffic-max| - /);
    const { result } = await prove({ traces: [scratch.write('three.csv', three)], cache: '0.1' });
    expect(proofPage(result, 'anteroom prove three.csv')).not.toContain('<table');
  });
});

describe.skipIf(isUnbuilt).concurrent('anteroom prove', () => {
  const workload = 'workload:chains,accesses=6000,segments=400';

  test('prints text, writes JSON and a page, and ends with 0 whatever the answer', async () => {
    const json = scratch.path('proof.json');
    const page = scratch.path('proof.html');
    const { status, stdout, stderr } = await anteroom([
      'prove',
      workload,
      '--cache',
      '0.1',
      '--json',
      json,
      '--report',
      page,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: `report: ${page}\n` });
    expect(stdout).toContain('cache of 10 %');
    const { readFileSync } = await import('node:fs');
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ schema: 'anteroom.prove/1', level: '0.9' });
    expect(readFileSync(page, 'utf8')).toContain(`npx anteroom prove ${workload}`);
    expect((await anteroom(['prove', 'workload:one-hit,accesses=2000', '--quiet'])).status).toBe(0);
  });

  test('every option acts', async () => {
    const proof = (...words: string[]) => proven([workload, ...words]);
    const usual = await proof('--cache', '0.1');
    expect(usual.traces[0]!.caches[0]!.budgets.map((budget) => budget.trafficMax)).toEqual([1, 1.1, 1.3]);
    expect((await proof('--cache', '0.05,0.2')).traces[0]!.caches).toHaveLength(2);
    const changed = await proof('--cache', '0.1', '--traffic-max', '1.2,none', '--evict', 'sieve', '--level', '0.95', '--warmup', '600', '--latency', '4req', '--limit', '5000', '--seed', '7'); // biome-ignore format: one line
    expect(changed).toMatchObject({ seed: 7, level: '0.95' });
    expect(changed.traces[0]).toMatchObject({ latency: '4req', chosenFrom: 600, end: 5000 });
    expect(changed.traces[0]!.caches[0]).toMatchObject({ evictUsed: 'sieve' });
    expect(changed.traces[0]!.caches[0]!.budgets.map((budget) => budget.trafficMax)).toEqual([1.2, null]);
  });

  test('is the same on every run, byte by byte', async () => {
    const words = ['prove', workload, '--cache', '0.1', '--json', '-'];
    expect((await anteroom(words)).stdout).toBe((await anteroom(words)).stdout);
  });

  test.each([
    ['a bad level', ['prove', workload, '--level', '0.5'], /--level.*0\.8, 0\.9, 0\.95, 0\.99/],
    ['a bad bound', ['prove', workload, '--traffic-max', '0.5'], /--traffic-max/],
    ['a report that cannot be written', ['prove', workload, '--report', '/no/such/r.html'], /no\/such/],
  ])('2 for %s', async (_, words, message) => {
    const { status, stdout, stderr } = await anteroom(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('a later log that fails leaves the proof of those before it, with status 2', async () => {
    const bad = scratch.write('bad.csv', 't_ms,object,size\n1,a,10\n2,b,ten\n');
    const { status, stdout, stderr } = await anteroom(['prove', workload, bad, '--cache', '0.1']);
    expect(status).toBe(2);
    expect(stdout).toContain('workload:chains, cache of 10 %');
    expect(stderr).toMatch(/bad\.csv:3/);
  });

  test('a warm-up beyond the log proves nothing, and says so', async () => {
    const { status, stdout, stderr } = await anteroom(['prove', workload, '--warmup', '99999', '--cache', '0.1']);
    expect(status).toBe(0);
    expect(stdout).toContain('do not turn this on: the log is too short to tell');
    expect(stderr).toContain('nothing is counted, the warm-up of 99999');
  });

  test('a log whose times went backwards is counted in accesses, and with times insisted on nothing is recommended', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i % 2 === 0 ? 9e6 + i : i},s${i % 100},100\n`);
    const log = scratch.write('shuffled.csv', `t_ms,object,size\n${rows.join('')}`);
    const proof = (...words: string[]) => proven([log, '--cache', '0.1', ...words]);
    expect((await proof()).traces[0]).toMatchObject({ latency: '8req', timesAreUnreliable: false });
    const timed = (await proof('--latency', '50ms')).traces[0]!;
    expect(timed.timesAreUnreliable).toBe(true);
    expect(timed.caches[0]!.recommendation).toMatchObject({ answer: 'do-not', reason: 'times-unreliable' });
  });
});

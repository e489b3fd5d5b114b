import { describe, expect, test } from 'vitest';
import { cellWidth } from '../../../sim/report/cell-text.ts';
import { isQueueing, queueingSentence } from '../../../sim/report/queueing.ts';
import { amountText, cacheText, grouped, percent, verdictLine, verdicts } from '../../../sim/report/summary.ts';
import { bytesText, replayTable } from '../../../sim/report/table.ts';
import { shortTraceNames } from '../../../sim/report/trace-names.ts';
import { engineOf, runOf } from './run-of.ts';

describe('trace names', () => {
  test('a path is its file name and a workload loses its parameters, where that is unambiguous', () => {
    const names = ['/var/log/a/access.log', '/var/log/b/access.log', 'x/other.csv', '-', 'workload:chains,first=1'];
    expect([...shortTraceNames(names).values()]).toEqual([
      '/var/log/a/access.log',
      '/var/log/b/access.log',
      'other.csv',
      '<stdin>',
      'workload:chains',
    ]);
    expect([...shortTraceNames(['workload:u,a=1', 'workload:u,a=2', 'workload:u,a=1']).values()]).toEqual([
      'workload:u,a=1',
      'workload:u,a=2',
    ]);
  });

  test('a name that ends in a slash is kept', () => {
    expect(shortTraceNames(['folder/']).get('folder/')).toBe('folder/');
  });
});

describe('table', () => {
  const runs = [
    runOf(),
    engineOf(),
    runOf({ cache: { unit: 'segments', size: 50, fraction: 0.5 } }),
    runOf({ trace: 'logs/second.log' }),
  ];

  test('trace and cache stand once for their runs, and a blank line parts traces', () => {
    const lines = replayTable(runs).split('\n');
    expect(lines.map((line) => line.slice(0, 24).trim().split(/ {2,}/)[0])).toEqual([
      'trace',
      expect.stringMatching(/^-+$/),
      'access.log',
      expect.not.stringContaining('access'),
      expect.not.stringContaining('access'),
      '',
      'second.log',
      '',
    ]);
    expect(lines.filter((line) => line.includes('10 (10%)'))).toHaveLength(2);
    expect(lines.filter((line) => line.includes('50 (50%)'))).toHaveLength(1);
    expect(lines[3]).toMatch(
      /lru +anteroom <=1\.3 +300 +30\.00 +200 +60\.0 +30\.0 +0 +0\.00 +1\.100 .* 15ms +50ms +0\.5000 +2k$/,
    );
  });

  test('names of East Asia and emoji moved the columns after them', () => {
    const lines = replayTable([runOf({ trace: 'ログ🦊.csv' }), runOf({ trace: 'cafe\u0301.csv' })]).split('\n');
    expect(cellWidth('ログ🦊.csv')).toBe(10);
    expect(cellWidth('cafe\u0301.csv')).toBe(8);
    const cells = lines
      .filter((line) => line.includes('lru'))
      .map((line) => cellWidth(line.slice(0, line.indexOf('lru'))));
    expect(new Set(cells).size).toBe(1);
  });

  test('a column in which nothing stands is left out', () => {
    const bare = replayTable([runOf({ trafficBytesRatio: null, latency: '0' })]);
    for (const title of ['bytes', 'issued', 'benefit', 'mean', 'p99']) expect(bare).not.toContain(title);
    expect(replayTable(runs)).toContain('bytes');
  });

  test('stays within 160 columns for ordinary names', () => {
    const wide = replayTable([
      runOf({
        evict: 'auto',
        evictUsed: 'arc',
        misses: 4_999_999,
        cache: { unit: 'bytes', size: 9_991_234_567, fraction: 0.01 },
      }),
      engineOf({ trace: 'workload:flash-crowd,hours=24', evict: 'auto', evictUsed: 'arc', misses: 4_999_999 }),
    ]);
    for (const line of wide.split('\n')) expect(line.length).toBeLessThanOrEqual(160);
  });

  test('a terminal of 100 columns wrapped every line; what matters least is left out there and named', () => {
    const run = engineOf({ trace: 'workload:flash-crowd,hours=24', misses: 4_999_999 });
    const narrow = replayTable([runOf({ trace: run.trace }), run], 100);
    for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(narrow).toMatch(/misses +miss% .*traffic/);
    expect(narrow).toMatch(/^\(too narrow for poll%, late.*: --report, --json or a pipe has them\)$/m);
    expect(replayTable([run], 200)).toBe(replayTable([run]));
    expect(replayTable([run], 10)).toMatch(/evict +prefetch +misses +miss% +traffic/);
  });

  test('a wait of an hour was told as 3600000ms', () => {
    const waits = (mean: number): string =>
      replayTable([runOf({ latencyMs: { mean, p50: mean, p90: mean, p99: mean } })]);
    expect(waits(4321)).toContain('4320ms');
    expect(waits(39_700)).toContain('39.7s');
    expect(waits(18_000_000)).toContain('5h');
    expect(waits(18_000_000)).not.toContain('0000');
  });

  test('a mean wait of a second on an origin of 50 ms was left without a word: most of it is queueing', () => {
    const waiting = (mean: number, latency: string) =>
      runOf({ latency, latencyMs: { mean, p50: 0, p90: 50, p99: 50 } });
    const queued = waiting(949, '50ms@100MB/sx32');
    expect(isQueueing(queued)).toBe(true);
    expect(queueingSentence([queued])).toMatch(/its 32 fetches at once.*--latency 50ms@100MB\/sx256\.$/);
    // 50 bytes an access take 5 s at 10 B/s: the whole of 5050 ms is one fetch.
    expect(isQueueing(waiting(5050, '50ms@10B/sx1'))).toBe(false);
    expect(isQueueing(waiting(5051, '50ms@10B/sx1'))).toBe(true);
    // One access a second of 7 bytes: the mean of fetches of 50.00007 ms is not exactly that.
    expect(isQueueing({ ...waiting(50.000070000000015, '50ms@100MB/sx32'), accesses: 50, bytes: 350 })).toBe(false);
    // Two thirds of the accesses have no size in the log; each fetch is of 1,000 bytes.
    const unsized = { ...waiting(50.0100000001, '50ms@100MB/sx32'), bytes: 333_000, originBytes: 400_000 };
    expect(isQueueing(unsized)).toBe(false);
    for (const latency of ['50ms@100MB/s', '0', '8req']) expect(isQueueing(waiting(949, latency))).toBe(false);
    expect(queueingSentence([{ ...queued, prefetch: 'anteroom' }, waiting(20, '50ms@100MB/sx32')])).toBe('');
    expect(verdicts([queued, engineOf({ latency: queued.latency })])[0]!.details[0]).toContain('does not keep up');
  });

  test('bytes come with a binary unit', () => {
    expect([bytesText(512), bytesText(1536), bytesText(64 * 2 ** 20), bytesText(2 ** 62)]).toEqual([
      '512 B',
      '1.5 KiB',
      '64 MiB',
      '4100 PiB',
    ]);
  });
});

describe('verdict', () => {
  test('worth it: says what is gained, what it costs, and when not to', () => {
    const [verdict] = verdicts([runOf(), engineOf()]);
    expect(verdict).toMatchObject({ answer: 'yes', cache: '10 % (10 segments)' });
    expect(verdictLine(verdict!, 'access.log')).toBe(
      'access.log, cache of 10 % (10 segments): avoids 25 % of the misses and 25 % of the mean wait (p99 unchanged) of lru alone, for 10 % more requests and 10 % more bytes',
    );
    const text = verdict!.details.join(' ');
    expect(text).toContain('40 % missed with lru without prefetching and 30 % with it: 25 % fewer misses');
    expect(text).toContain('200 prefetches were sent; 60 % of them were used, 80 were wasted');
    expect(text).toContain('comes to +0.5000');
    expect(text).toContain('Do not turn it on where the origin cannot carry 10 % more requests');
  });

  test.each([
    ['too little here can be predicted', { misses: 399, missRatio: 0.399 }],
    ['it would cause 5 % more misses', { misses: 420, missRatio: 0.42, netBenefit: -1 }],
    ['it avoids misses, but people would wait longer', { latencyMs: { mean: 24, p50: 0, p90: 50, p99: 50 } }],
    ['it costs more than it saves, at the prices given', { netBenefit: -0.1 }],
  ])('no, because %s', (reason, fields) => {
    const [verdict] = verdicts([runOf(), engineOf(fields)]);
    expect(verdict).toMatchObject({ answer: 'no', headline: `do not turn this on: ${reason}` });
  });

  test('an engine that fetched nothing cost nothing, and says so', () => {
    const idle = { ...engineOf().prefetches, issued: 0, useful: 0, wasted: 0 };
    const [verdict] = verdicts([runOf(), engineOf({ misses: 400, prefetches: idle, trafficRatio: 1 })]);
    expect(verdict!.headline).toBe('do not turn this on: it found nothing worth fetching early');
    expect(verdict!.details.join(' ')).toContain('so it cost nothing');
  });

  test('each trace and cache size is judged by itself, and without the engine not at all', () => {
    const larger = { cache: { unit: 'segments', size: 50, fraction: 0.5 } } as const;
    const judged = verdicts([
      runOf(),
      engineOf(),
      runOf(larger),
      engineOf({ ...larger, misses: 400 }),
      runOf({ trace: 'b' }),
    ]);
    expect(judged.map(({ trace, answer }) => `${trace} ${answer}`)).toEqual([
      'logs/access.log yes',
      'logs/access.log no',
      'b none',
    ]);
  });

  test('the best of several bounds counts', () => {
    const [verdict] = verdicts([
      runOf(),
      engineOf({ trafficMax: 1.1, misses: 350, netBenefit: 0.2, netBenefitOverReference: 0.2 }),
      engineOf({ trafficMax: 1.3, misses: 280, netBenefit: 0.9, netBenefitOverReference: 0.9 }),
      engineOf({ trafficMax: null, misses: 260, netBenefit: 0.1, netBenefitOverReference: 0.1 }),
    ]);
    expect(verdict!.headline).toContain('avoids 30 % of the misses');
  });

  /** LRU misses 400 and ARC 320; the engine on ARC misses 300 for 6 % more requests and 9 % more bytes than ARC, which is fewer than LRU. */
  const arc = { evict: 'arc', evictUsed: 'arc' } as const;
  const withArc = [
    runOf(),
    runOf({
      ...arc,
      misses: 320,
      missRatio: 0.32,
      originRequests: 320,
      originBytes: 16_000,
      trafficRatio: 0.8,
      latencyMs: { mean: 16, p50: 0, p90: 50, p99: 50 },
      netBenefitOverReference: 0.4,
    }),
    engineOf({
      ...arc,
      originRequests: 339.2,
      originBytes: 17_440,
      trafficRatio: 0.848,
      latencyMs: { mean: 15, p50: 0, p90: 50, p99: 55 },
      netBenefit: 0.1,
      netBenefitOverReference: 0.5,
    }),
  ];

  test('"fewer requests than LRU" does not hide more requests than the same eviction alone', () => {
    const [verdict] = verdicts(withArc);
    expect(verdict!.headline).toBe(
      'avoids 6.3 % of the misses and 6.3 % of the mean wait (p99 10 % more) of arc alone, for 6 % more requests and 9 % more bytes',
    );
    const text = verdict!.details.join(' ');
    expect(text).toContain('Do not turn it on where the origin cannot carry 6 % more requests than with arc alone');
    expect(text).toContain('6 % more requests and 9 % more bytes than with arc without prefetching');
    expect(text).toContain('15.2 % fewer requests than LRU, which is what --traffic-max bounds');
  });

  test('what the eviction alone gives against LRU is said first, and apart', () => {
    const [verdict] = verdicts(withArc);
    expect(verdict!.details[0]).toBe(
      'Changing the eviction alone, from lru to arc, avoids 20 % of the misses (mean wait 20 % less, at the 99th percentile unchanged), with 20 % fewer requests and 20 % fewer bytes, worth +0.4000 over this log. None of that is prefetching.',
    );
    expect(verdicts([runOf(), engineOf()])[0]!.details[0]).not.toContain('eviction alone');
  });

  test('of several evictions the run worth most over LRU is judged, not the one with the poorest baseline', () => {
    // On FIFO prefetching adds more, because FIFO leaves more to add; on ARC the whole is worth more.
    const fifo = { evict: 'fifo', evictUsed: 'fifo' } as const;
    const [verdict] = verdicts([
      ...withArc,
      runOf({ ...fifo, misses: 500, netBenefitOverReference: -0.5 }),
      engineOf({ ...fifo, misses: 340, netBenefit: 0.8, netBenefitOverReference: 0.3 }),
    ]);
    expect(verdict!.headline).toContain('of arc alone');
  });

  test('an eviction that does better by itself is not hidden by an engine on a poorer one', () => {
    const [verdict] = verdicts([
      runOf(),
      engineOf({ netBenefit: 0.1, netBenefitOverReference: 0.1 }),
      runOf({ ...arc, misses: 200, netBenefitOverReference: 0.6 }),
    ]);
    expect(verdict).toMatchObject({
      answer: 'no',
      headline: 'do not turn this on: arc without prefetching is worth more',
    });
  });

  test('a cache into which nothing fits is called too small, not unpredictable', () => {
    const tiny = { cache: { unit: 'bytes', size: 40, fraction: null }, hits: 0, misses: 1000, missRatio: 1 } as const;
    const idle = { ...engineOf().prefetches, issued: 0, useful: 0, wasted: 0 };
    const [verdict] = verdicts([runOf(tiny), engineOf({ ...tiny, prefetches: idle })]);
    expect(verdict!.headline).toBe('do not turn this on: this cache is too small for what is asked for');
  });

  test('money over a log without sizes says that bytes cost nothing in it', () => {
    const text = (bytes: number | null) => verdicts([runOf({ bytes }), engineOf({ bytes })])[0]!.details.join(' ');
    expect(text(null)).toContain('bytes cost nothing in this sum');
    expect(text(null)).not.toContain('more bytes');
    expect(text(5)).not.toContain('cost nothing');
  });

  test('a warm-up beyond the log gives no verdict on it', () => {
    const nothing = { accesses: 0, misses: 0, hits: 0 };
    expect(verdicts([runOf(nothing), engineOf(nothing)])[0]!.headline).toBe(
      'do not turn this on: nothing was counted, so nothing was shown',
    );
  });

  test('nothing is missed without it: there is nothing to gain', () => {
    const [verdict] = verdicts([runOf({ misses: 0 }), engineOf({ misses: 0 })]);
    expect(verdict!.headline).toBe('do not turn this on: nothing is missed without it');
  });

  test('waits of a log whose times went backwards are called unreliable', () => {
    const unreliable = (clampedTimes: number) =>
      verdicts([runOf({ clampedTimes }), engineOf({ clampedTimes })])[0]!
        .details.join(' ')
        .includes('unreliable');
    expect(unreliable(600)).toBe(true);
    expect(unreliable(3)).toBe(false);
  });

  test('a rival is one that did something and does not see the future', () => {
    const rival = (fields: Parameters<typeof runOf>[0]) =>
      verdicts([runOf(), engineOf(), runOf(fields)])[0]!
        .details.join(' ')
        .includes('published prefetcher');
    expect(rival({ prefetch: 'pg', misses: 350 })).toBe(true);
    expect(rival({ prefetch: 'clairvoyant', misses: 100 })).toBe(false);
    expect(rival({ prefetch: 'obl', prefetches: runOf().prefetches })).toBe(false);
  });

  test('late prefetches, waits in accesses and null ratios are put into words', () => {
    const prefetches = { ...engineOf().prefetches, useful: 60, late: 60 };
    const [verdict] = verdicts([
      runOf(),
      engineOf({
        late: 60,
        prefetches,
        latencyUnit: 'requests',
        latencyRatio: null,
        trafficRatio: null,
        netBenefit: 0.5,
      }),
    ]);
    const text = verdict!.details.join(' ');
    expect(text).toContain('50 % of the used prefetches were still on their way');
    expect(text).not.toMatch(/null|NaN|undefined/);
  });
});

describe('figures in words', () => {
  test('counts are grouped, shares rounded, amounts signed', () => {
    expect([grouped(0), grouped(999), grouped(1000), grouped(1_234_567)]).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([percent(0.5), percent(0.1234), percent(0)]).toEqual(['50 %', '12.3 %', '0 %']);
    expect([amountText(0.5), amountText(-0.0123), amountText(12.345)]).toEqual(['+0.5000', '-0.0123', '+12.35']);
    expect(cacheText(runOf({ cache: { unit: 'bytes', size: 2048, fraction: null } }))).toBe('2 KiB');
  });
});

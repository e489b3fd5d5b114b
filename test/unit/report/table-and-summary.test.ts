import { describe, expect, test } from 'vitest';
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
      '-',
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
      'access.log, cache of 10 % (10 segments): avoids 25 % of the misses and 25 % of the waiting, for 10 % more requests than LRU',
    );
    const text = verdict!.details.join(' ');
    expect(text).toContain('40 % missed without prefetching and 30 % with it: 25 % fewer misses');
    expect(text).toContain('200 prefetches were sent; 60 % of them were used, 80 were wasted');
    expect(text).toContain('comes to +0.5000');
    expect(text).toContain('Do not turn it on where the origin cannot carry 10 % more requests');
  });

  test.each([
    ['too little here can be predicted', { misses: 399, missRatio: 0.399 }],
    ['it would cause 5 % more misses', { misses: 420, missRatio: 0.42, netBenefit: -1 }],
    ['it avoids misses, but people would wait longer', { latencyRatio: 1.2 }],
    ['it costs more than it saves, at the prices given', { netBenefit: -0.1 }],
    ['nothing is missed without it', { baselineMisses: 0, misses: 0 }],
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
      engineOf({ trafficMax: 1.1, misses: 350, netBenefit: 0.2 }),
      engineOf({ trafficMax: 1.3, misses: 280, netBenefit: 0.9 }),
      engineOf({ trafficMax: null, misses: 260, netBenefit: 0.1 }),
    ]);
    expect(verdict!.headline).toContain('avoids 30 % of the misses');
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
    expect([amountText(0.5), amountText(-0.0123), amountText(12.345)]).toEqual(['+0.5000', '−0.0123', '+12.35']);
    expect(cacheText(runOf({ cache: { unit: 'bytes', size: 2048, fraction: null } }))).toBe('2 KiB');
  });
});

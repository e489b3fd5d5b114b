import { describe, expect, test } from 'vitest';
import { evictionNames } from '../../../actors/cache-manager/eviction.ts';
import { joinSeries, rangeAround } from '../../../sim/report/chart.ts';
import { chainsOf } from '../../../sim/report/dependency-chains.ts';
import { escapeHtml, jsonForScript } from '../../../sim/report/escape-html.ts';
import { dependencyFigure, hourOfWeekFigure } from '../../../sim/report/figures.ts';
import { reportPage } from '../../../sim/report/page.ts';
import { pageStyle } from '../../../sim/report/page-style.ts';
import { chartsOf } from '../../../sim/report/replay-charts.ts';
import { engineOf, fullDetails, insightFor, noDetails, reportOf, runOf } from './run-of.ts';

const nasty = `</script><script>alert("x")</script>'&<b>`;

describe('escaping', () => {
  test('no markup comes of a name, and no end of a script of data', () => {
    expect(escapeHtml(nasty)).toBe(
      '&lt;/script&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;&lt;b&gt;',
    );
    const json = jsonForScript({ name: `${nasty}\u2028\u2029` });
    expect(json).not.toMatch(/<|\u2028|\u2029/);
    expect(JSON.parse(json)).toEqual({ name: `${nasty}\u2028\u2029` });
  });
});

describe('colours', () => {
  /** Relative luminance of `#rrggbb` (WCAG 2.1). */
  const luminanceOf = (color: string): number => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };

  test('shares in bars were white on light colours in a dark window', () => {
    const [light, dark] = pageStyle.split('prefers-color-scheme:dark');
    for (const theme of [light!, dark!]) {
      const on = luminanceOf(/--on-color:(#[0-9a-f]{6})/.exec(theme)![1]!);
      for (let i = 0; i <= 6; i++) {
        const under = luminanceOf(new RegExp(`--c${i}:(#[0-9a-f]{6})`).exec(theme)![1]!);
        const contrast = (Math.max(on, under) + 0.05) / (Math.min(on, under) + 0.05);
        expect(contrast, `--c${i}`).toBeGreaterThan(theme === dark ? 4.5 : 2.5);
      }
    }
  });
});

describe('chart data', () => {
  test('series of their own xs come onto one ascending axis', () => {
    const joined = joinSeries([
      { label: 'a', color: 0, style: 'line', points: [[3, 30], [1, 10]] }, // biome-ignore format: one list
      { label: 'b', color: 1, style: 'line', points: [[2, 20], [3, 33]] }, // biome-ignore format: one list
    ]);
    expect(joined.xs).toEqual([1, 2, 3]);
    expect(joined.series.map((series) => series.ys)).toEqual([
      [10, null, 30],
      [null, 20, 33],
    ]);
  });

  test('a range holds zero and every value, with room around', () => {
    const [low, high] = rangeAround([30, 20]);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(30);
    expect(rangeAround([])).toEqual([-1, 1]);
    expect(rangeAround([0])).toEqual([-1, 1]);
  });
});

describe('the table of the page', () => {
  test('a log without sizes had an empty column of bytes, which pushed the last one off the page', async () => {
    const bare = [runOf({ trafficBytesRatio: null }), engineOf({ trafficBytesRatio: null })];
    expect(await reportPage(reportOf(bare))).not.toContain('<th>bytes / LRU</th>');
    const page = await reportPage(reportOf([runOf(), engineOf()]));
    expect(page).toContain('<th>bytes / LRU</th>');
    const [head, ...rows] = page.match(/<table class="runs">.*?<\/table>/s)![0].split('<tr');
    expect(head).toBeDefined();
    expect(new Set(rows.map((row) => row.match(/<t[hd]/g)!.length))).toEqual(new Set([15, 14]));
  });
});

describe('charts of a replay', () => {
  const sized = (size: number) => ({ cache: { unit: 'segments', size, fraction: null } }) as const;
  const runs = [10, 50].flatMap((size) => [
    { run: runOf(sized(size)), details: noDetails },
    { run: engineOf({ ...sized(size), calibration: { brier: 0.1, ece: 0.05 } }), details: fullDetails },
  ]);
  const charts = chartsOf(runs, runs[1]);
  const titled = (title: string) => charts.find((chart) => chart.title.includes(title))!;

  test('hits of 52.1 and 52.2 % stood an axis apart: hits and waits are drawn from zero on', () => {
    for (const { yRange, series } of [titled('Hits by'), titled('Mean wait')]) {
      const highest = Math.max(...series.flatMap(({ ys }) => ys.map((y) => y ?? 0)));
      expect(yRange![0]).toBe(0);
      expect(yRange![1]).toBeGreaterThan(highest);
    }
  });

  test('all six are there when there is something to show', () => {
    expect(charts.map((chart) => chart.title)).toEqual([
      'Hits by cache size',
      'Mean wait by cache size',
      'Waiting saved against traffic added',
      'Precision and misses over time',
      'How late the late ones were',
      'Does 80 % mean 80 %?',
    ]);
  });

  test('hits and waits are drawn over the cache sizes, which are marked', () => {
    const hits = titled('Hits');
    expect(hits).toMatchObject({ xs: [10, 50], xTicks: [10, 50], xScale: 'log' });
    expect(hits.series.map(({ label, ys, style }) => ({ label, ys, style }))).toEqual([
      { label: 'none on lru', ys: [60, 60], style: 'dashed' },
      { label: 'anteroom ≤1.3 on lru', ys: [70, 70], style: 'line' },
    ]);
    expect(titled('Mean wait').series.map((series) => series.ys[0])).toEqual([20, 15]);
  });

  test('the engine has a colour of its own, in every chart the same', () => {
    const colors = ['Hits', 'Mean wait', 'Waiting saved'].map(
      (title) => titled(title).series.find((series) => series.label.startsWith('anteroom'))!.color,
    );
    expect(colors).toEqual([0, 0, 0]);
    expect(titled('Hits').series.filter((series) => series.color === 0)).toHaveLength(1);
  });

  test('from the tenth line on two lines of a chart looked alike: they differ by colour, mark or dash', () => {
    // auto follows one of the others, belady is a bound.
    const evictions = evictionNames.filter((name) => name !== 'auto' && name !== 'belady');
    const many = evictions.flatMap((evict) =>
      ['none', 'anteroom', 'mithril', 'pg'].map((prefetch) => ({
        run: runOf({ evict, evictUsed: evict, prefetch }),
        details: noDetails,
      })),
    );
    for (const chart of chartsOf(many, undefined)) {
      const looks = chart.series.map(({ color, mark, style }) => `${color} ${mark ?? 0} ${style}`);
      expect(looks.length).toBeGreaterThan(20);
      expect(new Set(looks).size).toBe(looks.length);
    }
  });

  test('what is saved stands against what is added', () => {
    const trade = titled('Waiting saved');
    expect(trade.xs[0]).toBeCloseTo(10, 9);
    expect(trade.series[0]!.ys[0]).toBeCloseTo(25, 9);
  });

  test('over time: a slice without prefetches has no precision', () => {
    const time = titled('over time');
    expect(time.series.map((series) => series.ys)).toEqual([
      [null, 60],
      [40, 20],
      [40, 40],
    ]);
  });

  test('every late prefetch is in one bar', () => {
    const [bars] = titled('How late').series;
    expect(bars!.ys.reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(4);
  });

  test('the reliability diagram has the bins that hold something, and the calibration error', () => {
    const diagram = titled('80 %');
    expect(diagram.series[1]!.ys.filter((y) => y !== null)).toEqual([20]);
    expect(diagram.note).toContain('0.050');
  });

  test('nothing issued: the charts of prefetches are left out, the others stay', () => {
    const none = [{ run: runOf(), details: noDetails }];
    expect(chartsOf(none, undefined).map((chart) => chart.title)).toEqual([
      'Hits by cache size',
      'Mean wait by cache size',
    ]);
    const instant = [{ run: runOf({ latency: '0', latencyRatio: null }), details: noDetails }];
    expect(chartsOf(instant, undefined).map((chart) => chart.title)).toEqual(['Hits by cache size']);
  });

  test('a replay that counted nothing had charts without a point', () => {
    expect(chartsOf([{ run: runOf({ accesses: 0, missRatio: null }), details: noDetails }], undefined)).toEqual([]);
  });

  test('with instant fetches misses avoided stand against traffic', () => {
    const instant = { latency: '0', latencyRatio: null };
    const both = [runOf(instant), engineOf(instant)].map((run) => ({ run, details: noDetails }));
    const trade = chartsOf(both, undefined).find((chart) => chart.title.includes('traffic'))!;
    expect(trade.title).toBe('Misses avoided against traffic added');
    expect(trade.series[0]!.ys[0]).toBeCloseTo(25, 9);
  });
});

describe('heat map', () => {
  test('rows stand in the order of their busiest hour of the day, days by name', () => {
    const svg = hourOfWeekFigure(insightFor());
    expect(svg.indexOf('/morning')).toBeLessThan(svg.indexOf('/evening'));
    for (const day of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']) expect(svg).toContain(`>${day}<`);
    expect(svg.match(/class="heat"/g)).toHaveLength(14);
    expect(svg).toContain('Mon 08:00 UTC: 5');
  });

  test('days without an access are left out', () => {
    const hours = Array.from({ length: 168 }, (_, hour) => (hour >= 30 && hour < 33 ? 1 : 0));
    const svg = hourOfWeekFigure(insightFor({ hotByHourOfWeek: [{ segment: 'a', total: 3, hours }] }));
    expect(svg).toContain('>Tue<');
    expect(svg).not.toContain('>Mon<');
  });

  test('a clock that counts from zero has days by number, from its own beginning', () => {
    // Zero is a Thursday on the calendar: hour 72 of the week is the first hour of such a log.
    const hours = Array.from({ length: 168 }, (_, hour) => (hour === 72 || hour === 80 || hour === 6 ? 1 : 0));
    const svg = hourOfWeekFigure(
      insightFor({ timeSpanMs: [0, 5 * 86_400_000], hotByHourOfWeek: [{ segment: 'a', total: 3, hours }] }),
    );
    expect(svg).toContain('day 1 00:00: 1');
    expect(svg).toContain('day 5 06:00: 1');
    expect(svg.indexOf('day 1<')).toBeLessThan(svg.indexOf('day 5<'));
    expect(svg).not.toContain('UTC');
  });

  test('a log that lives within two hours has nothing to show', () => {
    const hours = Array.from({ length: 168 }, (_, hour) => (hour === 30 || hour === 31 ? 9 : 0));
    expect(hourOfWeekFigure(insightFor({ hotByHourOfWeek: [{ segment: 'a', total: 18, hours }] }))).toBe('');
  });

  test('without times there is none', () => {
    expect(hourOfWeekFigure(insightFor({ timeSpanMs: null, hotByHourOfWeek: [] }))).toBe('');
  });
});

describe('dependency figure', () => {
  const edge = (from: string, to: string, confidence = 0.5) => ({
    from,
    to,
    support: 10,
    confidence,
    lift: 2,
    lagMs: null,
  });

  test('chains hold every edge once, follow on, and never visit a segment twice', () => {
    const edges = [
      edge('a', 'b'),
      edge('b', 'c'),
      edge('c', 'a'),
      edge('x', 'b'),
      edge('c', 'd'),
      edge('d', 'e'),
      edge('e', 'f'),
    ];
    const chains = chainsOf(edges);
    expect(chains.flat().length).toBe(edges.length);
    expect(new Set(chains.flat()).size).toBe(edges.length);
    for (const chain of chains) {
      expect(chain.length).toBeLessThanOrEqual(3);
      expect(chain.slice(1).map((link) => link.from)).toEqual(chain.slice(0, -1).map((link) => link.to));
      const visited = [chain[0]!.from, ...chain.map((link) => link.to)];
      expect(new Set(visited).size).toBe(visited.length);
    }
    expect(chains[0]!.map((link) => link.to)).toEqual(['b', 'c', 'd']);
  });

  test('a hundred segments in a row are drawn no wider than four', () => {
    const svg = dependencyFigure(
      insightFor({ dependencies: Array.from({ length: 99 }, (_, i) => edge(`s${i}`, `s${i + 1}`)) }),
    );
    expect(Number(/viewBox="0 0 (\d+)/.exec(svg)![1])).toBeLessThan(1100);
    expect(svg.match(/marker-end/g)).toHaveLength(99);
  });

  test('names are shortened at the front, whole characters only, and whole in the title', () => {
    const long = `/${'🦉'.repeat(200)}/end`;
    const svg = dependencyFigure(insightFor({ dependencies: [edge(long, nasty)] }));
    expect(svg).toContain('…');
    expect(svg).toContain('/end');
    expect(encodeURI(svg)).toContain('svg'); // Throws where a character was cut in two.
    expect(svg).toContain(escapeHtml(long));
    expect(svg).not.toContain('<script>');
  });
});

describe('page', () => {
  test('needs nothing from outside, and no name breaks out of its place', async () => {
    const trace = `logs/${nasty}.log`;
    const html = await reportPage(
      reportOf([runOf({ trace }), engineOf({ trace, digest: nasty, latency: nasty })], {
        command: `npx anteroom replay '${nasty}'`,
        insights: [
          insightFor({
            trace,
            dependencies: [{ from: nasty, to: nasty.repeat(30), support: 1, confidence: 1, lift: 1, lagMs: null }],
            hotByHourOfWeek: [{ segment: nasty, total: 1, hours: new Array<number>(168).fill(1) }],
          }),
        ],
      }),
    );
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toContain('alert("x")');
    expect(html).not.toMatch(/<(link|img|iframe|object|embed|base)\b/);
    expect(html).not.toMatch(/\b(src|href)="(?!#)/);
    expect(html).not.toMatch(/url\((?!#)|@import/);
  });

  test('no name breaks out of the list of verdicts over several traces', async () => {
    const traces = [`a${nasty}`, `b${nasty}`];
    const html = await reportPage(reportOf(traces.flatMap((trace) => [runOf({ trace }), engineOf({ trace })])));
    expect(html).toContain('<ul class="short">');
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toContain('alert("x")');
  });

  test('same report, same bytes', async () => {
    const report = reportOf([runOf(), engineOf()], { insights: [insightFor()] });
    expect(await reportPage(report)).toBe(await reportPage(report));
  });

  test('every part is there: verdict, table, digests, charts, heat map, dependencies, command', async () => {
    const html = await reportPage(reportOf([runOf(), engineOf()], { insights: [insightFor()] }));
    for (const part of [
      'worth it',
      'Cache of 10 % (10 segments): avoids 25 % of the misses',
      '<table class="runs">',
      '0123456789abcdef',
      'Hits by cache size',
      'Hot segments over the week',
      'What follows what',
      'npx anteroom replay logs/access.log',
      '7 consumers',
      '7 days',
    ]) {
      expect(html).toContain(part);
    }
    expect(html.match(/data-chart="\d+"/g)).toHaveLength(6);
  });

  test('several traces come with a list of all verdicts, one trace without', async () => {
    const two = reportOf([runOf(), engineOf(), runOf({ trace: 'b' }), engineOf({ trace: 'b', misses: 400 })]);
    const html = await reportPage(two);
    expect(html).toContain('<ul class="short">');
    expect(html).toContain('href="#trace-2"');
    expect(html).toContain('id="trace-2"');
    expect(await reportPage(reportOf([runOf(), engineOf()]))).not.toContain('<ul class="short">');
  });

  test('a run of nothing at all is still a page', async () => {
    const empty = runOf({
      accesses: 0,
      misses: 0,
      baselineMisses: 0,
      missRatio: null,
      byteMissRatio: null,
      coverage: null,
      pollution: null,
      trafficRatio: null,
      trafficBytesRatio: null,
      latencyMs: { mean: null, p50: null, p90: null, p99: null },
      latencyRatio: null,
      netBenefit: null,
    });
    const html = await reportPage(
      reportOf([empty, { ...empty, prefetch: 'anteroom' }], {
        insights: [insightFor({ hotByHourOfWeek: [], dependencies: [] })],
      }),
    );
    const visible = html.replace(/<(script|style)[\s\S]*?<\/\1>/g, '');
    expect(visible).not.toMatch(/NaN|null|undefined|Infinity/);
  });
});

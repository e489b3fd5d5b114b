/** The two charts over the last quarter of an hour: accesses a second, and hits beside the ghosts. */

import type { SeriesSample } from '../series.ts';
import type { DashboardPage, PageElement, PageKit } from './page-kit.ts';

interface Plot {
  readonly cursor: { readonly idx?: number | null };
  destroy(): void;
  setData(data: object): void;
  setSize(size: { width: number; height: number }): void;
}
/** The part of uPlot that the script touches. */
export type PlotClass = new (options: object, data: object, element: PageElement) => Plot;

export interface SeriesCharts {
  fill(samples: readonly SeriesSample[]): void;
}

export function seriesCharts(page: DashboardPage, kit: PageKit, UPlot: PlotClass): SeriesCharts {
  const { at, make, percent, short } = kit;
  interface Chart {
    readonly id: string;
    readonly title: string;
    readonly labels: readonly string[];
    readonly colors: readonly number[];
    readonly isShare: boolean;
    plot: Plot | null;
    data: (number | null)[][];
  }
  const rate: Chart = {
    id: 'rate-chart',
    title: 'Accesses a second',
    labels: ['accesses a second'],
    colors: [0],
    isShare: false,
    plot: null,
    data: [[], []],
  };
  const hits: Chart = {
    id: 'hit-chart',
    title: 'Share of hits over half a minute',
    labels: ['with prefetching', 'without', 'LRU'],
    colors: [2, 1, 5],
    isShare: true,
    plot: null,
    data: [[], [], [], []],
  };
  const charts = [rate, hits];
  const height = 150;
  const valueText = ({ isShare }: Chart, value: number | null | undefined): string =>
    isShare ? percent(value) : short(value);
  const two = (value: number): string => String(value).padStart(2, '0');
  const timeText = (seconds: number): string => {
    const time = new Date(seconds * 1000);
    return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  };

  /** Names and values, of the place that the pointer is at or of now: also what a chart says to who cannot see it. */
  const fillKey = (chart: Chart, index: number | null | undefined): void => {
    const times = chart.data[0]!;
    const i = index ?? times.length - 1;
    const items = chart.labels.map((label, s) => {
      const item = make('li', '', `${label} ${valueText(chart, chart.data[s + 1]![i])}`);
      item.style.setProperty('--key', `var(--c${chart.colors[s]})`);
      return item;
    });
    const when = index === null || index === undefined || times[i] === undefined ? 'now' : timeText(times[i]!);
    at(`${chart.id}-key`).replaceChildren(...items, make('li', 'plain', when));
  };

  const drawAll = (): void => {
    const style = page.getComputedStyle(page.document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    for (const chart of charts) {
      chart.plot?.destroy();
      at(chart.id).setAttribute('role', 'img');
      at(chart.id).setAttribute('aria-label', `${chart.title}, the last quarter of an hour`);
      const axis = {
        stroke: color('--soft'),
        grid: { stroke: color('--line'), width: 1 },
        ticks: { stroke: color('--line'), width: 1 },
        font: '11px system-ui, sans-serif',
      };
      chart.plot = new UPlot(
        {
          width: at(chart.id).clientWidth,
          height,
          cursor: { y: false },
          legend: { show: false },
          hooks: { setCursor: [(plot: Plot) => fillKey(chart, plot.cursor.idx)] },
          scales: {
            y: {
              range: (_: unknown, low: number, high: number) =>
                chart.isShare ? [Math.max(0, low - 0.02), Math.min(1, high + 0.02)] : [0, Math.max(1, high * 1.1)],
            },
          },
          axes: [
            { ...axis, space: 70, values: (_: unknown, splits: number[]) => splits.map(timeText) },
            {
              ...axis,
              size: 52,
              values: (_: unknown, splits: number[]) =>
                splits.map((value) => (chart.isShare ? percent(value, 0) : short(value))),
            },
          ],
          series: [
            {},
            ...chart.labels.map((label, i) => ({
              label,
              points: { show: false },
              stroke: color(`--c${chart.colors[i]}`),
              width: 2,
              spanGaps: true,
            })),
          ],
        },
        chart.data,
        at(chart.id),
      );
    }
  };

  drawAll();
  page.addEventListener('resize', () => {
    for (const { plot, id } of charts) plot?.setSize({ width: at(id).clientWidth, height });
  });
  page.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);

  return {
    /** Ratios are over a sliding window of the samples, so that one slow second does not look like a fall. */
    fill: (samples) => {
      const times: number[] = [];
      const rates: (number | null)[] = [];
      const shares: (number | null)[][] = [[], [], []];
      for (let i = 1; i < samples.length; i++) {
        const now = samples[i]!;
        const before = samples[i - 1]!;
        const seconds = (now.atMs - before.atMs) / 1000;
        times.push(now.atMs / 1000);
        rates.push(seconds > 0 ? Math.max(0, (now.accesses - before.accesses) / seconds) : null);
        const then = samples[Math.max(0, i - 30)]!;
        const accesses = now.accesses - then.accesses;
        const share = (a: number, b: number): number | null => (accesses > 0 ? 1 - (a - b) / accesses : null);
        shares[0]!.push(share(now.misses, then.misses));
        shares[1]!.push(share(now.baselineMisses, then.baselineMisses));
        shares[2]!.push(share(now.referenceMisses, then.referenceMisses));
      }
      rate.data = [times, rates];
      hits.data = [times, ...shares];
      for (const chart of charts) {
        chart.plot?.setData(chart.data);
        fillKey(chart, chart.plot?.cursor.idx);
      }
    },
  };
}

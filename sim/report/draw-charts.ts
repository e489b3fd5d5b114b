/** The script of the report page: draws each chart into its place. Its source text is inlined, so it must need nothing but its arguments. */

import type { Chart } from './chart.ts';

/** The part of a page's element that the script touches. */
interface PageElement {
  readonly clientWidth: number;
  readonly dataset: Record<string, string | undefined>;
}

/** The part of the browser that the script touches. */
interface Page {
  readonly document: {
    querySelectorAll(selector: string): Iterable<PageElement>;
    readonly documentElement: PageElement;
  };
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };
  addEventListener(type: string, listener: () => void): void;
  matchMedia(query: string): { addEventListener(type: string, listener: () => void): void };
}

interface Plot {
  destroy(): void;
  setSize(size: { width: number; height: number }): void;
}

type PlotClass = {
  new (options: object, data: object, element: PageElement): Plot;
  paths: { bars(options: object): unknown };
};

export function drawCharts(charts: readonly Chart[], UPlot: PlotClass, page: Page): void {
  const height = 260;
  const numberText = (value: number | null | undefined): string => {
    if (value === null || value === undefined) return '';
    if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(4))} M`;
    if (Math.abs(value) >= 1e4) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
    return String(Number(value.toPrecision(4)));
  };
  const bytesText = (value: number | null | undefined): string => {
    if (value === null || value === undefined) return '';
    let scaled = value;
    let unit = 0;
    while (scaled >= 1024 && unit < 5) {
      scaled /= 1024;
      unit++;
    }
    return `${Number(scaled.toPrecision(3))} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit]}`;
  };
  let plots: { plot: Plot; element: PageElement }[] = [];
  const draw = (): void => {
    for (const { plot } of plots) plot.destroy();
    plots = [];
    const style = page.getComputedStyle(page.document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    for (const element of page.document.querySelectorAll('[data-chart]')) {
      const chart = charts[Number(element.dataset.chart)];
      if (chart === undefined) continue;
      const xText = chart.xFormat === 'bytes' ? bytesText : numberText;
      const axis = (label: string): object => ({
        label,
        stroke: color('--soft'),
        grid: { stroke: color('--line'), width: 1 },
        ticks: { stroke: color('--line'), width: 1 },
        labelSize: 22,
        font: '11px system-ui, sans-serif',
        labelFont: '12px system-ui, sans-serif',
      });
      const series = chart.series.map((s) => {
        const stroke = color(`--c${s.color % 10}`);
        return {
          label: s.label,
          stroke: s.style === 'points' ? undefined : stroke,
          width: s.style === 'points' ? 0 : 2,
          spanGaps: true,
          value: (_: unknown, v: number | null): string => numberText(v),
          ...(s.style === 'dashed' || s.style === 'guide' ? { dash: [6, 4] } : {}),
          ...(s.style === 'bars' ? { paths: UPlot.paths.bars({ size: [0.9, 60] }), fill: stroke } : {}),
          ...(s.style === 'points' ? { paths: () => null } : {}),
          points: {
            // A single cache size has no line, and a long series needs no dots.
            show: s.style === 'points' || ((s.style === 'line' || s.style === 'dashed') && chart.xs.length <= 30),
            size: s.style === 'points' ? 11 : 6,
            stroke,
            fill: stroke,
          },
        };
      });
      const options = {
        width: element.clientWidth,
        height,
        scales: {
          x: {
            time: false,
            distr: chart.xScale === 'log' ? 3 : 1,
            ...(chart.xRange === undefined ? {} : { range: () => [...chart.xRange!] }),
          },
          y: chart.yRange === undefined ? {} : { range: () => [...chart.yRange!] },
        },
        axes: [
          {
            ...axis(chart.xLabel),
            ...(chart.xTicks === undefined
              ? {}
              : { splits: () => [...chart.xTicks!], filter: (_: unknown, splits: number[]) => splits }),
            values: (_: unknown, splits: (number | null)[]) => splits.map((v) => (v === null ? '' : xText(v))),
          },
          {
            ...axis(chart.yLabel),
            size: 64,
            values: (_: unknown, splits: (number | null)[]) => splits.map((v) => numberText(v)),
          },
        ],
        series: [{ label: chart.xLabel, value: (_: unknown, v: number | null): string => xText(v) }, ...series],
        legend: { live: true },
      };
      plots.push({ plot: new UPlot(options, [chart.xs, ...chart.series.map((s) => s.ys)], element), element });
    }
  };
  draw();
  page.addEventListener('resize', () => {
    for (const { plot, element } of plots) plot.setSize({ width: element.clientWidth, height });
  });
  page.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
}

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
  readonly devicePixelRatio: number;
  readonly Path2D: new () => Outline;
  matchMedia(query: string): { addEventListener(type: string, listener: () => void): void };
}

/** The part of a path that marks are made of. */
interface Outline {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

interface Plot {
  readonly data: readonly (readonly (number | null)[])[];
  /** A value as a place on the canvas. */
  valToPos(value: number, scale: 'x' | 'y', isCanvas: true): number;
  destroy(): void;
  setSize(size: { width: number; height: number }): void;
}

type PlotClass = {
  new (options: object, data: object, element: PageElement): Plot;
  paths: { bars(options: object): unknown };
};

export function drawCharts(charts: readonly Chart[], UPlot: PlotClass, page: Page): void {
  const height = 260;
  // Lines of one colour: how it is named, its corners from the middle, whether it is filled, and how a dashed line is dashed.
  const marks = [
    { glyph: '', corners: [], isFilled: true, dash: [6, 4] },
    {
      glyph: '□ ',
      corners: [
        [-1, -1],
        [1, -1],
        [1, 1],
        [-1, 1],
      ],
      isFilled: false,
      dash: [2, 3],
    },
    {
      glyph: '▲ ',
      corners: [
        [0, -1.2],
        [1.1, 0.9],
        [-1.1, 0.9],
      ],
      isFilled: true,
      dash: [12, 4],
    },
    {
      glyph: '◇ ',
      corners: [
        [0, -1.3],
        [1.3, 0],
        [0, 1.3],
        [-1.3, 0],
      ],
      isFilled: false,
      dash: [10, 3, 2, 3],
    },
    {
      glyph: '■ ',
      corners: [
        [-1, -1],
        [1, -1],
        [1, 1],
        [-1, 1],
      ],
      isFilled: true,
      dash: [2, 6],
    },
    {
      glyph: '▽ ',
      corners: [
        [0, 1.2],
        [1.1, -0.9],
        [-1.1, -0.9],
      ],
      isFilled: false,
      dash: [16, 3, 4, 3],
    },
  ] as const;
  const markPaths =
    (corners: readonly (readonly [number, number])[], size: number) =>
    (plot: Plot, series: number, from: number, to: number, only: readonly number[] | null): object => {
      const path = new page.Path2D();
      const radius = (size / 2) * page.devicePixelRatio;
      const places = only ?? Array.from({ length: to - from + 1 }, (_, i) => from + i);
      for (const i of places) {
        const value = plot.data[series]![i];
        if (value === null || value === undefined) continue;
        const x = plot.valToPos(plot.data[0]![i]!, 'x', true);
        const y = plot.valToPos(value, 'y', true);
        corners.forEach(([right, down], corner) => {
          if (corner === 0) path.moveTo(x + right * radius, y + down * radius);
          else path.lineTo(x + right * radius, y + down * radius);
        });
        path.closePath();
      }
      return { stroke: path, fill: path };
    };
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
      // The legend counts from the x axis on.
      const isDashed = (i: number): boolean => ['dashed', 'guide'].includes(chart.series[i - 1]?.style ?? 'line');
      const colorOf = (i: number): number => (chart.series[i - 1]?.color ?? 0) % 10;
      const series = chart.series.map((s) => {
        const stroke = color(`--c${s.color % 10}`);
        const { glyph, corners, isFilled, dash } = marks[(s.mark ?? 0) % marks.length]!;
        const size = s.style === 'points' ? 11 : corners.length > 0 ? 8 : 6;
        return {
          label: `${glyph}${s.label}`,
          stroke: s.style === 'points' ? undefined : stroke,
          width: s.style === 'points' ? 0 : 2,
          spanGaps: true,
          value: (_: unknown, v: number | null): string => numberText(v),
          ...(s.style === 'dashed' || s.style === 'guide' ? { dash: [...dash] } : {}),
          ...(s.style === 'bars' ? { paths: UPlot.paths.bars({ size: [0.9, 60] }), fill: stroke } : {}),
          ...(s.style === 'points' ? { paths: () => null } : {}),
          points: {
            // A single cache size has no line, and a long series needs no dots.
            show: s.style === 'points' || ((s.style === 'line' || s.style === 'dashed') && chart.xs.length <= 30),
            size,
            stroke,
            fill: isFilled ? stroke : color('--card'),
            ...(corners.length > 0 ? { paths: markPaths(corners, size), width: 2 } : {}),
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
        legend: {
          live: true,
          markers: {
            fill: (_: unknown, i: number): string | null => (isDashed(i) ? null : color(`--c${colorOf(i)}`)),
            dash: (_: unknown, i: number): string => (isDashed(i) ? 'dashed' : 'solid'),
          },
        },
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

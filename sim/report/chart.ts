/** A chart as data: what the page hands to the drawing script, and what tests look at. */

/** One line or set of points; `ys[i]` belongs to the chart's `xs[i]`, null = no point there. */
export interface ChartSeries {
  readonly label: string;
  readonly ys: readonly (number | null)[];
  /** Index into the page's palette. */
  readonly color: number;
  /** Index into the marks of the drawing script: which stands at its points, and how it is dashed. Absent = a dot. */
  readonly mark?: number;
  /** `guide`: a dashed line that is no measurement, drawn without its points. */
  readonly style: 'line' | 'points' | 'bars' | 'dashed' | 'guide';
}

/** A chart over one shared x axis, ascending. */
export interface Chart {
  readonly title: string;
  /** One sentence that says how to read it. */
  readonly note: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale: 'linear' | 'log';
  /** How x values are written: plain, or as bytes with a unit. */
  readonly xFormat?: 'bytes';
  /** Where the x axis is marked; absent = as the drawing finds best. */
  readonly xTicks?: readonly number[];
  /** What the axes span; absent = what the data do. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  readonly xs: readonly number[];
  readonly series: readonly ChartSeries[];
}

/** Points of several series, each with its own x, brought onto one x axis. */
export function joinSeries(
  parts: readonly {
    readonly label: string;
    readonly color: number;
    readonly mark?: number;
    readonly style: ChartSeries['style'];
    readonly points: readonly (readonly [number, number])[];
  }[],
): Pick<Chart, 'xs' | 'series'> {
  const xs = [...new Set(parts.flatMap((part) => part.points.map(([x]) => x)))].sort((a, b) => a - b);
  const indexOf = new Map(xs.map((x, i) => [x, i]));
  const series = parts.map((part) => {
    const ys: (number | null)[] = xs.map(() => null);
    for (const [x, y] of part.points) ys[indexOf.get(x)!] = y;
    const { points: _, ...facts } = part;
    return { ...facts, ys };
  });
  return { xs, series };
}

/** The span of some values and of zero, with a little room around. */
export function rangeAround(values: readonly number[]): readonly [number, number] {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const room = high > low ? 0.12 * (high - low) : 1;
  return [low - room, high + room];
}

/** Intervals as lines beside zero, one row each, as an SVG drawing. */

import { escapeHtml } from '../report/escape-html.ts';
import { beginningThatFits, textWidth } from '../report/fit-text.ts';
import type { Interval } from './block-bootstrap.ts';

export interface ForestRow {
  readonly name: string;
  /** Follows the name and is never cut. */
  readonly note?: string;
  readonly interval: Interval;
  readonly isStrong: boolean;
}

const WIDTH = 450;
const LEFT = 236;
const RIGHT = 30;
const ROW = 28;
const TOP = 10;

/** Empty where no row has an interval. Zero is always in the picture: whether a line crosses it is what there is to see. */
export function forestPlot(rows: readonly ForestRow[], textOf: (value: number) => string): string {
  const known = rows.filter(({ interval }) => interval.low !== null && interval.high !== null);
  if (known.length === 0) return '';
  const low = Math.min(0, ...known.map(({ interval }) => interval.low!));
  const high = Math.max(0, ...known.map(({ interval }) => interval.high!));
  const span = high > low ? high - low : 1;
  const x = (value: number): number => LEFT + 10 + ((value - low) / span) * (WIDTH - LEFT - RIGHT - 20);
  const bottom = TOP + known.length * ROW;
  const parts = [`<line x1="${at(x(0))}" x2="${at(x(0))}" y1="${TOP - 4}" y2="${bottom + 4}" class="zero"/>`];
  known.forEach(({ name, note = '', interval, isStrong }, i) => {
    const y = TOP + (i + 0.5) * ROW;
    const strong = isStrong ? ' strong' : '';
    const title = `${name}${note}: ${textOf(interval.estimate!)}, ${textOf(interval.low!)} to ${textOf(interval.high!)}`;
    parts.push(
      `<g><title>${escapeHtml(title)}</title><text x="${LEFT - 4}" y="${y + 4}" text-anchor="end" class="label">${escapeHtml(beginningThatFits(name, LEFT - 8 - textWidth(note)) + note)}</text><line x1="${at(x(interval.low!))}" x2="${at(x(interval.high!))}" y1="${y}" y2="${y}" class="interval${strong}"/><circle cx="${at(x(interval.estimate!))}" cy="${y}" r="4.5" class="estimate${strong}"/></g>`,
    );
  });
  for (const value of axisValues(low, high)) {
    parts.push(
      `<text x="${at(x(value))}" y="${bottom + 18}" text-anchor="middle" class="axis">${escapeHtml(textOf(value).replace(/^\+0(\.0+)?$/, '0'))}</text>`,
    );
  }
  return `<svg viewBox="0 0 ${WIDTH} ${bottom + 26}" style="max-width:${WIDTH}px" role="img" aria-label="Estimates with their intervals">${parts.join('')}</svg>`;
}

/** Zero and the ends, less an end that would be written over zero. */
function axisValues(low: number, high: number): readonly number[] {
  const isApart = (value: number): boolean => Math.abs(value) > 0.15 * (high - low);
  return [...(isApart(low) ? [low] : []), 0, ...(isApart(high) ? [high] : [])];
}

function at(position: number): string {
  return position.toFixed(1);
}

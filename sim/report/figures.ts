/** Figures of the report that are drawn as SVG: hot segments over the week, and the strongest dependencies. */

import type { TraceInsight } from '../replay/result.ts';
import { chainsOf, type Dependency } from './dependency-chains.ts';
import { escapeHtml } from './escape-html.ts';
import { endThatFits } from './fit-text.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const HOURS = 24;
/** With fewer busy hours a heat map is one dark column, which says nothing. */
const HOURS_MIN = 3;
/** Earlier first instants are no dates: such a log counts from a zero of its own. 1980-01-01. */
const DATES_FROM_MS = 315_532_800_000;
/** Day of the week, Monday = 0, of 1 January 1970: where a clock that counts from zero begins. */
const DAY_OF_ZERO = 3;

/** Whether the trace's instants are dates, rather than counted from a zero of its own. */
export function isDated(insight: TraceInsight): boolean {
  return insight.timeSpanMs !== null && insight.timeSpanMs[0] >= DATES_FROM_MS;
}

/** A clock for a reader: `UTC`, `UTC+05:30`, `Europe/Berlin`. */
export function clockText(timeZone: string): string {
  return /^[+-]/.test(timeZone) ? `UTC${timeZone}` : timeZone;
}

type HotRow = TraceInsight['hotByHourOfWeek'][number];

/**
 * A heat map: a row a segment, a column an hour of the week, darker = more accesses relative to the row's busiest hour.
 * Empty where fewer than three hours saw an access. Days without one are left out, and rows stand in the order of their busiest
 * hour of the day, so that what comes and goes together stands together.
 */
export function hourOfWeekFigure(insight: TraceInsight): string {
  const { hotByHourOfWeek: hot, timeSpanMs } = insight;
  if (timeSpanMs === null || busyHours(hot) < HOURS_MIN) return '';
  const hasDates = isDated(insight);
  const days = DAYS.map((_, i) => (hasDates ? i : (i + DAY_OF_ZERO) % DAYS.length)).filter((day) =>
    hot.some((row) => row.hours.slice(day * HOURS, (day + 1) * HOURS).some((count) => count > 0)),
  );
  const nameOf = (day: number): string =>
    hasDates ? DAYS[day]! : `day ${((day - DAY_OF_ZERO + DAYS.length) % DAYS.length) + 1}`;
  const rows = [...hot].sort((a, b) => busiestHourOfDay(a) - busiestHourOfDay(b) || b.total - a.total);
  const left = 250;
  const top = 34;
  const height = 18;
  const cell = Math.min(24, (7 * HOURS * 5) / (days.length * HOURS));
  const right = left + days.length * HOURS * cell;
  const bottom = top + rows.length * height;
  const parts: string[] = [];
  days.forEach((day, i) => {
    const x = left + i * HOURS * cell;
    parts.push(`<text x="${x + 2}" y="12" class="axis strong">${nameOf(day)}</text>`);
    parts.push(`<line x1="${x}" x2="${x}" y1="${top - 16}" y2="${bottom}" class="grid"/>`);
    for (let hour = 0; hour < HOURS; hour += days.length > 2 ? 12 : 3) {
      parts.push(`<text x="${x + hour * cell + 2}" y="28" class="axis">${String(hour).padStart(2, '0')}</text>`);
    }
  });
  parts.push(`<text x="${right + 6}" y="28" class="axis">total</text>`);
  rows.forEach((row, r) => {
    const y = top + r * height;
    const most = Math.max(1, ...row.hours);
    parts.push(
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end" class="label">${escapeHtml(endThatFits(row.segment, left - 12))}<title>${escapeHtml(row.segment)}</title></text>`,
    );
    days.forEach((day, i) => {
      for (let hour = 0; hour < HOURS; hour++) {
        const count = row.hours[day * HOURS + hour]!;
        if (count === 0) continue;
        const x = left + (i * HOURS + hour) * cell;
        const title = `${nameOf(day)} ${String(hour).padStart(2, '0')}:00${hasDates ? ` ${clockText(insight.timeZone)}` : ''}: ${Math.round(count)}`;
        parts.push(
          `<rect x="${x}" y="${y + 1}" width="${cell}" height="${height - 2}" class="heat" fill-opacity="${(0.1 + (0.9 * count) / most).toFixed(2)}"><title>${title}</title></rect>`,
        );
      }
    });
    parts.push(`<text x="${right + 6}" y="${y + 13}" class="axis">${Math.round(row.total)}</text>`);
  });
  return `<svg viewBox="0 0 ${right + 70} ${bottom + 6}" style="max-width:${right + 70}px" role="img" aria-label="Accesses of the hottest segments over the hours of the week">${parts.join('')}</svg>`;
}

/** Hours of the week in which anything happened. */
function busyHours(rows: readonly HotRow[]): number {
  return new Set(rows.flatMap((row) => row.hours.flatMap((count, hour) => (count > 0 ? [hour] : [])))).size;
}

function busiestHourOfDay(row: HotRow): number {
  const byHour = new Array<number>(HOURS).fill(0);
  row.hours.forEach((count, hour) => {
    byHour[hour % HOURS]! += count;
  });
  return byHour.indexOf(Math.max(...byHour));
}

const BOX_WIDTH = 200;
const GAP = 84;
const ROW_HEIGHT = 36;

/**
 * The strongest edges as a drawing: one row a chain, read from left to right, with the share of accesses to the left segment
 * that the right one followed. A segment may stand in several rows; nothing overlaps whatever the graph is like.
 */
export function dependencyFigure(insight: TraceInsight): string {
  if (insight.dependencies.length === 0) return '';
  const chains = chainsOf(insight.dependencies);
  const parts: string[] = [];
  chains.forEach((chain, row) => {
    const y = 22 + row * ROW_HEIGHT;
    parts.push(nodeBox(chain[0]!.from, 4, y));
    chain.forEach((edge, i) => {
      const x = 4 + (i + 1) * (BOX_WIDTH + GAP);
      parts.push(edgeArrow(edge, x - GAP, y), nodeBox(edge.to, x, y));
    });
  });
  const columns = Math.max(...chains.map((chain) => chain.length + 1));
  const width = columns * BOX_WIDTH + (columns - 1) * GAP + 8;
  const marker =
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z" class="arrow"/></marker></defs>';
  return `<svg viewBox="0 0 ${width} ${chains.length * ROW_HEIGHT + 10}" style="max-width:${width}px" role="img" aria-label="Strongest dependencies between segments">${marker}${parts.join('')}</svg>`;
}

function edgeArrow(edge: Dependency, x: number, y: number): string {
  const share = `${Math.round(100 * edge.confidence)} %`;
  const lag = edge.lagMs === null ? '' : `, ${lagText(edge.lagMs)} later in the mean`;
  const title = `${edge.from} → ${edge.to}: ${share} of ${Math.round(edge.support / edge.confidence)}${lag}, lift ${Number(edge.lift.toPrecision(3))}`;
  return `<g><line x1="${x + 3}" x2="${x + GAP - 3}" y1="${y}" y2="${y}" class="edge" stroke-width="${(1 + 3 * edge.confidence).toFixed(1)}" marker-end="url(#arrow)"/><text x="${x + GAP / 2 - 4}" y="${y - 6}" text-anchor="middle" class="axis">${share}</text><title>${escapeHtml(title)}</title></g>`;
}

function nodeBox(name: string, x: number, y: number): string {
  return `<g><rect x="${x}" y="${y - 12}" width="${BOX_WIDTH}" height="24" rx="5" class="node"/><text x="${x + 8}" y="${y + 4}" class="label">${escapeHtml(endThatFits(name, BOX_WIDTH - 14))}</text><title>${escapeHtml(name)}</title></g>`;
}

function lagText(ms: number): string {
  if (ms < 1000) return `${Number(ms.toPrecision(3))} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Number((ms / 3_600_000).toPrecision(3))} h`;
}

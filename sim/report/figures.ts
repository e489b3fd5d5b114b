/** Figures of the report that are drawn as SVG: hot segments over the week, and the strongest dependencies. */

import type { TraceInsight } from '../replay/result.ts';
import { escapeHtml } from './escape-html.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const LABEL_LENGTH_MAX = 34;

/** A heat map: a row a segment, a column an hour of the week, darker = more accesses relative to the row's busiest hour. */
export function hourOfWeekFigure(insight: TraceInsight): string {
  const rows = insight.hotByHourOfWeek;
  if (rows.length === 0) return '';
  const cell = 5;
  const left = 250;
  const top = 22;
  const height = 16;
  const width = left + 168 * cell + 70;
  const parts: string[] = [];
  DAYS.forEach((day, i) => {
    parts.push(`<text x="${left + i * 24 * cell + 2}" y="14" class="axis">${day}</text>`);
    const x = left + i * 24 * cell;
    parts.push(`<line x1="${x}" x2="${x}" y1="${top - 4}" y2="${top + rows.length * height}" class="grid"/>`);
  });
  rows.forEach((row, r) => {
    const y = top + r * height;
    const most = Math.max(1, ...row.hours);
    parts.push(
      `<text x="${left - 8}" y="${y + 12}" text-anchor="end" class="label">${escapeHtml(shortened(row.segment))}<title>${escapeHtml(row.segment)}</title></text>`,
    );
    row.hours.forEach((count, hour) => {
      if (count === 0) return;
      const opacity = (0.12 + (0.88 * count) / most).toFixed(2);
      const title = `${DAYS[Math.floor(hour / 24)]} ${String(hour % 24).padStart(2, '0')}:00 UTC: ${Math.round(count)}`;
      parts.push(
        `<rect x="${left + hour * cell}" y="${y + 1}" width="${cell}" height="${height - 2}" class="heat" fill-opacity="${opacity}"><title>${title}</title></rect>`,
      );
    });
    parts.push(`<text x="${left + 168 * cell + 6}" y="${y + 12}" class="axis">${Math.round(row.total)}</text>`);
  });
  return `<svg viewBox="0 0 ${width} ${top + rows.length * height + 6}" role="img" aria-label="Accesses of the hottest segments over the hours of the week">${parts.join('')}</svg>`;
}

interface Placed {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/**
 * The strongest edges as a drawing: each connected part is laid out from left to right along its edges, breadth first from
 * the segment that nothing leads to, so chains read like sentences.
 */
export function dependencyFigure(insight: TraceInsight): string {
  const edges = insight.dependencies;
  if (edges.length === 0) return '';
  const names = [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))];
  const hasPredecessor = new Set(edges.map((edge) => edge.to));
  const order = [...names.filter((name) => !hasPredecessor.has(name)), ...names];
  const placed = new Map<string, Placed>();
  const columnWidth = 260;
  const rowHeight = 34;
  let row = 0;
  let columns = 0;
  for (const root of order) {
    if (placed.has(root)) continue;
    let frontier = [root];
    let column = 0;
    let rowsUsed = 1;
    while (frontier.length > 0) {
      const next: string[] = [];
      let placedHere = 0;
      for (const name of frontier) {
        if (placed.has(name)) continue;
        placed.set(name, { name, x: 10 + column * columnWidth, y: 18 + (row + placedHere) * rowHeight });
        placedHere++;
        for (const edge of edges) if (edge.from === name && !placed.has(edge.to)) next.push(edge.to);
      }
      if (placedHere > 0) column++;
      rowsUsed = Math.max(rowsUsed, placedHere);
      frontier = next;
    }
    columns = Math.max(columns, column);
    row += rowsUsed;
  }
  const boxWidth = 190;
  const parts = edges.map((edge) => {
    const from = placed.get(edge.from)!;
    const to = placed.get(edge.to)!;
    const title = `${edge.from} → ${edge.to}: ${Math.round(100 * edge.confidence)} % of ${Math.round(edge.support)}${edge.lagMs === null ? '' : `, ${Math.round(edge.lagMs)} ms later in the mean`}, lift ${edge.lift.toPrecision(3)}`;
    const width = (1 + 4 * edge.confidence).toFixed(1);
    const path =
      to.x > from.x
        ? `M${from.x + boxWidth},${from.y} C${from.x + boxWidth + 40},${from.y} ${to.x - 40},${to.y} ${to.x},${to.y}`
        : `M${from.x + boxWidth / 2},${from.y + 11} C${from.x + boxWidth / 2},${from.y + 40} ${to.x + boxWidth / 2},${to.y + 40} ${to.x + boxWidth / 2},${to.y + 11}`;
    return `<path d="${path}" class="edge" stroke-width="${width}" marker-end="url(#arrow)"><title>${escapeHtml(title)}</title></path>`;
  });
  for (const { name, x, y } of placed.values()) {
    parts.push(
      `<g><rect x="${x}" y="${y - 11}" width="${boxWidth}" height="22" rx="5" class="node"/><text x="${x + 8}" y="${y + 4}" class="label">${escapeHtml(shortened(name, 26))}</text><title>${escapeHtml(name)}</title></g>`,
    );
  }
  const marker =
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z" class="arrow"/></marker></defs>';
  return `<svg viewBox="0 0 ${columns * columnWidth + 20} ${row * rowHeight + 30}" style="max-width:${columns * columnWidth + 20}px" role="img" aria-label="Strongest dependencies between segments">${marker}${parts.join('')}</svg>`;
}

/** The end of a long name: paths differ there. */
function shortened(name: string, lengthMax = LABEL_LENGTH_MAX): string {
  return name.length <= lengthMax ? name : `…${name.slice(1 - lengthMax)}`;
}

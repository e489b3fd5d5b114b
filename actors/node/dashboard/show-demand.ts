/** Demand by the hour and the season behind it: bars of what was and what is expected, and a map of the week. */

import type { PageKit } from './page-kit.ts';

export interface ShownDemand {
  readonly why: string | null;
  readonly timeZone: string;
  readonly hours: readonly { readonly fromMs: number; readonly accesses: number; readonly by: string }[];
  readonly past: readonly { readonly hour: string; readonly accesses: number }[];
  readonly weekProfile: readonly (number | null)[];
  readonly error: { readonly mean: number; readonly persistence: number } | null;
}

export function demandPicture(kit: PageKit): (demand: ShownDemand) => void {
  const { at, make, draw, short, percent } = kit;
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

  const bars = ({ hours, past }: ShownDemand): ReturnType<PageKit['draw']> => {
    const all = [...past.map(({ accesses }) => accesses), ...hours.map(({ accesses }) => accesses)];
    const most = Math.max(1, ...all);
    const first = hours[0]?.accesses ?? 0;
    const svg = draw('svg', {
      viewBox: '0 0 400 120',
      role: 'img',
      'aria-label': `Accesses an hour: the last ${past.length} hours and the next ${hours.length}; ${short(first)} are expected in this one`,
    });
    const width = 352 / Math.max(1, all.length);
    const y = (value: number): number => 100 - (90 * value) / most;
    for (const tick of [0, 0.5, 1]) {
      svg.append(draw('line', { class: 'grid', x1: 44, x2: 398, y1: y(most * tick), y2: y(most * tick) }));
      svg.append(draw('text', { x: 2, y: y(most * tick) + 4 }, short(most * tick)));
    }
    for (const [i, value] of all.entries()) {
      const isPast = i < past.length;
      const bar = draw('rect', {
        class: isPast ? 'past' : 'ahead',
        x: 45 + i * width,
        width: Math.max(1, width - 1),
        y: y(value),
        height: 100 - y(value),
      });
      const label = isPast
        ? `${past[i]!.hour.replace('T', ' ')}: ${short(value)} accesses`
        : `${new Date(hours[i - past.length]!.fromMs).toISOString().slice(0, 16).replace('T', ' ')} UTC: ${short(value)} expected, by ${hours[i - past.length]!.by}`;
      bar.append(draw('title', {}, label));
      svg.append(bar);
    }
    svg.append(draw('text', { x: 45, y: 115 }, past.length === 0 ? '' : `${past.length} hours back`));
    svg.append(draw('text', { x: 396, y: 115, 'text-anchor': 'end' }, `${hours.length} hours ahead`));
    return svg;
  };

  const week = (profile: readonly (number | null)[]): ReturnType<PageKit['draw']> => {
    const most = Math.max(1e-9, ...profile.map((mean) => mean ?? 0));
    const peak = profile.indexOf(most);
    const where = peak < 0 ? 'no hour yet' : `${days[Math.floor(peak / 24)]} ${peak % 24}:00`;
    const svg = draw('svg', {
      viewBox: '0 0 400 132',
      role: 'img',
      'aria-label': `Profile of the week, accesses an hour; the busiest is ${where}`,
    });
    for (const [day, name] of days.entries()) {
      svg.append(draw('text', { x: 2, y: day * 16 + 12 }, name));
      for (let hour = 0; hour < 24; hour++) {
        const mean = profile[day * 24 + hour] ?? null;
        const cell = draw('rect', {
          class: mean === null ? 'unseen' : 'cell',
          x: 34 + hour * 15.2,
          y: day * 16,
          width: 14,
          height: 14.5,
          'fill-opacity': mean === null ? 1 : (0.08 + 0.92 * (mean / most)).toFixed(2),
        });
        cell.append(
          draw('title', {}, `${name} ${hour}:00: ${mean === null ? 'not seen yet' : `${short(mean)} accesses`}`),
        );
        svg.append(cell);
      }
    }
    for (const hour of [0, 6, 12, 18]) svg.append(draw('text', { x: 34 + hour * 15.2, y: 126 }, `${hour}:00`));
    return svg;
  };

  return (demand) => {
    if (demand.why !== null || demand.hours.length === 0) {
      at('demand-text').textContent = `Nothing to show: ${demand.why ?? 'no hour is known'}.`;
      at('demand').replaceChildren();
      return;
    }
    const { error, timeZone } = demand;
    const better = error === null || error.persistence === 0 ? null : 1 - error.mean / error.persistence;
    const record =
      better === null
        ? ''
        : ` Off by ${short(error!.mean)} an hour, ${percent(Math.abs(better), 0)} ${better >= 0 ? 'less' : 'more'} than "as in the last hour".`;
    at('demand-text').textContent = `Accesses an hour, in the log's time (${timeZone}).${record}`;
    at('demand').replaceChildren(
      bars(demand),
      make('p', 'soft', 'The week: the darker, the more accesses that hour has in the mean.'),
      week(demand.weekProfile),
    );
  };
}

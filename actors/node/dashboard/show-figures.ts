/** The figures of the dashboard: how the node does, what prefetching gained, what bounds it, and whether it keeps its word. */

import type { EngineStats } from '../../engine/engine-stats.ts';
import type { NodeStatus } from '../node-status.ts';
import type { PageKit } from './page-kit.ts';

/** A bin of the reliability table. */
export interface ReliabilityBin {
  readonly count: number;
  readonly meanForecast: number | null;
  readonly hitRatio: number | null;
}
/** Infinity is null in JSON. */
export type ShownStats = EngineStats & { readonly reliability: readonly ReliabilityBin[] };

export interface Figures {
  status(status: NodeStatus): void;
  stats(stats: ShownStats): void;
}

export function figures(kit: PageKit): Figures {
  const { at, plain, make, draw, percent, grouped, short, bytes, duration, numbers, bar } = kit;

  const showReliability = (bins: readonly ReliabilityBin[]): void => {
    const known = bins.filter(({ count }) => count > 0);
    const total = known.reduce((sum, { count }) => sum + count, 0);
    const off = known.reduce(
      (sum, { count, meanForecast, hitRatio }) => sum + count * Math.abs((meanForecast ?? 0) - (hitRatio ?? 0)),
      0,
    );
    const said =
      total === 0 ? 'nothing to judge yet' : `${grouped(total)} judged, off by ${percent(off / total)} in the mean`;
    at('reliability-text').textContent = said;
    const svg = draw('svg', {
      viewBox: '0 0 400 190',
      role: 'img',
      'aria-label': `Share used against promised probability: ${said}`,
    });
    const x = (share: number): number => 44 + share * 340;
    const y = (share: number): number => 165 - share * 150;
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(draw('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: y(0), y2: y(1) }));
      svg.append(draw('line', { class: 'grid', x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) }));
      svg.append(draw('text', { x: x(tick), y: 182, 'text-anchor': tick === 1 ? 'end' : 'middle' }, percent(tick, 0)));
      svg.append(draw('text', { x: 2, y: y(tick) + 4 }, percent(tick, 0)));
    }
    svg.append(draw('line', { class: 'edge', x1: x(0), y1: y(0), x2: x(1), y2: y(1), 'stroke-dasharray': '5 4' }));
    const most = Math.max(1, ...bins.map(({ count }) => count));
    for (const { count, meanForecast, hitRatio } of known) {
      const r = 3 + 8 * Math.sqrt(count / most);
      const dot = draw('circle', { class: 'dot', cx: x(meanForecast ?? 0), cy: y(hitRatio ?? 0), r });
      dot.append(
        draw('title', {}, `promised ${percent(meanForecast)}, used ${percent(hitRatio)} of ${grouped(count)}`),
      );
      svg.append(dot);
    }
    at('reliability').replaceChildren(svg);
  };

  const showGovernor = (stats: ShownStats): void => {
    const { governor, refusals, cache } = stats;
    const headroom = governor.trafficHeadroom as number | null;
    const isBounded = headroom !== null && Number.isFinite(headroom);
    const states: string[] = [];
    if (refusals.throttled > 0) states.push(`${grouped(refusals.throttled)} throttled by the bound on misses`);
    if (refusals.budget > 0) states.push(`${grouped(refusals.budget)} refused by the bound on traffic`);
    if (governor.missBreaches > 0)
      states.push(`misses stood above their bound after ${grouped(governor.missBreaches)} accesses`);
    if (governor.trafficBreaches > 0)
      states.push(`traffic stood above its bound after ${grouped(governor.trafficBreaches)} accesses`);
    const off = governor.state?.experts.filter(({ isOff }) => isOff).length ?? 0;
    if (off > 0) states.push(`${grouped(off)} of the experts turned off, since they mislead`);
    const consumers = governor.state?.consumers ?? null;
    if (consumers !== null && consumers.lowered > 0)
      states.push(`${grouped(consumers.lowered)} forecasts lowered for consumers who do not do what they did`);
    const { lift } = governor;
    at('lift-text').textContent =
      lift === null || lift.withheld < 20
        ? `Withheld by chance so far: ${grouped(lift?.withheld ?? 0)} prefetches, too few to tell the lift.`
        : `Of ${grouped(lift.withheld)} prefetches withheld by chance ${percent(lift.share)} were asked for (95 % interval ${percent(lift.low)} to ${percent(lift.high)}); ${percent(lift.forecast)} was forecast.`;
    const isBreached = governor.missBreaches > 0 || governor.trafficBreaches > 0;
    const state = at('governor-state');
    state.className = `badge ${isBreached ? 'bad' : isBounded && headroom < 1 ? 'warn' : 'good'}`;
    state.textContent = isBreached
      ? 'a bound was passed'
      : isBounded && headroom < 1
        ? 'the budget is used up'
        : 'within its bounds';
    at('governor-text').textContent = states.length === 0 ? 'Nothing had to be held back.' : `${states.join('; ')}.`;
    numbers('budget-numbers', [
      ['requests, LRU alone = 1', stats.trafficRatio === null ? '–' : stats.trafficRatio.toFixed(3)],
      ['requests left', isBounded ? grouped(Math.max(0, headroom)) : 'no bound'],
      ['most misses above the ghost', grouped(governor.missExcess)],
      ...(governor.state?.missBound ? [['misses left', short(governor.state.missBound.slack)] as const] : []),
      ['least probability asked', short(governor.threshold)],
      ...(governor.spent === null ? [] : [['spent', short(governor.spent)] as const]),
      ['cache used', `${grouped(cache.used)} of ${grouped(cache.capacity)}`],
      ['staged', grouped(cache.staged)],
      ['in flight', grouped(cache.inFlight)],
    ]);
    const colors = ['--c0', '--c1', '--c2', '--c3', '--c4', '--c5'];
    const refused = Object.entries(refusals).filter(([, count]) => count > 0);
    if (refused.length === 0) at('refusal-bar').replaceChildren(make('p', 'soft', 'none'));
    else
      bar(
        'refusal-bar',
        refused.map(([name, count], i) => [name, count, colors[i % 6]!] as const),
      );
  };

  return {
    status: (status) => {
      at('name').textContent = status.name;
      const state = at('state');
      // Said again only when it changes, since it is read out.
      if (state.textContent !== status.state) state.textContent = status.state;
      state.className = `badge ${status.state === 'ready' ? 'good' : status.isReady ? 'warn' : 'bad'}`;
      at('mode').textContent =
        status.mode === 'prefetching'
          ? 'prefetching'
          : 'observing: no sink is configured, so nothing is fetched; this is what prefetching would do';
      const troubles = plain(
        Object.entries(status.troubles)
          .map(([name, why]) => `${name}: ${why}`)
          .join(' · '),
      );
      if (at('notice').textContent !== troubles) at('notice').textContent = troubles;
      const { log, checkpoint, delivery } = status;
      const waiting = log.end - status.toldUntil;
      numbers('node-numbers', [
        ['accesses and answers in the log', grouped(log.end)],
        ['waiting to be learned', grouped(waiting), waiting > 0 ? 'warn' : ''],
        ['log', bytes(log.bytes)],
        ['producers', grouped(log.producerCount)],
        [
          'checkpoint',
          checkpoint === null ? 'none yet' : `${duration(1000 * Math.round(status.checkpointAgeSeconds ?? 0))} old`,
        ],
        ['posts throttled', grouped(status.intake.throttled), status.intake.throttled > 0 ? 'warn' : ''],
        ['requests open', grouped(delivery.open)],
        ['dead letters', grouped(delivery.deadLetters), delivery.deadLetters > 0 ? 'bad' : ''],
      ]);
    },
    stats: (stats) => {
      const ratio = (misses: number): number | null => (stats.accesses > 0 ? 1 - misses / stats.accesses : null);
      const mine = ratio(stats.misses);
      const ghost = ratio(stats.baselineMisses);
      const gain = mine === null || ghost === null ? null : mine - ghost;
      numbers('hit-numbers', [
        ['hit ratio', percent(mine)],
        ['without prefetching', percent(ghost)],
        [
          'difference',
          gain === null ? '–' : `${gain >= 0 ? '+' : ''}${(gain * 100).toFixed(2)} pts`,
          gain === null || gain === 0 ? '' : gain > 0 ? 'good' : 'bad',
        ],
      ]);
      const saved = stats.latencySaved;
      numbers('latency-numbers', [
        [
          'waiting saved',
          saved === null ? '–' : duration(saved.totalMs),
          saved === null || saved.totalMs === 0 ? '' : saved.totalMs > 0 ? 'good' : 'bad',
        ],
        ['of all waiting', percent(saved?.share)],
        ['mean wait', duration(stats.latencyMs.mean)],
        ['without', duration(saved?.withoutMeanMs)],
        ['p99', duration(stats.latencyMs.p99)],
      ]);
      const { useful, late, wasted, cancelled, stale, issued } = stats.prefetches;
      numbers('outcome-numbers', [
        ['issued', grouped(issued)],
        ['precision', percent(stats.precision)],
        ['coverage', percent(stats.coverage)],
        ['timeliness', percent(stats.timeliness)],
        ['pollution', percent(stats.pollution, 2)],
      ]);
      bar('outcome-bar', [
        ['useful', useful, '--c2'],
        ['late', late, '--c4'],
        ['wasted', wasted, '--c1'],
        ['cancelled', cancelled, '--c5'],
        ['stale', stale, '--c3'],
        ['open', issued - useful - late - wasted - cancelled - stale, '--c0'],
      ]);
      const accounts = stats.governor.state?.experts ?? [];
      at('experts').replaceChildren(
        ...stats.experts.flatMap((expert, i) => {
          const account = accounts[i];
          if (expert.issued === 0 && account?.isOff !== true) return [];
          const trust =
            account === undefined
              ? make('td', 'n', '–')
              : make('td', account.isOff ? 'n bad' : 'n', account.isOff ? 'turned off' : percent(account.trust, 0));
          const used = percent(expert.issued === 0 ? null : expert.used / expert.issued);
          return [
            make(
              'tr',
              '',
              make('td', 'name', expert.name),
              make('td', 'n', grouped(expert.issued)),
              make('td', 'n', used),
              trust,
            ),
          ];
        }),
      );
      showGovernor(stats);
      showReliability(stats.reliability);
    },
  };
}

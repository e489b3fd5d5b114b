/** The dashboard at work: asks the node each second, shows the answers, and listens to keys. */

import type { NodeStatus } from '../node-status.ts';
import type { SeriesSample } from '../series.ts';
import type { SeriesCharts } from './draw-series.ts';
import type { DashboardPage, PageKit } from './page-kit.ts';
import type { ShownDemand } from './show-demand.ts';
import type { Figures, ShownStats } from './show-figures.ts';
import type { Lists } from './show-lists.ts';

export interface DashboardParts {
  readonly kit: PageKit;
  readonly charts: SeriesCharts;
  readonly figures: Figures;
  readonly lists: Lists;
  readonly showDemand: (demand: ShownDemand) => void;
  readonly showGraph: (name: string) => Promise<void>;
}

export function runDashboard(page: DashboardPage, parts: DashboardParts): void {
  const { document } = page;
  const { kit, charts, figures, lists, showDemand, showGraph } = parts;
  const { at, plain, ask, grouped, short, numbers } = kit;
  let isPaused = false;
  let round = 0;
  let isGraphShown = false;

  const showNow = async (): Promise<void> => {
    const status = await ask<NodeStatus>('/v1/status');
    figures.status(status);
    if (status.recovery === null) return;
    const [stats, { samples }] = await Promise.all([
      ask<ShownStats>('/v1/outcomes'),
      ask<{ samples: SeriesSample[] }>('/v1/series'),
    ]);
    at('empty').hidden = stats.accesses > 0;
    figures.stats(stats);
    charts.fill(samples);
    const then = samples.at(-6);
    const seconds = then === undefined ? 0 : (samples.at(-1)!.atMs - then.atMs) / 1000;
    numbers('rate-numbers', [
      ['a second, now', seconds > 0 ? short((samples.at(-1)!.accesses - then!.accesses) / seconds) : '–'],
      ['accesses', grouped(stats.accesses)],
      ['late', grouped(stats.late)],
    ]);
    if (round % 2 === 0) {
      const [hottest] = await Promise.all([lists.hot(), lists.decisions(), lists.plans()]);
      if (!isGraphShown && hottest !== null) {
        isGraphShown = true;
        await showGraph(hottest);
      }
    }
    // What someone asked for by name stays until the next question; the field that is typed in is left alone.
    if (round % 4 === 0 && at('consumer').value.trim() === '') await lists.forecast(false);
    if (round % 10 === 0 || stats.accesses === 0) showDemand(await ask<ShownDemand>('/v1/demand?hours=24'));
    round = stats.accesses === 0 ? 0 : round + 1;
  };
  const refresh = async (): Promise<void> => {
    try {
      await showNow();
    } catch (error) {
      const state = at('state');
      state.textContent = 'no answer';
      state.className = 'badge bad';
      at('notice').textContent = plain((error as Error).message);
    }
  };
  let hasRun = false;
  const loop = async (): Promise<void> => {
    if (!isPaused && !(document.hidden && hasRun)) await refresh();
    hasRun = true;
    page.setTimeout(() => void loop(), 1000);
  };
  const pause = (): void => {
    isPaused = !isPaused;
    at('pause').textContent = isPaused ? 'Go on' : 'Pause';
    at('pause').setAttribute('aria-pressed', String(isPaused));
  };
  const told = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      at('notice').textContent = plain((error as Error).message);
    });
  };

  at('upload').textContent = `curl --data-binary @access.log ${page.location.origin}/v1/accesses`;
  at('pause').addEventListener('click', pause);
  at('kind').addEventListener('change', () => told(lists.decisions()));
  at('ask').addEventListener('submit', (event) => {
    event.preventDefault();
    void lists.forecast(true);
  });
  at('look').addEventListener('submit', (event) => {
    event.preventDefault();
    isGraphShown = true;
    void showGraph(at('graph-of').value.trim());
  });
  at('signin').addEventListener('submit', (event) => {
    event.preventDefault();
    page.sessionStorage.setItem('token', at('token').value.trim());
    at('token').value = '';
    at('signin').hidden = true;
    at('notice').textContent = '';
    round = 0;
    void refresh();
  });
  const jumps: Record<string, string> = {
    '/': 'consumer',
    g: 'graph-of',
    d: 'kind',
    s: 'hot-region',
    n: 'demand-card',
  };
  document.addEventListener('keydown', (event) => {
    const tag = event.target?.tagName;
    if (event.ctrlKey === true || event.metaKey === true || event.altKey === true) return;
    if (tag === 'INPUT' || tag === 'SELECT') {
      if (event.key === 'Escape') event.target?.blur?.();
      return;
    }
    const to = jumps[event.key ?? ''];
    if (event.key === 'p') pause();
    else if (event.key === '?') {
      at('help').open = !at('help').open;
      at('help-title').focus();
    } else if (to !== undefined) {
      event.preventDefault();
      at(to).focus();
    }
  });
  void loop();
}

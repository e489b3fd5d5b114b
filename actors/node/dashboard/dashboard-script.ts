/** The script of the dashboard. Its source text is inlined, so it must need nothing but its arguments. */

import type { EngineStats } from '../../engine/engine-stats.ts';
import type { NodeStatus } from '../node-status.ts';
import type { SeriesSample } from '../series.ts';

/** The part of a page's element that the script touches. */
interface PageElement {
  textContent: string | null;
  value: string;
  hidden: boolean;
  className: string;
  readonly clientWidth: number;
  readonly style: { setProperty(name: string, value: string): void };
  append(...nodes: (PageElement | string)[]): void;
  replaceChildren(...nodes: (PageElement | string)[]): void;
  setAttribute(name: string, value: string): void;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  focus(): void;
}

interface PageEvent {
  readonly key?: string;
  readonly target?: { readonly tagName?: string };
  readonly ctrlKey?: boolean;
  readonly metaKey?: boolean;
  preventDefault(): void;
}

/** The part of the browser that the script touches. */
export interface DashboardPage {
  readonly document: {
    readonly hidden: boolean;
    readonly documentElement: PageElement;
    getElementById(id: string): PageElement | null;
    createElement(tag: string): PageElement;
    createElementNS(space: string, tag: string): PageElement;
    addEventListener(type: string, listener: (event: PageEvent) => void): void;
  };
  readonly sessionStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  fetch(
    path: string,
    init: object,
  ): Promise<{ readonly ok: boolean; readonly status: number; json(): Promise<unknown> }>;
  setTimeout(work: () => void, ms: number): number;
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };
  addEventListener(type: string, listener: () => void): void;
  matchMedia(query: string): { addEventListener(type: string, listener: () => void): void };
}

interface Plot {
  destroy(): void;
  setData(data: object): void;
  setSize(size: { width: number; height: number }): void;
}
type PlotClass = new (options: object, data: object, element: PageElement) => Plot;

interface Use {
  readonly segment: string;
  readonly count: number;
  readonly frequency: number;
  readonly consumers: number;
}
interface Bin {
  readonly count: number;
  readonly meanForecast: number | null;
  readonly hitRatio: number | null;
}
interface Edge {
  readonly source: string;
  readonly target: string;
  readonly confidence: number;
  readonly lagMeanMs: number;
  readonly depth: number;
}
interface Decision {
  readonly timeMs: number | null;
  readonly position: number;
  readonly kind: string;
  readonly reason: string | null;
  readonly segment: string;
  readonly probability: number | null;
  readonly why: string;
}
interface Forecast {
  readonly segment: string;
  readonly probability: number;
  readonly horizonMs: number;
  readonly expert: string;
  readonly why: readonly string[];
}

export function runDashboard(page: DashboardPage, UPlot: PlotClass): void {
  const { document } = page;
  const at = (id: string): PageElement => document.getElementById(id)!;
  const make = (tag: string, className: string, ...nodes: (PageElement | string)[]): PageElement => {
    const element = document.createElement(tag);
    element.className = className;
    element.append(...nodes);
    return element;
  };
  const percent = (share: number | null | undefined, digits = 1): string =>
    share === null || share === undefined ? '–' : `${(share * 100).toFixed(digits)} %`;
  const grouped = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
  const short = (value: number | null | undefined): string =>
    value === null || value === undefined
      ? '–'
      : Math.abs(value) >= 1000
        ? grouped(value)
        : String(Number(value.toPrecision(3)));
  const bytes = (value: number): string => {
    let scaled = value;
    let unit = 0;
    while (scaled >= 1024 && unit < 4) {
      scaled /= 1024;
      unit++;
    }
    return `${Number(scaled.toPrecision(3))} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
  };
  const clock = (ms: number | null): string =>
    ms === null ? '' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

  let isPaused = false;
  let samples: SeriesSample[] = [];

  const ask = async <T>(path: string): Promise<T> => {
    const token = page.sessionStorage.getItem('token');
    const response = await page.fetch(path, token === null ? {} : { headers: { authorization: `Bearer ${token}` } });
    if (response.ok) return (await response.json()) as T;
    if (response.status === 401 || response.status === 403) {
      at('signin').hidden = false;
      throw new Error('This node asks for a token that may read.');
    }
    const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
    throw new Error(body?.error?.message ?? `status ${response.status}`);
  };

  const numbers = (id: string, rows: readonly (readonly [string, string, string?])[]): void => {
    at(id).replaceChildren(
      ...rows.map(([name, value, tone]) => {
        const number = make('b', tone ?? '', value);
        return make('div', '', number, make('span', '', name));
      }),
    );
  };

  const bar = (id: string, parts: readonly (readonly [name: string, value: number, color: string])[]): void => {
    const total = parts.reduce((sum, [, value]) => sum + value, 0);
    const line = make('div', 'bar');
    const key = make('ul', 'key');
    for (const [name, value, color] of parts) {
      if (value > 0) {
        const piece = make('i', '');
        piece.style.setProperty('width', `${(100 * value) / total}%`);
        piece.style.setProperty('background', `var(${color})`);
        line.append(piece);
      }
      const item = make('li', '', `${name} ${grouped(value)}`);
      item.style.setProperty('--key', `var(${color})`);
      key.append(item);
    }
    at(id).replaceChildren(line, key);
  };

  const plots: {
    id: string;
    labels: readonly string[];
    colors: readonly number[];
    isShare: boolean;
    plot: Plot | null;
    data: (number | null)[][];
  }[] = [
    { id: 'rate-chart', labels: ['accesses/s'], colors: [0], isShare: false, plot: null, data: [[], []] },
    {
      id: 'hit-chart',
      labels: ['with prefetching', 'the same cache without', 'LRU'],
      colors: [2, 1, 5],
      isShare: true,
      plot: null,
      data: [[], [], [], []],
    },
  ];
  const drawPlots = (): void => {
    const style = page.getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    for (const chart of plots) {
      chart.plot?.destroy();
      const axis = {
        stroke: color('--soft'),
        grid: { stroke: color('--line'), width: 1 },
        ticks: { stroke: color('--line'), width: 1 },
        font: '11px system-ui, sans-serif',
      };
      const valueText = (value: number | null): string => (chart.isShare ? percent(value) : short(value));
      chart.plot = new UPlot(
        {
          width: at(chart.id).clientWidth,
          height: 160,
          cursor: { y: false },
          scales: {
            y: {
              range: (_: unknown, low: number, high: number) =>
                chart.isShare ? [Math.max(0, low - 0.02), Math.min(1, high + 0.02)] : [0, Math.max(1, high * 1.1)],
            },
          },
          axes: [
            axis,
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
              value: (_: unknown, value: number | null) => valueText(value),
            })),
          ],
        },
        chart.data,
        at(chart.id),
      );
    }
  };

  /** Rates and ratios over a sliding window of the samples, so that one slow second does not look like a fall. */
  const fillPlots = (): void => {
    const times: number[] = [];
    const rate: (number | null)[] = [];
    const hits: (number | null)[][] = [[], [], []];
    for (let i = 1; i < samples.length; i++) {
      const now = samples[i]!;
      const before = samples[i - 1]!;
      const seconds = (now.atMs - before.atMs) / 1000;
      times.push(now.atMs / 1000);
      rate.push(seconds > 0 ? Math.max(0, (now.accesses - before.accesses) / seconds) : null);
      const then = samples[Math.max(0, i - 30)]!;
      const accesses = now.accesses - then.accesses;
      const share = (a: number, b: number): number | null => (accesses > 0 ? 1 - (a - b) / accesses : null);
      hits[0]!.push(share(now.misses, then.misses));
      hits[1]!.push(share(now.baselineMisses, then.baselineMisses));
      hits[2]!.push(share(now.referenceMisses, then.referenceMisses));
    }
    plots[0]!.data = [times, rate];
    plots[1]!.data = [times, ...hits];
    for (const chart of plots) chart.plot?.setData(chart.data);
  };

  const showStatus = (status: NodeStatus): void => {
    at('name').textContent = status.name;
    const state = at('state');
    state.textContent = status.state;
    state.className = `badge ${status.state === 'ready' ? 'good' : status.isReady ? 'warn' : 'bad'}`;
    at('mode').textContent =
      status.mode === 'prefetching'
        ? 'prefetching'
        : 'observing: no sink is configured, so nothing is fetched; this is what prefetching would do';
    const troubles = Object.entries(status.troubles).map(([name, why]) => `${name}: ${why}`);
    at('notice').textContent = troubles.join(' · ');
    const { log, checkpoint, delivery } = status;
    numbers('node-numbers', [
      ['accesses in the log', grouped(log.end)],
      ['waiting', grouped(log.end - status.toldUntil), log.end - status.toldUntil > 0 ? 'warn' : ''],
      ['log', bytes(log.bytes)],
      ['producers', grouped(log.producerCount)],
      ['checkpoint', checkpoint === null ? 'none yet' : `${Math.round(status.checkpointAgeSeconds ?? 0)} s old`],
      ['throttled', grouped(status.intake.throttled), status.intake.throttled > 0 ? 'warn' : ''],
      ['requests open', grouped(delivery.open)],
      ['dead letters', grouped(delivery.deadLetters), delivery.deadLetters > 0 ? 'bad' : ''],
    ]);
  };

  const draw = (tag: string, attributes: Record<string, string | number>, text?: string): PageElement => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const showReliability = (bins: readonly Bin[]): void => {
    const svg = draw('svg', {
      viewBox: '0 0 400 190',
      role: 'img',
      'aria-label': 'Share used against promised probability',
    });
    const x = (share: number): number => 44 + share * 340;
    const y = (share: number): number => 165 - share * 150;
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(draw('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: y(0), y2: y(1) }));
      svg.append(draw('line', { class: 'grid', x1: x(0), x2: x(1), y1: y(tick), y2: y(tick) }));
      svg.append(draw('text', { x: x(tick) - 10, y: 182 }, percent(tick, 0)));
      svg.append(draw('text', { x: 2, y: y(tick) + 4 }, percent(tick, 0)));
    }
    svg.append(draw('line', { class: 'edge', x1: x(0), y1: y(0), x2: x(1), y2: y(1), 'stroke-dasharray': '5 4' }));
    const most = Math.max(1, ...bins.map(({ count }) => count));
    for (const { count, meanForecast, hitRatio } of bins) {
      if (count === 0 || meanForecast === null || hitRatio === null) continue;
      const dot = draw('circle', {
        class: 'dot',
        cx: x(meanForecast),
        cy: y(hitRatio),
        r: 3 + 8 * Math.sqrt(count / most),
      });
      dot.append(
        draw('title', {}, `promised ${percent(meanForecast)}, used ${percent(hitRatio)} of ${grouped(count)}`),
      );
      svg.append(dot);
    }
    at('reliability').replaceChildren(svg);
  };

  const showStats = (stats: EngineStats & { readonly reliability: readonly Bin[] }): void => {
    const { prefetches, governor, refusals } = stats;
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
        gain !== null && gain >= 0 ? 'good' : 'bad',
      ],
      ['mean wait', stats.latencyMs.mean === null ? '–' : `${short(stats.latencyMs.mean)} ms`],
      ['p99', stats.latencyMs.p99 === null ? '–' : `${short(stats.latencyMs.p99)} ms`],
    ]);
    const { useful, late, wasted, cancelled, stale, issued } = prefetches;
    numbers('outcome-numbers', [
      ['issued', grouped(issued)],
      ['precision', percent(stats.precision)],
      ['coverage', percent(stats.coverage)],
      ['timeliness', percent(stats.timeliness)],
      ['pollution', percent(stats.pollution, 2)],
      ['calibration error', short(stats.calibration?.ece)],
    ]);
    bar('outcome-bar', [
      ['useful', useful, '--c2'],
      ['late', late, '--c4'],
      ['wasted', wasted, '--c1'],
      ['cancelled', cancelled, '--c5'],
      ['stale', stale, '--c3'],
      ['open', issued - useful - late - wasted - cancelled - stale, '--c0'],
    ]);
    numbers('budget-numbers', [
      ['requests over LRU', stats.trafficRatio === null ? '–' : stats.trafficRatio.toFixed(3)],
      [
        'headroom',
        governor.trafficHeadroom === null || !Number.isFinite(governor.trafficHeadroom)
          ? 'no bound'
          : grouped(governor.trafficHeadroom),
      ],
      ['least probability', short(governor.threshold)],
      ['cache used', `${grouped(stats.cache.used)} of ${grouped(stats.cache.capacity)}`],
      ['staged', grouped(stats.cache.staged)],
      ['in flight', grouped(stats.cache.inFlight)],
    ]);
    const colors = ['--c0', '--c1', '--c2', '--c3', '--c4', '--c5'];
    const refused = Object.entries(refusals).filter(([, count]) => count > 0);
    if (refused.length === 0) at('refusal-bar').replaceChildren(make('p', 'soft', 'none'));
    else
      bar(
        'refusal-bar',
        refused.map(([name, count], i) => [name, count, colors[i % 6]!] as const),
      );
    showReliability(stats.reliability);
    at('experts').replaceChildren(
      ...stats.experts
        .filter((expert) => expert.issued > 0)
        .map((expert) =>
          make(
            'tr',
            '',
            make('td', 'name', expert.name),
            make('td', 'n', grouped(expert.issued)),
            make('td', 'n', percent(expert.used / expert.issued)),
          ),
        ),
    );
  };

  const segmentButton = (name: string): PageElement => {
    const button = make('button', 'link', name);
    button.setAttribute('type', 'button');
    button.addEventListener('click', () => void showGraph(name));
    return button;
  };

  const showHot = (segments: readonly Use[]): void => {
    at('hot').replaceChildren(
      ...segments.map((use) =>
        make(
          'tr',
          '',
          make('td', 'name', segmentButton(use.segment)),
          make('td', 'n', short(use.frequency)),
          make('td', 'n', grouped(use.count)),
          make('td', 'n', short(use.consumers)),
        ),
      ),
    );
  };

  const showDecisions = (decisions: readonly Decision[]): void => {
    const tones: Record<string, string> = { useful: 'good', late: 'warn', wasted: 'bad' };
    at('decisions').replaceChildren(
      ...decisions.map((one) =>
        make(
          'tr',
          '',
          make('td', 'n', clock(one.timeMs)),
          make('td', tones[one.reason ?? ''] ?? '', one.reason ?? one.kind),
          make('td', 'n', one.probability === null ? '' : one.probability.toFixed(2)),
          make('td', 'name', one.why),
        ),
      ),
    );
    at('no-decisions').hidden = decisions.length > 0;
  };

  const showGraph = async (name: string): Promise<void> => {
    at('graph-of').value = name;
    const place = at('graph');
    try {
      const { edges } = await ask<{ edges: readonly Edge[] }>(
        `/v1/graph?segment=${encodeURIComponent(name)}&depth=2&fanout=5`,
      );
      if (edges.length === 0) {
        place.replaceChildren(make('p', 'soft', `Nothing is known to follow ${name}.`));
        return;
      }
      const cut = (text: string): string => (text.length > 34 ? `…${text.slice(-33)}` : text);
      const first = edges.filter(({ depth }) => depth === 1);
      const rows: { edge: Edge; y: number; children: { edge: Edge; y: number }[] }[] = [];
      let y = 24;
      for (const edge of first) {
        const children = edges.filter(({ depth, source }) => depth === 2 && source === edge.target).slice(0, 3);
        const from = y;
        const placed = children.map((child, i) => ({ edge: child, y: from + i * 22 }));
        y = from + Math.max(1, children.length) * 22 + 8;
        rows.push({ edge, y: from + (Math.max(1, children.length) - 1) * 11, children: placed });
      }
      const svg = draw('svg', { viewBox: `0 0 860 ${y + 8}`, role: 'img', 'aria-label': `What follows ${name}` });
      const middle = y / 2;
      const link = (x1: number, y1: number, x2: number, y2: number, confidence: number): PageElement =>
        draw('path', {
          class: 'edge',
          d: `M${x1},${y1} C${x1 + 30},${y1} ${x2 - 30},${y2} ${x2},${y2}`,
          'stroke-width': (0.5 + 5 * confidence).toFixed(2),
          opacity: 0.6,
        });
      svg.append(draw('text', { x: 4, y: middle - 12 }, cut(name)));
      for (const row of rows) {
        svg.append(link(14, middle, 300, row.y, row.edge.confidence));
        svg.append(draw('circle', { class: 'node', cx: 300, cy: row.y, r: 5 }));
        svg.append(
          draw('text', { x: 310, y: row.y + 4 }, `${percent(row.edge.confidence, 0)} ${cut(row.edge.target)}`),
        );
        for (const child of row.children) {
          svg.append(link(556, row.y, 590, child.y, child.edge.confidence));
          svg.append(
            draw('text', { x: 596, y: child.y + 4 }, `${percent(child.edge.confidence, 0)} ${cut(child.edge.target)}`),
          );
        }
      }
      svg.append(draw('circle', { class: 'node', cx: 10, cy: middle, r: 7 }));
      place.replaceChildren(svg);
    } catch (error) {
      place.replaceChildren(make('p', 'soft', (error as Error).message));
    }
  };

  const showForecast = async (): Promise<void> => {
    const place = at('forecasts');
    const consumer = at('consumer').value.trim();
    try {
      const answer = await ask<{ consumer: string | null; after: string | null; forecasts: readonly Forecast[] }>(
        `/v1/forecast?count=6${consumer === '' ? '' : `&consumer=${encodeURIComponent(consumer)}`}`,
      );
      const items = answer.forecasts.map((one) =>
        make(
          'div',
          '',
          make('span', 'p', percent(one.probability)),
          segmentButton(one.segment),
          make('span', 'soft', ` within ${short(one.horizonMs / 1000)} s, ${one.expert}`),
          make('ol', 'why', ...one.why.map((reason) => make('li', '', reason))),
        ),
      );
      place.replaceChildren(
        make('p', 'soft', `${answer.consumer ?? 'Anyone'}${answer.after === null ? '' : `, after ${answer.after}`}:`),
        ...(items.length > 0 ? items : ['Nothing is expected yet.']),
      );
    } catch (error) {
      place.replaceChildren(make('p', 'soft', (error as Error).message));
    }
  };

  let round = 0;
  const refresh = async (): Promise<void> => {
    if (isPaused || (document.hidden && round > 0)) return;
    try {
      const status = await ask<NodeStatus>('/v1/status');
      showStatus(status);
      if (status.recovery === null) return;
      const [stats, series] = await Promise.all([
        ask<EngineStats & { readonly reliability: readonly Bin[] }>('/v1/outcomes'),
        ask<{ samples: SeriesSample[] }>('/v1/series'),
      ]);
      samples = series.samples;
      showStats(stats);
      fillPlots();
      const seconds = samples.length > 5 ? (samples.at(-1)!.atMs - samples.at(-6)!.atMs) / 1000 : 0;
      numbers('rate-numbers', [
        [
          'accesses a second',
          seconds > 0 ? short((samples.at(-1)!.accesses - samples.at(-6)!.accesses) / seconds) : '–',
        ],
        ['accesses', grouped(stats.accesses)],
        ['segments staged', grouped(stats.cache.staged)],
      ]);
      if (round % 2 === 0) {
        const kind = at('kind').value;
        const [hot, decided] = await Promise.all([
          ask<{ segments: readonly Use[] }>('/v1/hot-segments?limit=15'),
          ask<{ decisions: readonly Decision[] }>(`/v1/decisions?limit=40${kind === '' ? '' : `&kind=${kind}`}`),
        ]);
        showHot(hot.segments);
        showDecisions(decided.decisions);
        if (round === 0) {
          await showForecast();
          const first = hot.segments[0];
          if (first !== undefined) await showGraph(first.segment);
        }
      }
      round++;
    } catch (error) {
      const state = at('state');
      state.textContent = 'no answer';
      state.className = 'badge bad';
      at('notice').textContent = (error as Error).message;
    }
  };
  const loop = async (): Promise<void> => {
    await refresh();
    page.setTimeout(() => void loop(), 1000);
  };
  const pause = (): void => {
    isPaused = !isPaused;
    at('pause').textContent = isPaused ? 'Go on' : 'Pause';
    at('pause').setAttribute('aria-pressed', String(isPaused));
  };
  at('pause').addEventListener('click', pause);
  at('kind').addEventListener('change', () => {
    round = Math.max(2, round + (round % 2));
    void refresh();
  });
  at('ask').addEventListener('submit', (event) => {
    event.preventDefault();
    void showForecast();
  });
  at('look').addEventListener('submit', (event) => {
    event.preventDefault();
    void showGraph(at('graph-of').value.trim());
  });
  at('signin').addEventListener('submit', (event) => {
    event.preventDefault();
    page.sessionStorage.setItem('token', at('token').value.trim());
    at('signin').hidden = true;
    at('notice').textContent = '';
    void refresh();
  });
  document.addEventListener('keydown', (event) => {
    const tag = event.target?.tagName;
    if (event.ctrlKey === true || event.metaKey === true || tag === 'INPUT' || tag === 'SELECT') return;
    const jump: Record<string, string> = { '/': 'consumer', g: 'graph-of', d: 'kind' };
    if (event.key === 'p') pause();
    else if (jump[event.key ?? ''] !== undefined) {
      event.preventDefault();
      at(jump[event.key!]!).focus();
    }
  });
  drawPlots();
  page.addEventListener('resize', () => {
    for (const { plot, id } of plots) plot?.setSize({ width: at(id).clientWidth, height: 160 });
  });
  page.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawPlots);
  void loop();
}

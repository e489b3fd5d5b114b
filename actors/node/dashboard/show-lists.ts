/** The lists of the dashboard: what is expected, what is used most, what is planned, and what was decided; each with its reasons. */

import type { PageElement, PageKit } from './page-kit.ts';

interface Use {
  readonly segment: string;
  readonly count: number;
  readonly frequency: number;
  readonly consumers: number;
}
interface Decision {
  readonly timeMs: number | null;
  readonly kind: string;
  readonly reason: string | null;
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
interface Plan {
  readonly segment: string;
  readonly state: string;
  readonly probability: number | null;
  readonly netBenefit: number | null;
  readonly reason: string;
}

export interface Lists {
  /** Resolves to the most used segment, null = none yet. */
  hot(): Promise<string | null>;
  decisions(): Promise<void>;
  plans(): Promise<void>;
  /** `isAsked` = someone asked just now, so the answer is read out and the evidence is new. */
  forecast(isAsked: boolean): Promise<void>;
}

export function lists(kit: PageKit, showGraph: (name: string) => Promise<void>): Lists {
  const { at, plain, make, percent, grouped, short, duration, ask } = kit;
  const clock = (ms: number | null): string =>
    ms === null ? '' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const segmentButton = (name: string): PageElement => {
    const button = make('button', 'link', name);
    button.setAttribute('type', 'button');
    button.setAttribute('aria-label', `${plain(name)}: show what is around it`);
    button.addEventListener('click', () => void showGraph(name).then(() => at('graph').focus()));
    return button;
  };

  return {
    hot: async () => {
      const { segments } = await ask<{ segments: readonly Use[] }>('/v1/hot-segments?limit=15');
      at('hot').replaceChildren(
        ...segments.map((use) =>
          make(
            'tr',
            '',
            make('td', 'name', segmentButton(use.segment)),
            make('td', 'n', short(use.frequency)),
            make('td', 'n', grouped(use.count)),
            make('td', 'n', use.consumers > 260 ? '260+' : String(Math.round(use.consumers))),
          ),
        ),
      );
      return segments[0]?.segment ?? null;
    },
    decisions: async () => {
      const kind = at('kind').value;
      const { decisions } = await ask<{ decisions: readonly Decision[] }>(
        `/v1/decisions?limit=40${kind === '' ? '' : `&kind=${kind}`}`,
      );
      const tones: Record<string, string> = { useful: 'good', late: 'warn', wasted: 'bad' };
      at('decisions').replaceChildren(
        ...decisions.map((one) =>
          make(
            'li',
            '',
            make('span', 'when', clock(one.timeMs)),
            make('b', tones[one.reason ?? ''] ?? '', one.reason ?? one.kind),
            make('span', 'n', one.probability === null ? '' : one.probability.toFixed(2)),
            make('span', 'why', one.why),
          ),
        ),
      );
      at('no-decisions').hidden = decisions.length > 0;
    },
    plans: async () => {
      const { counts, plans } = await ask<{ counts: Record<string, number>; plans: readonly Plan[] }>(
        '/v1/plans?limit=12',
      );
      kit.numbers(
        'plan-numbers',
        Object.entries(counts).map(([state, count]) => [state, grouped(count)] as const),
      );
      at('plans').replaceChildren(
        ...plans.map((plan) =>
          make(
            'li',
            '',
            make('b', '', plan.state),
            ' ',
            segmentButton(plan.segment),
            make(
              'span',
              'why',
              `${plan.reason}${plan.netBenefit === null ? '' : `; net benefit ${short(plan.netBenefit)}`}`,
            ),
          ),
        ),
      );
      at('no-plans').hidden = plans.length > 0;
    },
    forecast: async (isAsked) => {
      const consumer = at('consumer').value.trim();
      const said = at('forecast-text');
      try {
        const answer = await ask<{ consumer: string | null; after: string | null; forecasts: readonly Forecast[] }>(
          `/v1/forecast?count=5${consumer === '' ? '' : `&consumer=${encodeURIComponent(consumer)}`}`,
        );
        const after = answer.after === null ? '' : `, after ${plain(answer.after)}`;
        const text = `${plain(answer.consumer ?? 'Anyone')}${after}: ${answer.forecasts.length === 0 ? 'nothing is expected yet.' : 'likely next'}`;
        if (isAsked || said.textContent !== text) said.textContent = text;
        at('forecasts').replaceChildren(
          ...answer.forecasts.map((one) =>
            make(
              'li',
              '',
              make('b', 'p', percent(one.probability)),
              ' ',
              segmentButton(one.segment),
              make('span', 'soft', ` within ${duration(one.horizonMs)}, by ${one.expert}`),
              make('ul', 'why', ...one.why.map((reason) => make('li', '', reason))),
            ),
          ),
        );
      } catch (error) {
        said.textContent = plain((error as Error).message);
        at('forecasts').replaceChildren();
      }
    },
  };
}

/** The dependency graph around one segment: what leads to it, what follows, and what follows that; each can be walked to. */

import type { PageElement, PageKit } from './page-kit.ts';

interface Edge {
  readonly source: string;
  readonly target: string;
  readonly confidence: number;
  readonly lagMeanMs: number;
  readonly depth: number;
}

/** Shows the graph around `name`. Beside the picture there is a list, for narrow pages and for who cannot see it. */
export function graphPicture(kit: PageKit): (name: string) => Promise<void> {
  const { at, make, draw, percent, duration, ask } = kit;
  const cut = (text: string, length: number): string => (text.length > length ? `…${text.slice(1 - length)}` : text);

  const show = async (name: string): Promise<void> => {
    at('graph-of').value = name;
    const place = at('graph');
    try {
      const { edges, before } = await ask<{ edges: readonly Edge[]; before: readonly Edge[] }>(
        `/v1/graph?segment=${encodeURIComponent(name)}&depth=2&fanout=5`,
      );
      if (edges.length === 0 && before.length === 0) {
        place.replaceChildren(make('p', 'soft', `Nothing is known to lead to ${name}, or to follow it.`));
        return;
      }
      const first = edges.filter(({ depth }) => depth === 1);
      const after = (source: string): readonly Edge[] =>
        edges.filter((edge) => edge.depth === 2 && edge.source === source).slice(0, 3);
      place.replaceChildren(picture(name, before, first, after), list(name, before, first, after));
    } catch (error) {
      place.replaceChildren(make('p', 'soft', (error as Error).message));
    }
  };

  const walk = (element: PageElement, name: string): PageElement => {
    const go = (): void => void show(name).then(() => at('graph').focus());
    element.addEventListener('click', go);
    element.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      go();
    });
    return element;
  };

  const picture = (
    name: string,
    before: readonly Edge[],
    first: readonly Edge[],
    after: (source: string) => readonly Edge[],
  ): PageElement => {
    const rows = first.map((edge) => ({ edge, next: after(edge.target) }));
    const heights = rows.map(({ next }) => Math.max(1, next.length) * 24 + 10);
    const height = Math.max(80, before.length * 30 + 20, heights.reduce((sum, h) => sum + h, 0) + 16);
    const svg = draw('svg', {
      viewBox: `0 0 1000 ${height}`,
      class: 'wide-graph',
      role: 'group',
      'aria-label': `The graph around ${name}`,
    });
    const middle = height / 2;
    const link = (d: string, confidence: number): void => {
      svg.append(draw('path', { class: 'edge', d, 'stroke-width': (0.6 + 5 * confidence).toFixed(2), opacity: 0.55 }));
    };
    const node = (x: number, y: number, target: string, edge: Edge | null, size: number, anchor = 'start'): void => {
      const said = edge === null ? target : `${edge.source} leads to ${edge.target}, ${percent(edge.confidence)}`;
      const group = walk(draw('g', { class: 'place', tabindex: 0, role: 'button', 'aria-label': said }), target);
      group.append(draw('circle', { class: 'node', cx: x, cy: y, r: edge === null ? 7 : 5 }));
      const label = edge === null ? cut(target, size) : `${percent(edge.confidence, 0)} ${cut(target, size)}`;
      group.append(draw('text', { x: anchor === 'end' ? x - 10 : x + 8, y: y - 5, 'text-anchor': anchor }, label));
      const lag = edge === null || edge.lagMeanMs === 0 ? '' : `, ${duration(edge.lagMeanMs)} later in the mean`;
      group.append(
        draw(
          'title',
          {},
          `${edge === null ? target : `${edge.source} → ${edge.target}: ${percent(edge.confidence)}${lag}`}`,
        ),
      );
      svg.append(group);
    };
    for (const [i, edge] of before.entries()) {
      const y = middle + (i - (before.length - 1) / 2) * 30;
      link(`M24,${y} L225,${y} C262,${y} 262,${middle} 300,${middle}`, edge.confidence);
      node(24, y, edge.source, edge, 24);
    }
    let y = 8;
    for (const [i, { edge, next }] of rows.entries()) {
      const at1 = y + heights[i]! / 2;
      link(`M300,${middle} C360,${middle} 380,${at1} 430,${at1}`, edge.confidence);
      for (const [n, child] of next.entries()) {
        const at2 = at1 + (n - (next.length - 1) / 2) * 24;
        link(`M430,${at1} L660,${at1} C690,${at1} 690,${at2} 720,${at2}`, child.confidence);
        node(720, at2, child.target, child, 32);
      }
      node(430, at1, edge.target, edge, 28);
      y += heights[i]!;
    }
    node(300, middle, name, null, 26, first.length === 0 ? 'start' : 'middle');
    return svg;
  };

  const list = (
    name: string,
    before: readonly Edge[],
    first: readonly Edge[],
    after: (source: string) => readonly Edge[],
  ): PageElement => {
    const entry = (edge: Edge, target: string, ...inner: PageElement[]): PageElement => {
      const button = walk(make('button', 'link', target), target);
      button.setAttribute('type', 'button');
      const lag = edge.lagMeanMs === 0 ? '' : `, ${duration(edge.lagMeanMs)} later`;
      return make(
        'li',
        '',
        make('b', 'p', percent(edge.confidence, 0)),
        ' ',
        button,
        make('span', 'soft', lag),
        ...inner,
      );
    };
    const parts: PageElement[] = [];
    if (before.length > 0)
      parts.push(make('h3', '', `Leads to ${name}`), make('ul', '', ...before.map((edge) => entry(edge, edge.source))));
    if (first.length > 0)
      parts.push(
        make('h3', '', `Follows ${name}`),
        make(
          'ul',
          '',
          ...first.map((edge) => {
            const next = after(edge.target);
            return entry(
              edge,
              edge.target,
              ...(next.length === 0 ? [] : [make('ul', '', ...next.map((child) => entry(child, child.target)))]),
            );
          }),
        ),
      );
    return make('div', 'graph-list', ...parts);
  };

  return show;
}

/** What every part of the dashboard's script uses: elements, numbers as text, drawing, and questions to the node. */

/** The part of a page's element that the script touches. */
export interface PageElement {
  textContent: string | null;
  value: string;
  hidden: boolean;
  open: boolean;
  className: string;
  readonly clientWidth: number;
  readonly style: { setProperty(name: string, value: string): void };
  append(...nodes: (PageElement | string)[]): void;
  replaceChildren(...nodes: (PageElement | string)[]): void;
  setAttribute(name: string, value: string): void;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  focus(): void;
  blur(): void;
}

export interface PageEvent {
  readonly key?: string;
  readonly target?: { readonly tagName?: string; blur?(): void };
  readonly ctrlKey?: boolean;
  readonly metaKey?: boolean;
  readonly altKey?: boolean;
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
  readonly location: { readonly origin: string };
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

/** Name, value and, where it is good or bad news, its tone. */
export type NumberRow = readonly [name: string, value: string, tone?: string];

export interface PageKit {
  at(id: string): PageElement;
  /** A text with names that strangers chose, as it may be shown: `printable`, and not beyond measure. */
  plain(text: string): string;
  /** Texts are shown `plain`. */
  make(tag: string, className: string, ...nodes: (PageElement | string)[]): PageElement;
  /** An element of an SVG. */
  draw(tag: string, attributes: Record<string, string | number>, text?: string): PageElement;
  percent(share: number | null | undefined, digits?: number): string;
  /** A whole number, its thousands apart. */
  grouped(value: number): string;
  /** Three digits of it. */
  short(value: number | null | undefined): string;
  bytes(value: number): string;
  duration(ms: number | null | undefined): string;
  numbers(id: string, rows: readonly NumberRow[]): void;
  /** Parts of a whole as one bar with its key. */
  bar(id: string, parts: readonly (readonly [name: string, value: number, color: string])[]): void;
  /** The JSON of an answer. Rejects with what the node says of a fault. */
  ask<T>(path: string): Promise<T>;
}

/** Its source text is inlined, so it must need nothing but its arguments; so do all parts. */
export function pageKit(page: DashboardPage, printable: (text: string, lengthMax: number) => string): PageKit {
  const { document } = page;
  const at = (id: string): PageElement => document.getElementById(id)!;
  const plain = (text: string): string => printable(text, 600);
  const make = (tag: string, className: string, ...nodes: (PageElement | string)[]): PageElement => {
    const element = document.createElement(tag);
    if (className !== '') element.className = className;
    element.append(...nodes.map((node) => (typeof node === 'string' ? plain(node) : node)));
    return element;
  };
  const digits = (value: number): string => String(Number(value.toPrecision(3)));
  const grouped = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
  const short = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : Math.abs(value) >= 1000 ? grouped(value) : digits(value);
  const scaled = (value: number, units: readonly string[], step: number): string => {
    let rest = value;
    let unit = 0;
    while (Math.abs(rest) >= step && unit < units.length - 1) {
      rest /= step;
      unit++;
    }
    return `${digits(rest)} ${units[unit]}`;
  };
  return {
    at,
    plain,
    make,
    draw: (tag, attributes, text) => {
      const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
      if (text !== undefined) element.textContent = plain(text);
      return element;
    },
    percent: (share, fraction = 1) =>
      share === null || share === undefined ? '–' : `${(share * 100).toFixed(fraction)} %`,
    grouped,
    short,
    bytes: (value) => scaled(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 1024),
    duration: (ms) => {
      if (ms === null || ms === undefined) return '–';
      const size = Math.abs(ms);
      if (size < 1000) return `${digits(ms)} ms`;
      if (size < 120_000) return `${digits(ms / 1000)} s`;
      return size < 7_200_000 ? `${digits(ms / 60_000)} min` : `${short(ms / 3_600_000)} h`;
    },
    numbers: (id, rows) => {
      at(id).replaceChildren(
        ...rows.map(([name, value, tone]) => make('div', '', make('b', tone ?? '', value), make('span', '', name))),
      );
    },
    bar: (id, parts) => {
      const total = parts.reduce((sum, [, value]) => sum + value, 0);
      const line = make('div', 'bar');
      line.setAttribute('aria-hidden', 'true');
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
    },
    ask: async <T>(path: string): Promise<T> => {
      const token = page.sessionStorage.getItem('token');
      const response = await page.fetch(path, token === null ? {} : { headers: { authorization: `Bearer ${token}` } });
      if (response.ok) return (await response.json()) as T;
      if (response.status === 401 || response.status === 403) {
        at('signin').hidden = false;
        throw new Error('This node asks for a token that may read.');
      }
      const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
      throw new Error(body?.error?.message ?? `status ${response.status}`);
    },
  };
}

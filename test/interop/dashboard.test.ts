import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import { type RunningNode, runNode } from '../../actors/node/run-node.ts';
import { skipUnless } from '../require-or-skip.ts';
import { Browser, chromium } from './browser.ts';

const isAbsent = skipUnless(chromium !== undefined, 'no chromium: apt-get install chromium');
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
/** Names that would break a page which took them for markup. */
const names = [
  '</script><script>document.title="broken"</script>',
  '<img src=http://example.org/x onerror=alert(1)>',
  `/a/very/long/name/${'that-has-no-place-to-break-'.repeat(8)}end`,
  '日本語',
  '/turned\u202eexe.txt\u0007',
  `/${'beyond-any-measure'.repeat(400)}`,
  ...Array.from({ length: 8 }, (_, i) => `/p${i}`),
];
let running: RunningNode;
let browser: Browser;

async function post(node: RunningNode, count: number, everyMs: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      time: 1_700_000_000_000 + i * everyMs,
      segment: names[i % names.length],
      consumer: `c${i % 3}`,
    }),
  );
  const response = await fetch(`${node.address}/v1/accesses`, {
    method: 'POST',
    body: rows.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(response.status).toBe(200);
  await node.node.intake.idle();
}

beforeAll(async () => {
  if (isAbsent) return;
  running = await runNode(
    checkNodeConfig({ store: 'memory', http: { port: 0 }, engine: { capacity: 6 } }, 'test'),
    quiet,
  );
  await post(running, 1200, 120_000);
  browser = await Browser.open();
}, 30_000);
afterAll(async () => {
  await browser?.close();
  await running?.stop();
});

const isFilled = `document.querySelector('#graph svg') && document.querySelector('#demand rect') && document.querySelector('#forecasts li')`;
const textOf = (id: string): Promise<string> => browser.value(`document.getElementById('${id}').innerText`);
const focused = (): Promise<string> => browser.value('document.activeElement.id || document.activeElement.className');

describe.skipIf(isAbsent)('the dashboard', () => {
  test('shows every figure that it is asked for, and takes no name for markup', async () => {
    await browser.show(running.address, isFilled, { width: 1320 });
    expect(await textOf('state')).toBe('ready');
    expect(await textOf('rate-numbers')).toContain('1 200');
    expect(await textOf('hit-numbers')).toMatch(/hit ratio[\s\S]*without prefetching[\s\S]*difference/);
    expect(await textOf('latency-numbers')).toMatch(/[\d.]+ (m?s|min)\s+waiting saved/);
    expect(await textOf('outcome-bar')).toMatch(/useful \d+[\s\S]*late \d+[\s\S]*wasted \d+/);
    expect(await textOf('budget-numbers')).toMatch(/requests left/);
    expect(await textOf('governor-state')).toBe('within its bounds');
    expect(await textOf('hot')).toContain('日本語');
    expect(await textOf('demand-text')).toContain('(UTC)');
    // A bar for each of the 24 hours ahead, and a cell for each hour of the week.
    expect(await browser.value(`document.querySelectorAll('#demand .ahead').length`)).toBe(24);
    expect(await browser.value(`document.querySelectorAll('#demand .cell, #demand .unseen').length`)).toBe(168);
    expect(await browser.value(`document.querySelectorAll('#graph .place').length`)).toBeGreaterThan(3);
    expect(await browser.value(`document.querySelectorAll('#reliability .dot').length`)).toBeGreaterThan(0);
    expect(await browser.value(`document.querySelectorAll('canvas').length`)).toBe(2);
    expect(await textOf('decisions')).toMatch(/expects it to be asked for/);
    expect(await textOf('plan-numbers')).toMatch(/planned[\s\S]*queued[\s\S]*open[\s\S]*staged/);
    expect(await textOf('forecasts')).toMatch(/within 10 s, by/);
    // Nothing turns the direction of the text beside it, and a name takes no page of its own.
    const text = await browser.value<string>('document.body.innerText');
    expect(text).toContain('/turned\\u{202e}exe.txt\\x07');
    expect(text).not.toMatch(/\u202e/);
    expect(text).not.toContain('beyond-any-measure'.repeat(40));
    expect(await browser.value('document.title')).toBe('Anteroom node');
    expect(await browser.value(`document.querySelectorAll('main img').length`)).toBe(0);
  });

  test('moves while accesses come in', async () => {
    await browser.show(running.address, isFilled, { width: 1320 });
    const before = await textOf('rate-numbers');
    await post(running, 300, 120_000);
    await browser.until(`document.getElementById('rate-numbers').innerText !== ${JSON.stringify(before)}`);
    expect(await textOf('rate-numbers')).toContain('1 500');
  });

  test('asks its own node only, and its policy lets nothing else be loaded, sent or run', async () => {
    const policy = (await fetch(running.address)).headers.get('content-security-policy')!;
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(policy).not.toMatch(/https?:/);
    await browser.show(running.address, isFilled, { width: 1320 });
    const foreign = browser.asked.filter((url) => !url.startsWith(running.address) && !/^(about|data):/.test(url));
    expect(foreign).toEqual([]);
    expect(browser.asked.some((url) => url.endsWith('/v1/outcomes'))).toBe(true);
    // What a script that got into the page could try.
    const refused = await browser.value<string[]>(`(async () => {
      const refused = [];
      document.addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
      await fetch('http://127.0.0.1:1/').catch(() => {});
      const image = document.createElement('img'); image.src = 'http://127.0.0.1:1/x.png'; document.body.append(image);
      const script = document.createElement('script');
      try { script.textContent = 'document.title = "broken"'; document.body.append(script); } catch { refused.push('trusted'); }
      const frame = document.createElement('iframe'); frame.src = 'http://127.0.0.1:1/'; document.body.append(frame);
      try { document.body.insertAdjacentHTML('beforeend', '<b>markup</b>'); } catch { refused.push('markup'); }
      await new Promise((settle) => setTimeout(settle, 300));
      return refused;
    })()`);
    expect(refused).toEqual(expect.arrayContaining(['connect-src', 'img-src', 'frame-src', 'markup']));
    expect(await browser.value('document.title')).toBe('Anteroom node');
  });

  test('writes nothing to the console', async () => {
    browser.said.length = 0;
    await browser.show(running.address, isFilled, { width: 1320 });
    await browser.show(running.address, isFilled, { width: 360, isPhone: true, isDark: true });
    expect(browser.said).toEqual([]);
  });

  test('is worked by keyboard alone', async () => {
    await browser.show(running.address, isFilled, { width: 1320 });
    await browser.press('Tab');
    expect(await focused()).toBe('skip');
    await browser.press('Enter');
    expect(await focused()).toBe('main');
    await browser.press('p');
    expect(await textOf('pause')).toBe('Go on');
    await browser.press('p', '/', 'c', '2', 'Enter');
    expect(await focused()).toBe('consumer');
    await browser.until(`document.getElementById('forecast-text').innerText.startsWith('c2, after')`);
    await browser.press('Escape', 'g');
    expect(await focused()).toBe('graph-of');
    await browser.value(`document.getElementById('graph-of').value = ''`);
    await browser.press('/', 'p', '3', 'Enter');
    await browser.until(`document.querySelector('#graph svg')?.getAttribute('aria-label') === 'The graph around /p3'`);
    // From there to what follows it, without a pointer.
    await browser.press('Escape');
    const next = await browser.value<string>(`(() => {
      const place = document.querySelector('#graph .place[aria-label^="/p3 leads to"]');
      place.focus();
      return /leads to (.*), [\\d.]+ %/.exec(place.getAttribute('aria-label'))[1];
    })()`);
    await browser.press('Enter');
    await browser.until(
      `document.querySelector('#graph svg')?.getAttribute('aria-label') === ${JSON.stringify(`The graph around ${next}`)}`,
    );
    expect(await focused()).toBe('graph');
    await browser.press('d');
    expect(await focused()).toBe('kind');
    await browser.press('Escape', '?');
    expect(await browser.value(`document.getElementById('help').open`)).toBe(true);
  });

  test('shows where the focus is, at every stop of the Tab key, and lets it out again', async () => {
    await browser.show(running.address, isFilled, { width: 1320 });
    await browser.press('p', 'Tab');
    const stops = await browser.value<number>(
      `[...document.querySelectorAll('a[href],button,input,select,summary,[tabindex="0"]')].filter((e) => e.checkVisibility() && e.tabIndex >= 0).length`,
    );
    const seen: string[] = [];
    for (let i = 0; i < stops; i++) {
      const stop = await browser.value<{ name: string; isShown: boolean } | null>(`(() => {
        const e = document.activeElement; if (e === document.body) return null;
        const style = getComputedStyle(e); const circle = e.querySelector?.('.node');
        const isShown = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || (circle && getComputedStyle(circle).strokeWidth === '4px');
        return { name: e.id || e.getAttribute('aria-label') || e.textContent, isShown: Boolean(isShown) };
      })()`);
      if (stop === null) break;
      seen.push(stop.name);
      expect(stop).toEqual({ name: stop.name, isShown: true });
      await browser.press('Tab');
    }
    expect(seen.length).toBe(stops);
  });

  test.each([
    ['light', false],
    ['dark', true],
  ])('has text of a contrast of at least 4.5 to 1 in the %s', async (_, isDark) => {
    await browser.show(running.address, isFilled, { width: 1320, isDark });
    await browser.value(`document.getElementById('help').open = true`);
    const faint = await browser.value<readonly unknown[]>(`(${faintTexts.toString()})()`);
    expect(faint).toEqual([]);
  });

  test.each([360, 390, 768])('has no horizontal scroll at %i pixels', async (width) => {
    await browser.show(running.address, isFilled.replace('#graph svg', '#graph .graph-list li'), {
      width,
      isPhone: true,
    });
    await browser.value(`document.getElementById('help').open = true`);
    expect(await browser.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    // Nothing sticks out of its card either, but in what scrolls by itself.
    expect(
      await browser.value(
        `[...document.querySelectorAll('section')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText.slice(0, 40))`,
      ),
    ).toEqual([]);
  });

  test('gives every control a name and every figure a text, for who does not see it', async () => {
    await browser.show(running.address, isFilled, { width: 1320 });
    const { nodes } = await browser.send<{
      nodes: { role?: { value: string }; name?: { value: string }; ignored: boolean }[];
    }>('Accessibility.getFullAXTree');
    const wanted = ['button', 'textbox', 'combobox', 'link', 'image', 'region', 'heading', 'main'];
    const shown = nodes.filter(({ ignored, role }) => !ignored && wanted.includes(role?.value ?? ''));
    expect(shown.filter(({ role, name }) => role?.value !== 'main' && !name?.value?.trim())).toEqual([]);
    const roles = shown.map(({ role }) => role!.value);
    for (const role of wanted) expect(roles).toContain(role);
    expect(await browser.value('document.documentElement.lang')).toBe('en');
  });
});

describe.skipIf(isAbsent)('the dashboard of a node', () => {
  test('without accesses says how to send some', async () => {
    const fresh = await runNode(checkNodeConfig({ store: 'memory', http: { port: 0 } }, 'test'), quiet);
    try {
      await browser.show(fresh.address, `!document.getElementById('empty').hidden`, { width: 360, isPhone: true });
      expect(await textOf('empty')).toContain(`curl --data-binary @access.log ${fresh.address}/v1/accesses`);
      expect(await browser.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    } finally {
      await fresh.stop();
    }
  });

  test('with tokens asks for one, takes it, and shows the figures', async () => {
    const token = 'reader-0123456789abcdef';
    const guarded = await runNode(
      checkNodeConfig({ store: 'memory', http: { port: 0, tokens: [{ name: 'reader', token }] } }, 'test'),
      quiet,
    );
    try {
      await browser.show(guarded.address, `!document.getElementById('signin').hidden`, { width: 1320 });
      expect(await textOf('notice')).toContain('token');
      await browser.value(`document.getElementById('token').focus()`);
      await browser.press(...token, 'Enter');
      await browser.until(`document.getElementById('state').innerText === 'ready'`);
      expect(await browser.value(`document.getElementById('signin').hidden`)).toBe(true);
    } finally {
      await guarded.stop();
    }
  });
});

/** Runs in the page: texts whose contrast to what lies behind them is below 4.5 (WCAG 2.2, 1.4.3), by relative luminance. */
function faintTexts(): readonly unknown[] {
  const page = globalThis as never as {
    document: {
      body: unknown;
      createTreeWalker(root: unknown, what: number): { nextNode(): { parentElement: never; data: string } | null };
    };
    getComputedStyle(element: unknown): Record<string, string>;
  };
  const channels = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color: readonly number[]): number =>
    color.slice(0, 3).reduce((sum, value, i) => {
      const share = value / 255;
      return sum + (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4) * [0.2126, 0.7152, 0.0722][i]!;
    }, 0);
  interface Shown {
    readonly parentElement: Shown | null;
    readonly tagName: string;
    checkVisibility(): boolean;
    closest(selector: string): unknown;
  }
  const behind = (element: Shown): readonly number[] => {
    for (let at: Shown | null = element; at !== null; at = at.parentElement) {
      const color = channels(page.getComputedStyle(at).backgroundColor!);
      if (color.length === 3 || color[3]! > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint: unknown[] = [];
  const walker = page.document.createTreeWalker(page.document.body, 4);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement as Shown;
    if (node.data.trim() === '' || /^(SCRIPT|STYLE)$/.test(element.tagName) || !element.checkVisibility()) continue;
    const style = page.getComputedStyle(element);
    const color = channels((element.closest('svg') ? style.fill : style.color)!);
    const [a, b] = [luminance(color), luminance(behind(element))].sort((x, y) => y - x) as [number, number];
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push([node.data.slice(0, 30), color.join(), Math.round(contrast * 100) / 100]);
  }
  return faint;
}

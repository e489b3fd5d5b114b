/** Debian's chromium, spoken to over a pipe by the DevTools protocol: a page, its keys, its console and what it asks for. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Absent = no browser is installed. */
export const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, never>;
  readonly result?: Record<string, never>;
  readonly error?: { readonly message: string };
}

/** One browser with one page. Messages are JSON, each ended by a zero byte. */
export class Browser {
  /** Everything that went wrong in the page or was written to its console: errors, warnings, refusals of the policy. */
  readonly said: string[] = [];
  /** Every address that the page asked for. */
  readonly asked: string[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, { settle(result: never): void; fail(error: Error): void }>();
  #session: string | undefined;
  #count = 0;
  #rest = '';

  private constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'anteroom-browser-'));
    this.#process = spawn(
      chromium!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        `--user-data-dir=${this.#profile}`,
        '--remote-debugging-pipe',
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    (this.#process.stdio[4] as Readable).on('data', (chunk: Buffer) => this.#take(chunk.toString()));
  }

  static async open(): Promise<Browser> {
    const browser = new Browser();
    const { targetId } = await browser.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const attached = await browser.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = attached.sessionId;
    for (const part of ['Page', 'Runtime', 'Log', 'Network', 'Accessibility']) await browser.send(`${part}.enable`);
    return browser;
  }

  send<T = unknown>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#count;
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) };
    return new Promise<T>((settle, fail) => {
      this.#waiting.set(id, { settle, fail });
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
  }

  /** Shows a page in a window of that size; resolves when `isThere` holds in it. */
  async show(
    url: string,
    isThere: string,
    window: { readonly width: number; readonly height?: number; readonly isDark?: boolean; readonly isPhone?: boolean },
  ): Promise<void> {
    const { width, height = 900, isDark = false, isPhone = false } = window;
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: isPhone });
    await this.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }],
    });
    await this.send('Page.navigate', { url });
    await this.until(isThere);
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Resolves when an expression is true in the page. */
  async until(expression: string): Promise<void> {
    for (let i = 0; ; i++) {
      const is = await this.value<boolean>(`Boolean(${expression})`).catch(() => false);
      if (is) return;
      if (i === 200) throw new Error(`it never came to ${expression}`);
      await new Promise((settle) => setTimeout(settle, 50));
    }
  }

  /** Presses keys one after the other: characters, or names as `Tab`, `Enter`, `Escape`. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
      const code = { Tab: 9, Enter: 13, Escape: 27 }[key] ?? key.toUpperCase().charCodeAt(0);
      const event = { key, windowsVirtualKeyCode: code, ...(text === undefined ? {} : { text }) };
      await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
      await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode: code });
    }
  }

  async close(): Promise<void> {
    const isOver = new Promise((settle) => this.#process.once('exit', settle));
    this.#session = undefined;
    await this.send('Browser.close').catch(() => this.#process.kill());
    await isOver;
    // Its helpers may still write for a moment.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #take(chunk: string): void {
    const parts = (this.#rest + chunk).split('\0');
    this.#rest = parts.pop()!;
    for (const part of parts) this.#handle(JSON.parse(part) as Message);
  }

  #handle({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.fail(new Error(error.message));
      else waiting?.settle(result as never);
      return;
    }
    if (method === 'Network.requestWillBeSent')
      this.asked.push((params as unknown as { request: { url: string } }).request.url);
    if (method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
      this.said.push(JSON.stringify(params));
  }
}

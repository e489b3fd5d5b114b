import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import { type RunningNode, runNode } from '../../actors/node/run-node.ts';
import { skipUnless } from '../require-or-skip.ts';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const isAbsent = skipUnless(chromium !== undefined, 'no chromium: apt-get install chromium');
const folder = mkdtempSync(join(tmpdir(), 'anteroom-dashboard-'));
let running: RunningNode;

beforeAll(async () => {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  running = await runNode(
    checkNodeConfig({ store: 'memory', http: { port: 0 }, engine: { capacity: 6 } }, 'test'),
    quiet,
  );
  // Names that would break a page which took them for markup.
  const names = [
    '</script><script>document.title="broken"</script>',
    '<img src=http://example.org/x onerror=alert(1)>',
    '/plain',
    '日本語',
    ...Array.from({ length: 8 }, (_, i) => `/p${i}`),
  ];
  const rows = Array.from({ length: 1200 }, (_, i) =>
    JSON.stringify({ time: 1_700_000_000_000 + i * 1000, segment: names[i % names.length], consumer: `c${i % 3}` }),
  );
  const response = await fetch(`${running.address}/v1/accesses`, {
    method: 'POST',
    body: rows.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(response.status).toBe(200);
  await running.node.intake.idle();
});
afterAll(async () => {
  await running.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The page after its scripts have run for some seconds, what the console said, and every address that was asked for. */
async function open(flags: readonly string[] = []): Promise<{ dom: string; console: string[]; addresses: string[] }> {
  const profile = mkdtempSync(join(folder, 'profile-'));
  const netLog = join(profile, 'net.json');
  const child = spawn(chromium!, [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    `--user-data-dir=${profile}`,
    `--log-net-log=${netLog}`,
    '--enable-logging=stderr',
    '--virtual-time-budget=4000',
    '--window-size=1300,1800',
    ...flags,
    '--dump-dom',
    `${running.address}/`,
  ]);
  let dom = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (dom += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const { constants, events } = JSON.parse(readFileSync(netLog, 'utf8')) as {
    constants: { logEventTypes: Record<string, number> };
    events: { type: number; params?: { url?: string } }[];
  };
  const started = constants.logEventTypes.URL_REQUEST_START_JOB;
  return {
    dom,
    console: log.split('\n').filter((line) => line.includes(':CONSOLE')),
    addresses: events.flatMap((event) => (event.type === started && event.params?.url ? [event.params.url] : [])),
  };
}

const textOf = (dom: string, id: string): string =>
  new RegExp(`id="${id}"[^>]*>([\\s\\S]*?)</(?:span|div|tbody|section)>`).exec(dom)?.[1] ?? '';

test.skipIf(isAbsent)('the dashboard shows figures, asks only its own node, and takes no name for markup', async () => {
  const { dom, console: said, addresses } = await open();
  expect(said).toEqual([]);
  const own = addresses.filter((address) => address.startsWith(running.address));
  const foreign = addresses.filter(
    (address) => !address.startsWith(running.address) && /^(https?|wss?|ftp):/.test(address),
  );
  expect(own.some((address) => address.endsWith('/v1/outcomes'))).toBe(true);
  // What the browser asks its maker for is refused by the resolver and is none of the page's.
  expect(foreign.filter((address) => !/google|gstatic|chromium/.test(new URL(address).hostname))).toEqual([]);
  expect(textOf(dom, 'state')).toContain('ready');
  expect(dom).toContain('1 200');
  expect(dom).toContain('hit ratio');
  expect(dom).toMatch(/expects it to be asked for/);
  expect(dom).toContain('日本語');
  expect(dom).not.toContain('<img src=http://example.org');
  expect(dom).toContain('<title>Anteroom node</title>');
  expect(dom.match(/<canvas/g)?.length).toBe(2);
  expect(dom).toMatch(/<svg[^>]*aria-label="Share used against promised probability"/);
});

test.skipIf(isAbsent)(
  'every control of the dashboard has a name, and the page has a heading, a main part and a language',
  async () => {
    const { dom } = await open(['--window-size=390,1800', '--force-dark-mode']);
    const withoutScripts = dom.replace(/<script>[\s\S]*?<\/script>/g, '');
    for (const [input, id] of withoutScripts.matchAll(/<(?:input|select)[^>]*id="([\w-]+)"[^>]*>/g))
      expect([input, withoutScripts.includes(`for="${id}"`)]).toEqual([input, true]);
    for (const [button, text] of withoutScripts.matchAll(/<button[^>]*>([^<]*)<\/button>/g))
      expect([button, text!.trim().length > 0]).toEqual([button, true]);
    expect(dom).toMatch(/<html lang="en">/);
    expect(dom).toMatch(/<main id="main">/);
    expect(dom).toMatch(/<h1>/);
  },
);

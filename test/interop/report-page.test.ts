import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { replay } from '../../sim/replay/replay.ts';
import { reportPage } from '../../sim/report/page.ts';
import { skipUnless } from '../require-or-skip.ts';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const isAbsent = skipUnless(chromium !== undefined, 'no chromium: apt-get install chromium');

const folder = mkdtempSync(join(tmpdir(), 'anteroom-page-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names that log writers would choose to break a page. */
const nasty = [
  '</script><script>document.title="broken"</script>',
  '<img src=http://example.org/x onerror=alert(1)>',
  `/${'long/'.repeat(80)}`,
  '日本語',
  "it's",
];

function csv(): string {
  const lines = ['t_ms,client,object,size'];
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  for (let i = 0; i < 1500; i++) {
    const name = i % 10 < nasty.length ? nasty[i % 10]! : `page-${(i * 7) % 90}`;
    lines.push(`${1_704_067_200_000 + i * 60_000},c${i % 5},${quoted(name)},${100 + (i % 50)}`);
  }
  const path = join(folder, 'nasty<b>.csv');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** Opens a page without a window: the document after its scripts ran, what the console said, and every address asked for. */
async function open(path: string): Promise<{ dom: string; console: string[]; addresses: string[] }> {
  const profile = mkdtempSync(join(folder, 'profile-'));
  const netLog = join(profile, 'net.json');
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
    '--host-resolver-rules=MAP * ~NOTFOUND',
    `--user-data-dir=${profile}`,
    `--log-net-log=${netLog}`,
    '--enable-logging=stderr',
    '--virtual-time-budget=3000',
    '--window-size=1200,2000',
    '--dump-dom',
    `file://${encodeURI(path)}`,
  ];
  const child = spawn(chromium!, flags);
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
  expect(started).toBeTypeOf('number');
  return {
    dom,
    console: log.split('\n').filter((line) => line.includes(':CONSOLE')),
    addresses: events
      .flatMap((event) => (event.type === started && event.params?.url ? [event.params.url] : []))
      .filter((address) => !isBrowsersOwn(address)),
  };
}

/** The page itself, what lies inside the browser, and its calls home, which no flag ends altogether. */
function isBrowsersOwn(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return !/^(https?|wss?|ftp):$/.test(protocol) || /(^|\.)(google|googleapis|gvt1)\.com$/.test(hostname);
}

async function pageOf(name: string, options: Parameters<typeof replay>[0]): Promise<string> {
  const outcome = await replay({ wantsInsight: true, ...options });
  const path = join(folder, name);
  writeFileSync(path, await reportPage({ ...outcome, command: `npx anteroom replay '${nasty[0]}'` }));
  return path;
}

describe.skipIf(isAbsent)('report page in chromium', () => {
  test('asks for nothing, says nothing on the console, and draws every chart', async () => {
    const path = await pageOf('full.html', {
      traces: [csv(), 'workload:chains,accesses=5000,segments=300,rate=400'],
      cache: '0.05,0.3',
      unit: 'segments',
      prefetch: ['none', 'anteroom', 'pg'],
    });
    const { dom, console, addresses } = await open(path);
    expect(console).toEqual([]);
    expect(addresses).toEqual([]);
    const places = dom.match(/data-chart="\d+"/g)!;
    expect(places.length).toBeGreaterThanOrEqual(8);
    expect(dom.match(/<canvas/g)).toHaveLength(places.length);
    expect(dom).toContain('<title>Anteroom replay: nasty&lt;b&gt;.csv, workload:chains</title>');
    expect(dom).toContain('Hot segments over the week');
    expect(dom).toContain('What follows what');
  });

  test('a page that did ask for something would be caught, and one with a fault too', async () => {
    const path = join(folder, 'control.html');
    writeFileSync(path, '<!doctype html><img src="http://pixel.invalid/x"><script>undefined.x</script>');
    const { console, addresses } = await open(path);
    expect(addresses).toEqual(['http://pixel.invalid/x']);
    expect(console.join()).toContain('TypeError');
  });

  test('a replay in which nothing was issued draws what is left', async () => {
    const path = await pageOf('idle.html', {
      traces: ['workload:one-hit,accesses=500'],
      cache: '0.1',
      prefetch: ['none'],
      latency: '0',
    });
    const { dom, console } = await open(path);
    expect(console).toEqual([]);
    expect(dom.match(/data-chart="\d+"/g)).toHaveLength(1);
    expect(dom.match(/<canvas/g)).toHaveLength(1);
  });
});

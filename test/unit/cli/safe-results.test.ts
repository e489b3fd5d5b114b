/** Results are not lost to what could have been known before, and say what they rest on. */

import { spawn } from 'node:child_process';
import { existsSync, lstatSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt, main, replayed, Scratch } from './command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const good = scratch.write(
  'good.csv',
  `t_ms,object,size\n${Array.from({ length: 300 }, (_, i) => `${i * 10},o${i % 37},100\n`).join('')}`,
);
const bad = scratch.write('bad.csv', 't_ms,object,size\n1,a,10\n2,b,ten\n3,c,10\n');
const quick = ['--prefetch', 'none', '--cache', '0.1', '--evict', 'lru'];

describe.skipIf(isUnbuilt).concurrent('before the first replay', () => {
  test.each([
    ['a report in a folder that is not there', ['--report', '/no/such/folder/r.html'], /no\/such\/folder/],
    ['JSON in a folder that is not there', ['--json', '/no/such/folder/r.json'], /no\/such\/folder/],
    ['a report with the name of a folder', ['--report', scratch.folder], /is a directory/],
    ['one file for two results', ['--report', 'x.html', '--json', 'x.html'], /two results/],
    ['a report over the trace', ['--report', bad], /is a trace/],
    ['a later trace that is not there', ['no-such-file.csv'], /no-such-file\.csv/],
    ['a later trace that is a folder', [scratch.folder], /is a directory/],
    ['a later workload that is not there', ['workload:nope'], /nope/],
    ['a later trace that nothing recognises', [scratch.write('noise.bin', Buffer.alloc(999, 7))], /noise\.bin/],
  ])('%s is found', async (_, words, message) => {
    // Were it read first, the bad record would be the error.
    const { status, stdout, stderr } = await anteroom(['replay', bad, ...quick, ...words]);
    expect(stderr).toMatch(/^anteroom: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

describe.skipIf(isUnbuilt).concurrent('a late failure', () => {
  // One may be written by all that can be known beforehand; the name of its partial file is too long.
  const unwritable = scratch.path(`${'r'.repeat(250)}`);

  test('of a report leaves the table printed and the JSON written, with status 2', async () => {
    const json = scratch.path('kept.json');
    const words = ['replay', good, ...quick, '--report', unwritable, '--json', json];
    const { status, stdout, stderr } = await anteroom(words);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^trace +cache +evict/);
    expect(stderr).toMatch(/^anteroom: [^\n]*rrrr/);
    const { readFileSync } = await import('node:fs');
    expect(JSON.parse(readFileSync(json, 'utf8')).runs).toHaveLength(1);
  });

  test.skipIf(!existsSync('/dev/full'))('on a full disk leaves the table printed, with status 2', async () => {
    const full = scratch.path('full.json');
    symlinkSync('/dev/full', full);
    const { status, stdout, stderr } = await anteroom(['replay', good, ...quick, '--json', full]);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^trace +cache +evict/);
    expect(stderr).toMatch(/full\.json: .*ENOSPC/);
  });

  test.skipIf(!existsSync('/dev/zero'))('a device is written to, not replaced by a file', async () => {
    const nowhere = scratch.path('nowhere.json');
    symlinkSync('/dev/zero', nowhere);
    expect((await anteroom(['replay', good, ...quick, '--json', nowhere])).status).toBe(0);
    expect(lstatSync(nowhere).isSymbolicLink()).toBe(true);
  });

  test('of JSON leaves the report written', async () => {
    const report = scratch.path('kept.html');
    const { status, stderr } = await anteroom(['replay', good, ...quick, '--json', unwritable, '--report', report]);
    expect(status).toBe(2);
    expect(stderr).toContain(`report: ${report}\n`);
  });

  test('of a later trace leaves the table of those before it', async () => {
    const { status, stdout, stderr } = await anteroom(['replay', good, bad, ...quick]);
    expect(status).toBe(2);
    expect(stdout).toContain('good.csv');
    expect(stderr).toMatch(/bad\.csv:3/);
  });
});

describe.skipIf(isUnbuilt).concurrent('what the figures rest on', () => {
  test('counts of records passed over are in the JSON', async () => {
    const [run] = await replayed([bad, ...quick, '--lenient']);
    expect(run!.log).toEqual({ accesses: 2, segments: 2, bytes: 20, rejected: 1, skipped: {} });
    const log = scratch.write(
      'access.log',
      '::1 - - [01/Jan/2024:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"\n::1 - - [01/Jan/2024:00:00:01 +0000] "GET /b HTTP/1.1" 404 5 "-" "-"\n',
    );
    const [web] = await replayed([log, ...quick]);
    expect(Object.values(web!.log.skipped)).toEqual([1]);
  });

  test('with a warm-up accesses, segments and bytes are of what is counted, and the log has those of all', async () => {
    const csv = scratch.write('warm.csv', 't_ms,object,size\n1,a,10\n2,b,20\n3,c,30\n4,c,30\n');
    const [run] = await replayed([csv, ...quick, '--warmup', '2']);
    expect(run).toMatchObject({ accesses: 2, segments: 1, bytes: 60 });
    expect(run!.log).toMatchObject({ accesses: 4, segments: 3, bytes: 90 });
    const writes = scratch.write('writes.csv', 't_ms,object,size,op\n1,a,10,r\n2,b,20,w\n3,a,10,r\n');
    const [reads] = await replayed([writes, ...quick, '--writes', 'ignore']);
    expect(reads).toMatchObject({ accesses: 2, segments: 1, bytes: 20 });
  });

  test('a warm-up beyond the log is said, not just zeros', async () => {
    const { stdout, stderr } = await anteroom(['replay', good, '--warmup', '5000']);
    expect(stderr).toContain('nothing is counted, the warm-up of 5000 is not shorter than its 300 accesses');
    expect(stdout).toContain('nothing was counted');
  });

  test('a size, eviction, prefetcher or bound given twice is one run', async () => {
    const once = await replayed([good, '--cache', '0.1', '--evict', 'lru', '--prefetch', 'none,pg']);
    const twice = await replayed([good, '--cache', '0.1,0.10', '--evict', 'lru,lru', '--prefetch', 'none,pg,pg']);
    expect(twice.map((run) => run.digest)).toEqual(once.map((run) => run.digest));
    const bounds = await replayed([good, '--cache', '0.1', '--evict', 'lru', '--traffic-max', '1.1,1.1']);
    expect(bounds).toHaveLength(2);
  });

  test('an unknown prefetcher is answered with all there are, the engine first among them', async () => {
    const { stderr } = await anteroom(['replay', good, '--prefetch', 'magic']);
    expect(stderr).toContain('expected one of none, anteroom, mithril, pg, obl, clairvoyant');
  });

  test('an empty file gets no advice on formats', async () => {
    const { status, stderr } = await anteroom(['replay', scratch.write('empty.csv', '')]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/empty\.csv: expected at least one access, found an empty input\n$/);
  });

  test('one bad record and one time are singular', async () => {
    const one = await anteroom(['replay', bad, ...quick, '--lenient']);
    expect(one.stderr).toContain('1 bad record passed over');
    const back = scratch.write('back.csv', `t_ms,object\n5,a\n4,b\n${'6,a\n'.repeat(30)}`);
    expect((await anteroom(['replay', back, ...quick])).stderr).toContain('1 time went backwards and was clamped\n');
  });

  test('timed figures of a log whose times mostly went backwards are called unreliable', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => `${i % 2 === 0 ? 1_000_000 + i : i},o${i % 40},100\n`);
    const csv = scratch.write('shuffled.csv', `t_ms,object,size\n${rows.join('')}`);
    const { stdout, stderr } = await anteroom(['replay', csv, '--latency', '50ms']);
    expect(stderr).toContain('timed figures are unreliable');
    expect(stdout).toMatch(/^trace/);
    const runs = await replayed([csv, '--latency', '50ms']);
    expect(runs[0]!.notes.join()).toContain('timed figures are unreliable');
    expect((await replayed([csv]))[0]!.notes.join()).not.toContain('unreliable');
  });

  test('processors of a job log are not taken for bytes', async () => {
    const job = (i: number) => `${i} ${i * 60} 1 10 ${1 + (i % 4)} -1 -1 4 100 -1 1 ${i % 3} 1 ${i % 5} 1 1 -1 -1`;
    const swf = scratch.path('jobs.swf');
    writeFileSync(swf, `; UnixStartTime: 1000000\n${Array.from({ length: 50 }, (_, i) => job(i + 1)).join('\n')}\n`);
    const { stderr } = await anteroom(['replay', swf, '--format', 'swf', ...quick]);
    expect(stderr).toContain('its sizes are processors, not bytes');
    const [run] = await replayed([swf, '--format', 'swf', ...quick]);
    expect(run).toMatchObject({ bytes: null, cache: { unit: 'segments' }, trafficBytesRatio: null });
    const refused = await anteroom(['replay', swf, '--format', 'swf', '--unit', 'bytes']);
    expect(refused.stderr).toContain('has processors where sizes would be');
  });

  test('Brier score and calibration error are for prefetchers that state a probability', async () => {
    const runs = await replayed([
      'workload:chains,accesses=4000,segments=200',
      ...['--cache', '0.1', '--evict', 'lru', '--prefetch', 'pg,clairvoyant,mithril,anteroom'],
    ]);
    const states = (name: string) => runs.find((run) => run.prefetch === name)!.calibration !== null;
    expect(['pg', 'clairvoyant', 'mithril', 'anteroom'].map(states)).toEqual([false, false, false, true]);
  });

  test('the whole rate includes reading the log, the rate of the replay does not', async () => {
    const [run] = await replayed([good, ...quick]);
    const { readSeconds, seconds, requestsPerSecond, replayRequestsPerSecond } = run!;
    expect(readSeconds).toBeGreaterThan(0);
    expect(requestsPerSecond).toBeCloseTo(300 / (readSeconds + seconds), 6);
    expect(replayRequestsPerSecond).toBeCloseTo(300 / seconds, 6);
  });
});

describe.skipIf(isUnbuilt)('a terminal', () => {
  test('was left without cursor and line wrap by Ctrl-C while a bar stood there', async () => {
    const progress = resolve(join(dirname(main), 'progress.js'));
    const script = `
      process.stderr.isTTY = true;
      const { startProgress } = await import(${JSON.stringify(progress)});
      (await startProgress(false)).update({ trace: 't', stage: 's', done: 1, total: 9, unit: 'accesses' });
      process.kill(process.pid, 'SIGINT');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let shown = '';
    child.stderr.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const signal = await new Promise((settle) => child.on('close', (_, name) => settle(name)));
    expect(signal).toBe('SIGINT');
    for (const restored of ['\u001b[?25h', '\u001b[?7h']) {
      expect(shown.lastIndexOf(restored)).toBeGreaterThan(shown.lastIndexOf(restored.replace('h', 'l')));
    }
  });
});

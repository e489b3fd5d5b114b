import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { TailFile } from '../../../engine/host/tail-file.ts';
import { Disks, type TestNode, testNode } from './test-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-tail-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const line = (path: string): string =>
  `10.0.0.1 - - [17/May/2026:10:00:00 +0000] "GET ${path} HTTP/1.1" 200 12 "-" "x"\n`;

/** Lets the tailer look again, until the engine knows so many accesses. */
async function follow({ node, clock }: TestNode, accesses: number): Promise<void> {
  for (let i = 0; i < 200 && node.engine.position < accesses; i++) {
    clock.advanceTo(clock.now() + 500);
    await new Promise((done) => setTimeout(done, 2));
    await node.intake.idle();
  }
  expect(node.engine.position).toBe(accesses);
}

test('a followed file is read by whole lines as it grows, across rotation and truncation', async () => {
  const file = join(folder, `log-${files++}`);
  const one = await testNode({ tail: [{ file, format: 'clf' }] });
  await follow(one, 0);
  writeFileSync(file, line('/a') + line('/b').slice(0, 30));
  await follow(one, 1);
  appendFileSync(file, line('/b').slice(30));
  await follow(one, 2);
  // What is written to the old file after it was moved is read before the new one.
  renameSync(file, `${file}.1`);
  appendFileSync(`${file}.1`, line('/c'));
  writeFileSync(file, line('/d'));
  await follow(one, 4);
  truncateSync(file);
  await expect
    .poll(() => {
      one.clock.advanceTo(one.clock.now() + 500);
      return one.node.status().tail.truncations;
    })
    .toBe(1);
  appendFileSync(file, line('/e'));
  await follow(one, 5);
  for (const path of ['/a', '/b', '/c', '/d', '/e']) expect(one.node.engine.accessMap(path)?.count).toBe(1);
  expect(one.node.status().tail).toMatchObject({ lines: 5, rotations: 1 });
  await one.node.drain();
});

test('no line is lost that comes to the old file while it is rotated, before anybody writes to the new one', async () => {
  for (let round = 0; round < 100; round++) {
    const path = join(folder, `rotated-${files++}`);
    writeFileSync(path, 'a\n');
    const tail = new TailFile(path, { place: null, fromStart: true, chunkBytesMax: 1000 });
    let read = '';
    const look = async (): Promise<void> => {
      read += new TextDecoder().decode((await tail.next())?.bytes);
    };
    await look();
    // A look is under way while all of it happens.
    const looking = look();
    if (round % 2 === 0) await new Promise((done) => setImmediate(done));
    renameSync(path, `${path}.1`);
    if (round % 3 === 0) writeFileSync(path, '');
    appendFileSync(`${path}.1`, 'b\n');
    await looking;
    if (round % 3 === 0) await look();
    appendFileSync(`${path}.1`, 'c\n');
    appendFileSync(path, 'd\n');
    for (let i = 0; i < 4; i++) await look();
    expect([round, read]).toEqual([round, 'a\nb\nc\nd\n']);
    expect(tail.counts).toMatchObject({ rotations: 1, lostPlaces: 0 });
    await tail.close();
  }
});

test('a followed file that is not there, as after a typing error, was nowhere said: status names it until it comes', async () => {
  const file = join(folder, 'no-such-folder', 'x.log');
  const { node, clock } = await testNode({ tail: [{ file, format: 'clf' }] });
  await expect.poll(() => node.status().tail.absent).toEqual([file]);
  mkdirSync(join(folder, 'no-such-folder'));
  writeFileSync(file, line('/a'));
  await follow({ node, clock } as TestNode, 1);
  expect(node.status().tail.absent).toEqual([]);
  await node.drain();
});

test('a restart goes on where the last process stood, and repeats nothing that it had kept', async () => {
  const file = join(folder, `log-${files++}`);
  const disks = new Disks();
  const settings = { tail: [{ file, format: 'clf' }] };
  writeFileSync(file, line('/a') + line('/b'));
  const one = await testNode(settings, { disks });
  await follow(one, 2);
  await one.node.drain();
  appendFileSync(file, line('/c'));
  const two = await testNode(settings, { disks });
  await follow(two, 3);
  await two.node.drain();
  // A crash between the append and the note of the place: the place of before the append is all that is known.
  const [{ key, value }] = disks.records.list('tail/', 1) as [{ key: string; value: string }];
  const place = JSON.parse(value) as { offset: number };
  await disks.records.put(
    key,
    JSON.stringify({ ...place, offset: place.offset - line('/c').length, until: place.offset }),
  );
  appendFileSync(file, line('/d'));
  const three = await testNode(settings, { disks });
  await follow(three, 4);
  expect(three.node.engine.accessMap('/c')?.count).toBe(1);
  expect(three.node.engine.accessMap('/d')?.count).toBe(1);
  await three.node.drain();
});

test('what came to a followed file before it was rotated, while the node was down, was lost: it is read beside its name, once', async () => {
  const file = join(folder, `log-${files++}`);
  const disks = new Disks();
  const settings = { tail: [{ file, format: 'clf' }] };
  writeFileSync(file, line('/a'));
  const one = await testNode(settings, { disks });
  await follow(one, 1);
  await one.node.drain();
  appendFileSync(file, line('/b'));
  renameSync(file, `${file}.1`);
  const two = await testNode(settings, { disks });
  // There is no new file yet.
  await follow(two, 2);
  writeFileSync(file, line('/c'));
  await follow(two, 3);
  expect(two.node.status().tail).toMatchObject({ lines: 2, rotations: 1, lostPlaces: 0 });
  await two.node.drain();
  appendFileSync(file, line('/d'));
  renameSync(file, `${file}.2`);
  writeFileSync(file, line('/e'));
  const three = await testNode(settings, { disks });
  await follow(three, 5);
  for (const path of ['/a', '/b', '/c', '/d', '/e']) expect(three.node.engine.accessMap(path)?.count).toBe(1);
  await three.node.drain();
  // Where it cannot be found that is counted, and the new file is read from its start.
  appendFileSync(file, line('/f'));
  rmSync(file);
  writeFileSync(file, line('/g'));
  writeFileSync(`${file}.keep`, '');
  const four = await testNode(settings, { disks });
  await follow(four, 6);
  expect(four.node.status().tail).toMatchObject({ lines: 1, lostPlaces: 1 });
  await four.node.drain();
});

test('of a file rotated twice while nobody read what lies between was lost without a word: it is counted', async () => {
  const path = join(folder, `twice-${files++}`);
  writeFileSync(path, 'a\n');
  const one = new TailFile(path, { place: null, fromStart: true, chunkBytesMax: 1000 });
  const { place } = (await one.next())!;
  await one.close();
  appendFileSync(path, 'b\n');
  renameSync(path, `${path}.2`);
  writeFileSync(`${path}.1`, 'c\n');
  writeFileSync(`${path}.3`, 'of before\n');
  writeFileSync(`${path}-errors`, 'of another program\n');
  writeFileSync(path, 'd\n');
  for (const [name, second] of [
    ['.3', 1],
    ['.2', 2],
    ['.1', 3],
    ['-errors', 4],
    ['', 4],
  ] as const)
    utimesSync(path + name, second, second);
  const two = new TailFile(path, { place, fromStart: true, chunkBytesMax: 1000 });
  const read: string[] = [];
  for (let i = 0; i < 4; i++) read.push(new TextDecoder().decode((await two.next())?.bytes));
  expect(read.join('')).toBe('b\nd\n');
  expect(two.counts).toEqual({ rotations: 1, truncations: 0, lostPlaces: 1 });
  await two.close();
});

test.each([
  ['larger', 40],
  ['smaller', 5],
])(
  'a chunk noted and not kept, a piece of a long line, held a file up or was cut anew by a %s bound: it is cut as noted',
  async (_, chunkBytesMax) => {
    const path = join(folder, `piece-${files++}`);
    writeFileSync(path, `${'x'.repeat(25)}\n`);
    const one = new TailFile(path, { place: null, fromStart: true, chunkBytesMax: 10 });
    const chunk = (await one.next())!;
    await one.close();
    const noted = { ...chunk.from, until: chunk.place.offset };
    const two = new TailFile(path, { place: noted, fromStart: true, chunkBytesMax });
    const again = (await two.next())!;
    expect([again.from.offset, again.place.offset]).toEqual([0, 10]);
    expect((await two.next())?.from.offset).toBe(10);
    await two.close();
  },
);

test('lines that a full log could not take are taken when it has room again', async () => {
  const file = join(folder, `log-${files++}`);
  const disks = new Disks();
  writeFileSync(file, line('/a'));
  const one = await testNode({ tail: [{ file, format: 'clf' }] }, { disks });
  await follow(one, 1);
  disks.log.isFull = true;
  appendFileSync(file, line('/b'));
  await expect
    .poll(() => {
      one.clock.advanceTo(one.clock.now() + 500);
      return one.node.lifeCycle.troubles;
    })
    .toMatchObject({ tail: expect.any(String) });
  disks.log.isFull = false;
  await follow(one, 2);
  await expect.poll(() => one.node.lifeCycle.state).toBe('ready');
  await one.node.drain();
});

test('a line from far ahead of the clock, or with a name beyond any measure, held a followed file for ever: it is passed over and counted', async () => {
  const file = join(folder, `ahead-${files++}`);
  const one = await testNode({ tail: [{ file, format: 'clf' }], ingest: { nameBytesMax: 100 } });
  await follow(one, 0);
  writeFileSync(
    file,
    line('/a') + line('/ahead').replace('2026', '2031') + line('/after') + line(`/${'x'.repeat(200)}`),
  );
  await follow(one, 2);
  appendFileSync(file, line('/b'));
  await follow(one, 3);
  expect(one.node.lifeCycle.troubles).toEqual({});
  expect(one.node.status().sources).toMatchObject([{ type: 'tail', counts: { bad: 2, accesses: 3 } }]);
  await one.node.drain();
});

import { describe, expect, test } from 'vitest';
import { type CheckpointHeader, sealCheckpoint } from '../../../engine/state/checkpoint-store.ts';
import { Disks, ndjson, START_MS, testNode } from './test-node.ts';

/** Names in an order that has something to learn, and chance enough to matter. */
const names = (count: number, seed: number): string[] =>
  Array.from({ length: count }, (_, i) => `/s${(i * 7 + ((i * i * seed) % 11)) % 37}`);

describe('a restart', () => {
  test('from a checkpoint and the rest of the log leaves the engine as it would be without a crash, to the digest of its decisions', async () => {
    const settings = { engine: { capacity: 8 } };
    const whole = await testNode(settings);
    const disks = new Disks();
    let crashed = await testNode(settings, { disks });
    for (let i = 0; i < 6; i++) {
      const body = ndjson(names(400, i + 1));
      await whole.post('/v1/accesses', body);
      await crashed.post('/v1/accesses', body);
      if (i % 2 === 1) {
        await crashed.node.intake.idle();
        await crashed.node.checkpoint();
      }
      // A process that goes away between two posts: nothing is told to it, nothing is closed.
      crashed = await testNode(settings, { disks });
      expect(crashed.node.status().recovery).toMatchObject(
        i % 2 === 1 ? { replayed: 0, restored: 'exact' } : { replayed: 400 },
      );
    }
    await whole.node.intake.idle();
    expect(crashed.node.engine.position).toBe(2400);
    expect(crashed.node.engine.stats().digest).toBe(whole.node.engine.stats().digest);
    expect(crashed.node.engine.stats().prefetches.issued).toBeGreaterThan(0);
  });

  test('passes over a damaged checkpoint, uses the one before it, and says so', async () => {
    const disks = new Disks();
    const first = await testNode({}, { disks });
    for (let i = 0; i < 3; i++) {
      await first.post('/v1/accesses', ndjson(names(50, i + 1)));
      await first.node.intake.idle();
      await first.node.checkpoint();
    }
    const newest = Math.max(...disks.checkpoints.checkpoints.keys());
    disks.checkpoints.checkpoints.get(newest)!.parts[0]![100]! ^= 1;
    const second = await testNode({}, { disks });
    expect(second.node.status().recovery).toMatchObject({
      from: 100,
      replayed: 50,
      damaged: [expect.stringContaining('digest')],
    });
    expect(second.node.engine.position).toBe(150);
    expect(second.logged.some((line) => line.startsWith('warn a checkpoint cannot be used'))).toBe(true);
  });

  test("without a whole checkpoint begins at the log's first entry, and where that was trimmed it is refused", async () => {
    const disks = new Disks();
    const first = await testNode({}, { disks });
    await first.post('/v1/accesses', ndjson(names(50, 1)));
    await first.node.intake.idle();
    await first.node.checkpoint();
    disks.checkpoints.checkpoints.clear();
    expect((await testNode({}, { disks })).node.engine.position).toBe(50);
    disks.log.entries.clear();
    disks.log.start = 50;
    await expect(testNode({}, { disks })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('lost'),
    });
    expect((await testNode({ checkpoints: { acceptLoss: true } }, { disks })).node.lifeCycle.state).toBe('ready');
  });

  test('from a checkpoint of another version was refused without advice: the one before it or the whole log is told, else it is said what to do', async () => {
    const disks = new Disks();
    const first = await testNode({}, { disks });
    const save = async (): Promise<void> => {
      await first.post('/v1/accesses', ndjson(names(50, 1)));
      await first.node.intake.idle();
      await first.node.checkpoint();
    };
    const kept = disks.checkpoints.checkpoints;
    /** As if another version had written the newest: in the header, or in the engine's state, with digests that fit. */
    const age = (how: 'header' | 'state'): void => {
      const id = Math.max(...kept.keys());
      const { header, parts } = kept.get(id)! as { header: CheckpointHeader; parts: Uint8Array[] };
      if (how === 'state') new DataView(parts[0]!.buffer).setUint32(4, 3, true);
      kept.set(id, { header: sealCheckpoint(id, { ...header, schemaVersion: how === 'state' ? 1 : 0, parts }), parts });
    };
    await save();
    age('header');
    const whole = await testNode({}, { disks });
    expect(whole.node.engine.position).toBe(50);
    expect(whole.node.status().recovery).toMatchObject({
      ...{ from: null, replayed: 50, restored: 'relearned' },
      damaged: ['checkpoint 1: another version wrote it: it has layout 0, this version reads 1'],
    });
    expect(whole.logged.some((line) => line.startsWith('warn no checkpoint can be used, and the log has'))).toBe(true);
    await save();
    await save();
    age('state');
    const before = await testNode({}, { disks });
    expect(before.node.status().recovery).toMatchObject({ from: 100, replayed: 50, restored: 'exact' });
    // What nobody can go on from does not count as the one before: the log is kept for that which can.
    await before.post('/v1/accesses', ndjson(names(10, 1)));
    await before.node.intake.idle();
    await before.node.checkpoint();
    expect(before.node.status().log.start).toBe(100);
    age('header');
    await expect(testNode({}, { disks })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(
        /^the log begins at 100 and no checkpoint can be used \(checkpoint 4: .*; checkpoint 3: .* version 3.*\): what lies between is lost; start the version that wrote it, or start once with checkpoints.acceptLoss: true/,
      ),
    });
    const lossy = await testNode({ checkpoints: { acceptLoss: true } }, { disks });
    expect(lossy.node.status().recovery).toMatchObject({ from: null, restored: 'relearned' });
  });

  test('on a log that ends before its checkpoint or has a damaged entry is refused', async () => {
    const disks = new Disks();
    const first = await testNode({}, { disks });
    await first.post('/v1/accesses', ndjson(names(50, 1)));
    await first.node.intake.idle();
    await first.node.checkpoint();
    await first.post('/v1/accesses', ndjson(names(20, 2)));
    const entry = disks.log.entries.get(50)!;
    entry[entry.length - 1]! ^= 1;
    await expect(testNode({}, { disks })).rejects.toMatchObject({ code: 'corrupt', context: { position: 50 } });
    disks.log.entries.clear();
    disks.log.end = 10;
    await expect(testNode({}, { disks })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('missing'),
    });
  });
});

describe('checkpoints', () => {
  test('are taken as often as configured, only when there is something new, and the log is trimmed to the oldest that is kept', async () => {
    const { post, node, clock, ask } = await testNode({ checkpoints: { everyMs: 1000, kept: 2 } });
    const list = async () =>
      ((await ask('/v1/checkpoints?verify=1')).body as { checkpoints: { logPosition: number; problem: null }[] })
        .checkpoints;
    for (let i = 0; i < 3; i++) {
      await post('/v1/accesses', ndjson(names(10, i + 1)));
      await node.intake.idle();
      clock.advanceTo(clock.now() + 1000);
      await expect.poll(async () => (await list())[0]?.logPosition).toBe(10 * (i + 1));
    }
    clock.advanceTo(clock.now() + 5000);
    expect((await list()).map(({ logPosition, problem }) => [logPosition, problem])).toEqual([
      [30, null],
      [20, null],
    ]);
    await expect.poll(() => node.status().log.start).toBe(20);
  });

  test('of which a later one followed posts that went back in time had an earlier watermark: it never goes back', async () => {
    const disks = new Disks();
    const rows = (hour: number, segment: string): string =>
      JSON.stringify({ time: START_MS - 86_400_000 + hour * 3_600_000, segment, consumer: 'c', size: 1 });
    const watermarks: (number | null)[] = [];
    for (const hours of [[5, 3], [2], [6]]) {
      const { node, post } = await testNode({}, { disks });
      for (const hour of hours) await post('/v1/accesses', rows(hour, `/h${hour}`));
      await node.intake.idle();
      watermarks.push((await node.checkpoint())!.watermarkMs! - START_MS);
    }
    expect(watermarks).toEqual([5, 5, 6].map((hour) => hour * 3_600_000 - 86_400_000));
  });

  test('is not taken while the engine is being made again: what it is then belongs to no position', async () => {
    const { post, node } = await testNode();
    await post('/v1/accesses', ndjson(['/a', '/b']));
    await node.intake.idle();
    node.intake.suspend();
    expect(await node.checkpoint()).toBeNull();
    node.intake.revive(2);
    expect((await node.checkpoint())!.logPosition).toBe(2);
  });

  test('that cannot be written degrade the node, which goes on taking accesses', async () => {
    const disks = new Disks();
    const { post, node, ask } = await testNode({}, { disks });
    await post('/v1/accesses', ndjson(['/a']));
    await node.intake.idle();
    disks.checkpoints.isFull = true;
    await expect(node.checkpoint()).rejects.toMatchObject({ code: 'disk-full' });
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: { state: 'degraded' } });
    expect((await post('/v1/accesses', ndjson(['/b']))).status).toBe(200);
    disks.checkpoints.isFull = false;
    await node.intake.idle();
    await node.checkpoint();
    expect(node.lifeCycle.state).toBe('ready');
  });
});

describe('a drain', () => {
  test('of a node that is still recovering ends the recovery, and then the node', async () => {
    const disks = new Disks();
    const { post } = await testNode({}, { disks });
    for (let i = 0; i < 4; i++) await post('/v1/accesses', ndjson(names(400, i + 1)));
    const { node } = await testNode({}, { disks, begin: false });
    const started = node.start();
    const drained = node.drain();
    await expect(started).rejects.toMatchObject({ code: 'unavailable' });
    await drained;
    expect(node.lifeCycle.state).toBe('stopped');
  });

  test('learns from what was acknowledged, takes a checkpoint, refuses what comes after, and stops', async () => {
    const disks = new Disks();
    const { post, node, ask } = await testNode({}, { disks });
    const posted = post('/v1/accesses', ndjson(names(100, 1)));
    await posted;
    const drained = node.drain();
    expect((await post('/v1/accesses', ndjson(['/late']))).status).toBe(503);
    expect((await ask('/readyz')).status).toBe(503);
    await drained;
    expect(node.lifeCycle.state).toBe('stopped');
    const next = await testNode({}, { disks });
    expect(next.node.status().recovery).toMatchObject({ from: 100, replayed: 0 });
  });
});

test('a node that is still starting answers health, not readiness, and takes nothing', async () => {
  const { ask, post } = await testNode({}, { begin: false });
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: { state: 'starting' } });
  expect(await ask('/readyz')).toMatchObject({ status: 503, body: { ready: false, reasons: ['starting'] } });
  expect((await post('/v1/accesses', ndjson(['/a']))).status).toBe(503);
  expect((await ask('/v1/forecast')).status).toBe(503);
});

/** What every source must do, run for each implementation. */

import { describe, expect, test } from 'vitest';
import type { Source } from '../../actors/node/sources/source.ts';
import { SourceHost, until } from './source-host.ts';

/** A place to publish to, and sources that read from it. */
export interface SourceWorld {
  /** Another source on the same stream with what the host has; `settings` over the usual ones. */
  open(host: SourceHost, settings?: object): Source;
  publish(bodies: readonly string[]): Promise<void>;
  /** Messages that the broker does not know to be taken; null = it cannot tell. */
  unacknowledged(): Promise<number | null>;
  /** Makes the broker vanish and come back; it is then this world's own. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> };
  close(): Promise<void>;
}

export interface SourceTraits {
  /** A bad message is one message and not a line among others. */
  readonly hasMessages: boolean;
  /** There is a broker that may vanish. */
  readonly hasOutage: boolean;
  /** Its producers repeat by themselves, so repetitions and another order are theirs. */
  readonly isRepeating: boolean;
  readonly isSkipped: boolean;
}

const line = (segment: string): string => `${JSON.stringify({ time: 1000, segment, consumer: 'c', size: 1 })}\n`;
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const BAD = '{"time": 1000, "segment"';

export function sourceContract(
  name: string,
  { hasMessages, hasOutage, isRepeating, isSkipped }: SourceTraits,
  makeWorld: (isForOutage: boolean) => Promise<SourceWorld>,
): void {
  /** One test with its own stream; sources that it opened are stopped. */
  const holds = (title: string, run: (scene: Scene) => Promise<void>, isForOutage = false): void => {
    test.concurrent(title, async () => {
      const world = await makeWorld(isForOutage);
      const host = new SourceHost();
      const opened: Source[] = [];
      const open = (settings?: object): Source => {
        const source = world.open(host, settings);
        opened.push(source);
        source.start();
        return source;
      };
      try {
        await run({ world, host, open });
      } finally {
        host.fault = 'none';
        host.hasRoom = true;
        host.release();
        await Promise.all(opened.map((source) => source.stop()));
        await world.close();
      }
    });
  };

  describe.skipIf(isSkipped)(name, () => {
    holds('takes each access once, in order, and has them acknowledged', async ({ world, host, open }) => {
      const source = open();
      await world.publish(names('a', 40).map(line));
      await world.publish([line('b0') + line('b1'), line('c0')]);
      await inLog(host, 43);
      expect(await host.segments()).toEqual([...names('a', 40), 'b0', 'b1', 'c0']);
      await until(async () => ((await world.unacknowledged()) ?? 0) === 0, 'all is acknowledged');
      expect(source.status).toMatchObject({ state: 'running', trouble: null, counts: { accesses: 43, bad: 0 } });
    });

    holds('acknowledges nothing that is not in the log yet', async ({ world, host, open }) => {
      host.hold();
      open();
      await world.publish(names('a', 3).map(line));
      await until(() => host.appends > 0, 'an append is under way');
      await pause();
      expect((await world.unacknowledged()) ?? 3).toBe(3);
      expect(await host.segments()).toEqual([]);
      host.release();
      await until(async () => ((await world.unacknowledged()) ?? 0) === 0, 'all is acknowledged');
      expect(await host.segments()).toEqual(names('a', 3));
    });

    holds('counts nothing twice that came again because it died between append and acknowledgement', async (scene) => {
      const { world, host, open } = scene;
      host.fault = 'lost-answer';
      await world.publish(names('a', 5).map(line));
      const first = open();
      await inLog(host, 1);
      await first.stop();
      expect((await world.unacknowledged()) ?? 5).toBe(5);
      host.fault = 'none';
      await world.publish(names('b', 5).map(line));
      const second = open();
      await inLog(host, 10);
      await until(async () => ((await world.unacknowledged()) ?? 0) === 0, 'all is acknowledged');
      await pause();
      const found = await host.segments();
      expect(isRepeating ? found.toSorted() : found).toEqual([...names('a', 5), ...names('b', 5)]);
      expect(second.status.counts.duplicates).toBeGreaterThan(0);
    });

    holds('goes on after a restart where it stood', async ({ world, host, open }) => {
      const first = open();
      await world.publish(names('a', 5).map(line));
      await inLog(host, 5);
      await first.stop();
      expect(first.status.state).toBe('stopped');
      await world.publish(names('b', 5).map(line));
      const second = open();
      await inLog(host, 10);
      await pause();
      const found = await host.segments();
      expect(isRepeating ? found.toSorted() : found).toEqual([...names('a', 5), ...names('b', 5)]);
      await until(() => second.status.counts.accesses === 5, 'it has counted them');
      if (!isRepeating) expect(second.status.counts).toMatchObject({ accesses: 5, duplicates: 0 });
    });

    holds('keeps what the log cannot take now, says so, and takes it when it can', async ({ world, host, open }) => {
      host.fault = 'disk-full';
      const source = open();
      await world.publish(names('a', 5).map(line));
      await until(() => source.status.state === 'degraded', 'it is degraded');
      expect(source.status.trouble).toContain('the disk is full');
      expect((await world.unacknowledged()) ?? 5).toBe(5);
      host.fault = 'none';
      await inLog(host, 5);
      await until(() => source.status.state === 'running', 'it is well again');
      expect(await host.segments()).toEqual(names('a', 5));
    });

    holds('reads nothing while there is no room, loses nothing, and goes on', async ({ world, host, open }) => {
      host.hasRoom = false;
      const source = open();
      await until(() => source.status.state === 'paused', 'it waits');
      await world.publish(names('a', 20).map(line));
      await pause();
      expect(host.appends).toBe(0);
      expect(source.status.counts.messages).toBe(0);
      expect((await world.unacknowledged()) ?? 20).toBe(20);
      host.hasRoom = true;
      await inLog(host, 20);
      expect(await host.segments()).toEqual(names('a', 20));
      expect(source.status.counts.pauses).toBeGreaterThan(0);
    });

    holds('reads nothing while it is paused', async ({ world, host, open }) => {
      const source = open();
      await world.publish([line('a0')]);
      await inLog(host, 1);
      source.pause();
      await until(() => source.status.state === 'paused', 'it is paused');
      await world.publish([line('a1')]);
      await pause();
      expect(await host.segments()).toEqual(['a0']);
      source.resume();
      await inLog(host, 2);
    });

    holds('stops with the append under way in the log and acknowledged', async ({ world, host, open }) => {
      host.hold();
      const source = open();
      await world.publish([line('a0')]);
      await until(() => host.appends > 0, 'an append is under way');
      const stopped = source.stop();
      host.release();
      await stopped;
      expect(await host.segments()).toEqual(['a0']);
      await until(async () => ((await world.unacknowledged()) ?? 0) === 0, 'it is acknowledged');
    });

    if (hasMessages) messageContract(holds);
    if (hasOutage) outageContract(holds);
  });
}

interface Scene {
  readonly world: SourceWorld;
  readonly host: SourceHost;
  readonly open: (settings?: object) => Source;
}

type Holds = (title: string, run: (scene: Scene) => Promise<void>, isForOutage?: boolean) => void;

/** What those must do whose accesses come as messages. */
function messageContract(holds: Holds): void {
  holds('keeps a message with a bad record as a dead letter with its place, and takes the others', async (scene) => {
    const { world, host, open } = scene;
    const source = open();
    await world.publish([line('a0'), line('lost') + BAD, line('a1')]);
    await inLog(host, 2);
    await until(async () => ((await world.unacknowledged()) ?? 0) === 0, 'all is acknowledged');
    expect(await host.segments()).toEqual(['a0', 'a1']);
    // A sender that had to wait may have sent the bad one again.
    await until(() => source.status.counts.bad === host.bad.length, 'each is counted');
    expect(source.status.counts.accesses).toBe(2);
    const [letter] = host.letters.list(10);
    expect(letter).toMatchObject({ source: source.name, isWhole: true });
    expect(Buffer.from(letter!.body, 'base64').toString()).toBe(line('lost') + BAD);
    expect(letter!.why).toMatch(/line 2/);
    if (letter!.position !== null) expect(letter!.why).toContain(`at ${letter!.position}:`);
    expect([...new Set(host.bad)]).toEqual([letter!.why]);
  });

  holds('passes a bad message over where it is configured so', async ({ world, host, open }) => {
    const source = open({ onBadRecord: 'refuse', messageBytesMax: 200 });
    await world.publish([BAD, line('x'.repeat(300)), line('a0')]);
    await inLog(host, 1);
    await until(async () => ((await world.unacknowledged()) ?? 0) === 0, 'all is acknowledged');
    await until(() => source.status.counts.bad === host.bad.length, 'each is counted');
    expect(source.status.counts.accesses).toBe(1);
    expect(new Set(host.bad).size).toBe(2);
    expect(host.bad.join()).toContain('messageBytesMax');
    expect(host.letters.list(10)).toEqual([]);
  });
}

/** What those must do whose broker may vanish. */
function outageContract(holds: Holds): void {
  holds(
    'says what is wrong while its broker is away, and goes on when that is back',
    async ({ world, host, open }) => {
      const source = open();
      await world.publish(names('a', 3).map(line));
      await inLog(host, 3);
      await world.outage!.begin();
      await until(() => source.status.state === 'degraded', 'it is degraded');
      expect(source.status.trouble).toMatch(/\S/);
      expect(source.status.counts.failures).toBeGreaterThan(0);
      await world.outage!.end();
      await until(() => source.status.state === 'running', 'it is well again', 40_000);
      expect(source.status.trouble).toBeNull();
      await world.publish(names('b', 3).map(line));
      await inLog(host, 6);
      expect(await host.segments()).toEqual([...names('a', 3), ...names('b', 3)]);
    },
    true,
  );
}

async function inLog(host: SourceHost, count: number): Promise<void> {
  let found: readonly string[] = [];
  const isThere = async (): Promise<boolean> => {
    found = await host.segments();
    return found.length >= count;
  };
  await until(isThere, `${count} accesses are in the log`);
}

/** Long enough for what must not happen. */
const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 150));

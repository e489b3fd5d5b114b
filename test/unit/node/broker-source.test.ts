import { afterEach, describe, expect, test } from 'vitest';
import { BrokerSource } from '../../../actors/node/sources/broker-source.ts';
import { LanePlaces } from '../../../actors/node/sources/lane-places.ts';
import { MessageDesk, type MessageDeskOptions } from '../../../actors/node/sources/message-desk.ts';
import { SourceLetters } from '../../../actors/node/sources/source-letters.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { clock, SourceHost, until } from '../../conformance/source-host.ts';
import { messageAt, ScriptedBroker } from './scripted-broker.ts';

const opened: BrokerSource[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.stop()));
});

function deskOf(host: SourceHost, places: LanePlaces, options: Partial<MessageDeskOptions> = {}): MessageDesk {
  const { parse, append } = host.parts();
  const { letters } = host;
  return new MessageDesk({
    ...{ source: 's', format: 'ndjson', onBadRecord: 'dead-letter', messageBytesMax: 1000, places, letters, clock },
    ...{ compare: (a, b) => Number(a) - Number(b), parse, append, onBad: (why) => host.bad.push(why), ...options },
  });
}

function open(
  broker: ScriptedBroker,
  host = new SourceHost(),
  options: Partial<MessageDeskOptions> & { readonly timeoutMs?: number; readonly backOffMs?: number } = {},
) {
  const places = new LanePlaces('s', host.records);
  const source = new BrokerSource({
    ...{ name: 's', type: 'scripted', broker, places, clock, random: new Xoshiro128(1), keepAliveMs: 10 },
    desk: deskOf(host, places, options),
    limits: { messagesMax: 10, bytesMax: 1000, waitMs: 10 },
    timeoutMs: options.timeoutMs ?? 1000,
    backOff: { initialMs: options.backOffMs ?? 5, factor: 2, maxMs: options.backOffMs ?? 20, jitter: 0 },
    whenRoom: host.parts().whenRoom,
    onChange: (status) => host.changes.push(status),
  });
  opened.push(source);
  source.start();
  return { source, host, places };
}

const bad = (position: number) => ({ ...messageAt(position, 'x'), bytes: new TextEncoder().encode('{"segment"') });

describe('a source of a broker', () => {
  test('tries again with growing waits, and says each time what was wrong', async () => {
    const broker = new ScriptedBroker();
    broker.connectFaults.push(new Error('refused'), new Error('still refused'));
    broker.fetchFaults.push(new Error('broken'));
    broker.batches.push([messageAt(1, 'a')]);
    const { source, host } = open(broker);
    await until(() => source.status.counts.accesses === 1, 'it has recovered');
    expect(host.changes.map(({ state, trouble }) => `${state} ${trouble}`).slice(0, 5)).toEqual([
      'connecting null',
      'degraded refused',
      'degraded still refused',
      'degraded broken',
      'running null',
    ]);
    expect(source.status.counts.failures).toBe(3);
    expect(broker.connects).toBe(4);
    expect(broker.closes).toBe(1);
  });

  test('takes a broker that does not answer for one that is away', async () => {
    const broker = new ScriptedBroker();
    broker.isSilent = true;
    const { source } = open(broker, new SourceHost(), { timeoutMs: 30 });
    await until(() => source.status.state === 'degraded', 'it is degraded');
    expect(source.status.trouble).toMatch(/fetch: no answer in 40 ms/);
  });

  test('what trying again cannot mend waits longest', async () => {
    const broker = new ScriptedBroker();
    broker.connectFaults.push(new AnteroomError('missing-library', 'install it'));
    const { source } = open(broker, new SourceHost(), { backOffMs: 60_000 });
    await until(() => source.status.trouble === 'install it', 'it says so');
    await new Promise((done) => setTimeout(done, 100));
    expect(broker.connects).toBe(1);
    // A stop does not wait for it.
    await source.stop();
    expect(source.status).toMatchObject({ state: 'stopped', trouble: 'install it' });
  });

  test('tells its broker that it lives while there is no room', async () => {
    const host = new SourceHost();
    host.hasRoom = false;
    const broker = new ScriptedBroker();
    const { source } = open(broker, host);
    await until(() => broker.keepAlives > 2, 'it has told');
    expect(source.status).toMatchObject({ state: 'paused', trouble: null });
  });

  test('halts before a bad message where it is configured so, with what came before in the log', async () => {
    const broker = new ScriptedBroker();
    broker.batches.push([messageAt(1, 'a'), messageAt(2, 'b'), bad(3), messageAt(4, 'd')]);
    const { source, host } = open(broker, new SourceHost(), { onBadRecord: 'halt' });
    await until(() => source.status.state === 'halted', 'it halts');
    expect(source.status.trouble).toMatch(/^s: lane at 3: line 1:/);
    expect(await host.segments()).toEqual(['a', 'b']);
    expect(broker.settled.map(({ message }) => message.position)).toEqual(['1', '2']);
    await source.stop();
    // Mended at the broker: the same place again.
    const mended = new ScriptedBroker();
    mended.batches.push([messageAt(3, 'c'), messageAt(4, 'd')]);
    const again = open(mended, host, { onBadRecord: 'halt' });
    await until(() => again.source.status.counts.accesses === 2, 'it goes on');
    expect(await host.segments()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('messages of a lane', () => {
  const segmentsOf = (host: SourceHost) => host.segments();

  test('that were under way at a crash are appended once, however the broker cuts them when they come again', async () => {
    for (const cuts of [[5], [1, 1, 1, 1, 1], [2, 3], [3, 1, 1], [4, 3], [1, 6]]) {
      for (const fault of ['lost-answer', 'disk-full'] as const) {
        const host = new SourceHost();
        host.fault = fault;
        const first = deskOf(host, new LanePlaces('s', host.records));
        const five = [1, 2, 3, 4, 5].map((position) => messageAt(position, `m${position}`));
        expect((await first.take(five)).left).not.toBeNull();
        // Another life, with what the records hold.
        host.fault = 'none';
        const second = deskOf(host, new LanePlaces('s', host.records));
        const again = [...five, messageAt(6, 'm6'), messageAt(7, 'm7')];
        const settled: string[] = [];
        let at = 0;
        for (const cut of [...cuts, 7]) {
          const end = await second.take(again.slice(at, at + cut));
          settled.push(...end.settled.map(({ message }) => message.position!));
          at += cut;
        }
        expect(await segmentsOf(host)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7']);
        expect(settled).toEqual(['1', '2', '3', '4', '5', '6', '7']);
      }
    }
  });

  test('that are gone from the broker after a crash do not hold up what follows', async () => {
    const host = new SourceHost();
    host.fault = 'disk-full';
    await deskOf(host, new LanePlaces('s', host.records)).take([messageAt(1, 'a'), messageAt(2, 'b')]);
    host.fault = 'none';
    const end = await deskOf(host, new LanePlaces('s', host.records)).take([messageAt(9, 'i')]);
    expect(end.settled).toMatchObject([{ end: 'taken' }]);
    expect(await segmentsOf(host)).toEqual(['i']);
  });

  test('that come again while they are in hand are held once', async () => {
    const host = new SourceHost();
    host.fault = 'lost-answer';
    await deskOf(host, new LanePlaces('s', host.records)).take([1, 2, 3].map((at) => messageAt(at, `m${at}`)));
    host.fault = 'none';
    const desk = deskOf(host, new LanePlaces('s', host.records));
    const part = [messageAt(1, 'm1'), messageAt(2, 'm2')];
    expect((await desk.take(part)).settled).toEqual([]);
    expect((await desk.take(part)).settled).toEqual([]);
    const end = await desk.take([messageAt(3, 'm3')]);
    expect(end.settled.map(({ end: how }) => how)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(await segmentsOf(host)).toEqual(['m1', 'm2', 'm3']);
  });

  test('of a stream that was made anew count although their positions were seen', async () => {
    const host = new SourceHost();
    const places = new LanePlaces('s', host.records);
    await places.enter('lane', 'monday');
    const desk = deskOf(host, places);
    await desk.take([messageAt(1, 'a'), messageAt(2, 'b')]);
    await places.flush();
    const later = new LanePlaces('s', host.records);
    await later.enter('lane', 'monday');
    expect(later.positionOf('lane')).toBe('2');
    await later.enter('lane', 'tuesday');
    expect(later.positionOf('lane')).toBeNull();
    await deskOf(host, later).take([messageAt(1, 'c')]);
    expect(await segmentsOf(host)).toEqual(['a', 'b', 'c']);
  });

  test('one lane that fails does not settle another that follows, and both are taken later', async () => {
    const host = new SourceHost();
    const desk = deskOf(host, new LanePlaces('s', host.records));
    host.fault = 'disk-full';
    const both = [messageAt(1, 'a', 'x'), messageAt(1, 'b', 'y')];
    const failed = await desk.take(both);
    expect(failed.settled).toEqual([]);
    expect(failed.left?.messages).toEqual(both);
    host.fault = 'none';
    const end = await desk.take(failed.left!.messages);
    expect(end.settled).toHaveLength(2);
    expect(await segmentsOf(host)).toEqual(['a', 'b']);
  });
});

describe('dead letters of sources', () => {
  test('are kept up to a bound, each once, and large ones by their beginning', async () => {
    const host = new SourceHost();
    const letters = new SourceLetters({ records: host.records, lettersMax: 3, letterBytesMax: 4 });
    const desk = deskOf(host, new LanePlaces('s', host.records), { letters });
    for (let at = 1; at <= 5; at++) await desk.take([bad(at)]);
    expect(desk.lettersDropped).toBe(2);
    expect(letters.count).toBe(3);
    expect(letters.list(10).map(({ position }) => position)).toEqual(['3', '4', '5']);
    expect(letters.list(1)[0]).toMatchObject({
      bytes: 10,
      isWhole: false,
      format: 'ndjson',
      source: 's',
      lane: 'lane',
    });
    // Another node on the same records counts what is there.
    expect(new SourceLetters({ records: host.records, lettersMax: 3, letterBytesMax: 4 }).count).toBe(3);
  });
});

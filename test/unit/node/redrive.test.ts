import { describe, expect, test } from 'vitest';
import type { BrokerMessage } from '../../../actors/node/sources/broker.ts';
import { LanePlaces } from '../../../actors/node/sources/lane-places.ts';
import { MessageDesk, type MessageDeskOptions } from '../../../actors/node/sources/message-desk.ts';
import { SourceLetters } from '../../../actors/node/sources/source-letters.ts';
import { clock, SourceHost } from '../../conformance/source-host.ts';
import { messageAt } from './scripted-broker.ts';

const line = (segment: string): string => JSON.stringify({ time: 1, segment, consumer: 'c', size: 1 });
const csv = (segment: string): string => `time,segment,consumer,size\n1,${segment},c,1\n`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A message that its sender numbers, as ZeroMQ has them. */
function numbered(sequence: number, text: string, more: Partial<BrokerMessage> = {}): BrokerMessage {
  const origin = { producer: 'source:s:p', sequence };
  return { lane: 's', position: null, origin, bytes: bytesOf(text), format: null, fault: null, handle: null, ...more };
}

/** One life of a source's desk on what the host keeps. */
function deskOf(host: SourceHost, options: Partial<MessageDeskOptions> = {}): MessageDesk {
  const { parse, append } = host.parts();
  const places = new LanePlaces('s', host.records);
  return new MessageDesk({
    ...{ source: 's', format: 'ndjson', onBadRecord: 'dead-letter', messageBytesMax: 1000, letters: host.letters },
    ...{ compare: (a, b) => Number(a) - Number(b), parse, append, onBad: (why) => host.bad.push(why), places, clock },
    ...options,
  });
}

/** A life that took messages and was stopped in order. */
async function lived(host: SourceHost, messages: readonly BrokerMessage[]): Promise<void> {
  const places = new LanePlaces('s', host.records);
  await deskOf(host, { places }).take(messages);
  await places.flush();
}

const only = (host: SourceHost) => host.letters.list(2)[0]!;

describe('a message that its source refused', () => {
  test('is taken at another try, once its format was mended, and then is a dead letter no more', async () => {
    const host = new SourceHost();
    await lived(host, [messageAt(1, 'a'), { ...messageAt(2, 'x'), bytes: bytesOf(csv('b')) }, messageAt(3, 'c')]);
    expect(await host.segments()).toEqual(['a', 'c']);
    const before = deskOf(host);
    expect(await before.redrive(only(host))).toMatchObject({ kind: 'failed', why: expect.stringContaining('line 1') });
    expect(host.letters.count).toBe(1);
    const mended = deskOf(host, { format: 'csv' });
    expect(await mended.redrive(only(host))).toEqual({ kind: 'taken', accesses: 1 });
    expect(await host.segments()).toEqual(['a', 'c', 'b']);
    expect(host.letters.count).toBe(0);
  });

  test('counts once although the process died between its append and the end of its letter', async () => {
    for (const message of [{ ...messageAt(1, 'x'), bytes: bytesOf(csv('b')) }, numbered(1, csv('b'))]) {
      const host = new SourceHost();
      await lived(host, [message]);
      host.fault = 'lost-answer';
      const first = await deskOf(host, { format: 'csv' }).redrive(only(host));
      expect(first).toMatchObject({ kind: 'failed', why: 'the answer was lost' });
      host.fault = 'none';
      expect(await deskOf(host, { format: 'csv' }).redrive(only(host))).toEqual({ kind: 'duplicate' });
      expect(await host.segments()).toEqual(['b']);
      expect(host.letters.count).toBe(0);
    }
  });

  test('counts once although its sender sends it again, mended, before or after another try', async () => {
    for (const order of ['again first', 'redrive first']) {
      const host = new SourceHost();
      const desk = deskOf(host, { format: 'auto' });
      await desk.take([numbered(7, 'nonsense'), numbered(8, line('next'))]);
      const letter = only(host);
      const mended = deskOf(host, {
        format: 'auto',
        parse: (bytes, format) =>
          host.parts().parse(String.fromCharCode(...bytes) === 'nonsense' ? bytesOf(line('b')) : bytes, format),
      });
      if (order === 'redrive first') expect(await mended.redrive(letter)).toMatchObject({ kind: 'taken' });
      const [again] = (await mended.take([numbered(7, line('b'))])).settled;
      expect(again!.end).toBe(order === 'redrive first' ? 'duplicate' : 'taken');
      expect(host.letters.count).toBe(0);
      if (order === 'again first') expect(await mended.redrive(letter)).toEqual({ kind: 'duplicate' });
      expect(await host.segments()).toEqual(['next', 'b']);
    }
  });

  test('whose number the log has forgotten is taken under one of its own, and its sender can take it no more', async () => {
    const host = new SourceHost();
    const desk = deskOf(host);
    await desk.take([numbered(1, csv('b')), numbered(5000, line('later'))]);
    host.fault = 'lost-answer';
    await deskOf(host, { format: 'csv' }).redrive(only(host));
    host.fault = 'none';
    // First its own number was asked for, which the log refused; the loss was of that answer.
    expect(await deskOf(host, { format: 'csv' }).redrive(only(host))).toMatchObject({ kind: 'failed' });
    const other = new SourceHost();
    await deskOf(other).take([numbered(1, csv('b')), numbered(5000, line('later'))]);
    const mended = deskOf(other, { format: 'csv' });
    expect(await mended.redrive(only(other))).toEqual({ kind: 'taken', accesses: 1 });
    const [again] = (await mended.take([numbered(1, csv('b'))])).settled;
    expect(again!.end).toBe('dead-letter');
    expect(await mended.redrive(only(other))).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('cannot be told'),
    });
    expect(await other.segments()).toEqual(['later', 'b']);
  });

  test('that the log had refused as too old to tell is not taken at another try', async () => {
    const host = new SourceHost();
    const desk = deskOf(host);
    await desk.take([numbered(1, line('a')), numbered(5000, line('b')), numbered(1, line('a'))]);
    expect(only(host)).toMatchObject({ isDoubtful: true, why: expect.stringContaining('stale-sequence') });
    expect(await desk.redrive(only(host))).toMatchObject({ kind: 'failed' });
    expect(await host.segments()).toEqual(['a', 'b']);
  });

  test('is not taken from its broker too, when what came with it comes again after a crash', async () => {
    for (const fault of ['lost-answer', 'disk-full'] as const) {
      const host = new SourceHost();
      host.fault = fault;
      const chunk = [messageAt(1, 'a'), { ...messageAt(2, 'x'), bytes: bytesOf(csv('b')) }, messageAt(3, 'c')];
      // The chunk is open, the letter is there; then the process dies, and its next life reads CSV and NDJSON.
      expect((await deskOf(host).take(chunk)).left).not.toBeNull();
      host.fault = 'none';
      const mended = deskOf(host, { format: 'auto' });
      expect(await mended.redrive(only(host))).toMatchObject({ why: expect.stringContaining('still under way') });
      await mended.take(chunk);
      expect(await host.segments()).toEqual(['a', 'c']);
      expect(await mended.redrive(only(host))).toMatchObject({ kind: 'taken' });
      await mended.take([...chunk, messageAt(4, 'd')]);
      expect(await host.segments()).toEqual(['a', 'c', 'b', 'd']);
    }
  });

  test('is not taken from its broker too, when nothing that came with it could be appended', async () => {
    const host = new SourceHost();
    const bad = { ...messageAt(1, 'x'), bytes: bytesOf(csv('b')) };
    await deskOf(host).take([bad]);
    const mended = deskOf(host, { format: 'csv' });
    expect(await mended.redrive(only(host))).toMatchObject({ kind: 'taken' });
    const third = deskOf(host, { format: 'csv' });
    await third.take([bad]);
    expect(await host.segments()).toEqual(['b']);
  });

  test('of which only a beginning was kept, or whose frames were wrong, stays a dead letter and says why', async () => {
    const host = new SourceHost();
    const desk = deskOf(host, { messageBytesMax: 2000 });
    await desk.take([
      numbered(1, 'x'.repeat(1500)),
      numbered(2, line('a'), { fault: 'expected 1, 3 or 4 frames, found 2' }),
    ]);
    const ends = [];
    for (const letter of host.letters.list(10)) ends.push(await desk.redrive(letter));
    expect(ends).toMatchObject([
      { kind: 'failed', why: expect.stringContaining('badMessages.bytesMax') },
      { kind: 'failed', why: expect.stringContaining('frames') },
    ]);
    expect(host.letters.count).toBe(2);
  });
});

test('a sender of many bad messages crowds out its own dead letters, not those of others', async () => {
  const host = new SourceHost();
  const letters = new SourceLetters({ records: host.records, lettersMax: 4, letterBytesMax: 100 });
  const desk = deskOf(host, { letters });
  const from = (producer: string, sequence: number) =>
    numbered(sequence, 'bad', { origin: { producer: `source:s:${producer}`, sequence } });
  await desk.take([from('a', 1), from('z', 1)]);
  await desk.take(Array.from({ length: 50 }, (_, i) => from('m', i)));
  expect(letters.list(10).map(({ origin }) => `${origin!.producer} ${origin!.sequence}`)).toEqual([
    'source:s:a 1',
    'source:s:m 48',
    'source:s:m 49',
    'source:s:z 1',
  ]);
  expect(desk.lettersDropped).toBe(48);
});

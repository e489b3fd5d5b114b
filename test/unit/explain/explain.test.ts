import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { refusalNames } from '../../../actors/cache-manager/ledger.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { type ExplainOptions, explain } from '../../../sim/explain/explain.ts';
import type { ForecastEvent, LogStory, SegmentStory } from '../../../sim/explain/story.ts';
import { storyText } from '../../../sim/explain/story-text.ts';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-explain-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A ring of 40 segments walked round and round by one consumer: all is known after the second round. */
const ring = join(folder, 'ring.csv');
writeFileSync(
  ring,
  `t_ms,client,object\n${Array.from({ length: 4000 }, (_, i) => `${i * 1000},ann,s${i % 40}`).join('\n')}\n`,
);

const storyOf = async (segment: string, options: Partial<ExplainOptions> = {}): Promise<SegmentStory> =>
  (await explain({ trace: ring, cache: '10', evict: 'lru', segment, ...options })) as SegmentStory;
const logStory = async (options: Partial<ExplainOptions> = {}): Promise<LogStory> =>
  (await explain({ trace: ring, cache: '10', evict: 'lru', ...options })) as LogStory;

describe('the story of a segment', () => {
  test('begins with a miss never asked for before; later the segment before it gives rise to prefetches that are used', async () => {
    const story = await storyOf('s7', { eventsMax: 10_000 });
    expect(story.demands).toBe(100);
    expect(story.hits + story.misses).toBe(100);
    expect(story.events[0]).toMatchObject({ kind: 'demand', position: 7, served: 'miss', missClass: 'unseen' });
    const sent = story.events.filter((event) => event.kind === 'forecast' && event.verdict === 'issued');
    expect(sent.length).toBe(story.issued);
    expect(sent.length).toBeGreaterThan(50);
    const last = sent.at(-1)!;
    expect(last).toMatchObject({ consumer: 'ann', expert: expect.stringContaining('successor') });
    if (last.kind !== 'forecast') throw new Error('a forecast');
    expect(last.evidence!.opinions.map(({ expert }) => expert)).toContain('consumer-successor');
    expect(last.probability!).toBeGreaterThanOrEqual(last.evidence!.threshold);
    // LRU of ten never holds one of forty by the time it comes round, so what was staged is what is hit.
    const useful = story.events.filter((event) => event.kind === 'outcome' && event.outcome === 'useful');
    expect(useful.length).toBe(story.avoided);
    expect(story.avoided).toBe(story.hits);
  });

  test('goes on where the last page ended', async () => {
    const whole = await storyOf('s7', { eventsMax: 10_000 });
    const first = await storyOf('s7', { eventsMax: 8 });
    expect(first.events).toEqual(whole.events.slice(0, 8));
    expect(first.omitted).toBe(whole.events.length - 8);
    const from = first.events.at(-1)!.position + 1;
    const rest = await storyOf('s7', { eventsMax: 10_000, from });
    expect(rest.events).toEqual(whole.events.filter((event) => event.position >= from));
  });

  test('told of no events it said "--events, or to go on", and of one new miss "1 new ones"', async () => {
    const story = await storyOf('s7', { eventsMax: 0 });
    expect(storyText(story)).toMatch(/… and [\d,]+ more events \(--events\)\n$/);
    expect(storyText({ ...(await logStory()), pollution: 1 })).toContain('and cost 1 new one;');
  });

  test('is of the very run that a replay makes', async () => {
    const { result } = await replay({ traces: [ring], cache: '10', evict: ['lru'] });
    const run = result.runs.find(({ prefetch }) => prefetch === 'anteroom')!;
    expect((await storyOf('s7')).run.digest).toBe(run.digest);
    const log = await logStory();
    expect(log.run.digest).toBe(run.digest);
    expect(log.missClasses).toEqual(run.missClasses);
    expect(log.misses).toBe(run.misses);
    expect(log.baselineMisses).toBe(run.baselineMisses);
  });

  test('of a segment that the log does not name is refused', async () => {
    await expect(storyOf('nobody')).rejects.toThrow(/--segment: .*ring\.csv names no segment "nobody"/);
    await expect(storyOf('s7', { cache: '0.01,0.1' })).rejects.toThrow(/--cache: expected one size/);
  });

  test('in text has each event with its reason', async () => {
    const text = storyText(await storyOf('s7', { eventsMax: 30 }));
    expect(text).toMatch(/s7: 100 demands/);
    expect(text).toContain('demanded by ann: miss, never asked for before');
    expect(text).toMatch(/forecast after s\d+ \(ann\) at [\d.]+ % \[consumer-successor/);
    expect(text).toContain('prefetch sent');
    expect(text).toContain('hit on the staged copy; without prefetching a miss');
    expect(text).toMatch(/more events? \(--events, or --from \d+ to go on\)/);
    expect(text).not.toMatch(/undefined|NaN|null/);
  });
});

describe('why a candidate was not fetched', () => {
  // Followers of every page: some come nine times in ten, others at times, and they are of very different sizes.
  const sized = join(folder, 'sized.csv');
  const random = new Xoshiro128(5);
  const rows: string[] = [];
  for (let i = 0; rows.length < 14_000; i++) {
    const page = random.int(120);
    const consumer = `c${i % 5}`;
    rows.push(`${i * 400},${consumer},p${page},3000`);
    for (const k of [0, 1, 2, 3]) {
      if (random.next() < [0.9, 0.6, 0.4, 0.2][k]!)
        rows.push(`${i * 400 + 80 * (k + 1)},${consumer},a${page}-${k},${[40_000, 900, 9000, 300][k]}`);
    }
  }
  writeFileSync(sized, `t_ms,client,object,size\n${rows.join('\n')}\n`);

  const forecastsOf = async (segment: string, options: Partial<ExplainOptions> = {}): Promise<ForecastEvent[]> => {
    const story = await storyOf(segment, { trace: sized, cache: '0.05', evict: 'auto', eventsMax: 1e6, ...options });
    return story.events.filter((event) => event.kind === 'forecast');
  };

  test('a forecast of 91 % was "not worth a fetch below 32 %": that threshold was of a segment of mean size', async () => {
    let large = 0;
    for (const segment of ['a1-0', 'a2-0', 'a2-2']) {
      for (const event of await forecastsOf(segment)) {
        const { value, probability, threshold, trust } = event.evidence!;
        expect(trust).toBeGreaterThan(0);
        if (event.verdict === 'below-threshold') {
          expect(probability).toBeLessThanOrEqual(threshold);
          expect(value).toBeLessThan(0);
          if (probability > 0.5) large++;
        } else {
          expect(probability).toBeGreaterThanOrEqual(threshold);
          expect(value).toBeGreaterThanOrEqual(0);
        }
      }
    }
    expect(large).toBeGreaterThan(0);
  });

  test('where the bound on traffic left no room it said that the forecast was not worth a fetch', async () => {
    const config = replayConfigSchema.parse({ trafficAllowance: 0 });
    const events = (
      await Promise.all(['s7', 's8'].map((one) => storyOf(one, { trafficMax: 1, config, eventsMax: 1e6 })))
    )
      .flatMap((story) => story.events)
      .filter((event) => event.kind === 'forecast');
    const refused = events.filter(({ verdict }) => verdict === 'budget');
    expect(refused.length).toBeGreaterThan(0);
    for (const { evidence } of refused) expect(evidence!.value).toBeGreaterThanOrEqual(0);
  });

  test('a prefetch that was sent says what it was worth', async () => {
    const text = storyText(await storyOf('s7', { eventsMax: 1e6 }));
    const sent = text.split('\n').filter((line) => /forecast.*prefetch sent/.test(line));
    expect(sent.length).toBeGreaterThan(0);
    for (const line of sent) expect(line).toMatch(/: prefetch sent, worth [\d.]+ fetches$/);
  });

  test('refusals were told by the names of their counters: "refused: requestRate"', async () => {
    const story = await storyOf('s7', { eventsMax: 1e6 });
    const forecast = story.events.find((event) => event.kind === 'forecast')!;
    for (const verdict of refusalNames) {
      const text = storyText({ ...story, events: [{ ...forecast, verdict }] });
      expect(text).toMatch(/: refused: \w+ \w+/);
      expect(text).not.toContain(`refused: ${verdict}`);
    }
  });
});

describe('what the far loop planned', () => {
  test('says what it was to gain', async () => {
    // Reports read at five past eight every day, among pages by chance.
    const random = new Xoshiro128(6);
    const rows: [number, string][] = [];
    for (let day = 0; day < 14; day++) {
      for (let k = 0; k < 12; k++) rows.push([day * 86_400_000 + 29_100_000 + 20_000 * k, `reader,/report/${k}`]);
      for (let i = 0; i < 480; i++) rows.push([day * 86_400_000 + 180_000 * i, `c${i % 7},/page/${random.int(400)}`]);
    }
    rows.sort(([a], [b]) => a - b);
    const reports = join(folder, 'reports.csv');
    writeFileSync(reports, `t_ms,client,object\n${rows.map(([at, row]) => `${at},${row}`).join('\n')}\n`);
    const config = replayConfigSchema.parse({ farLoop: { isEnabled: true, probabilityMin: 0.01 } });
    const story = await storyOf('/report/5', { trace: reports, cache: '40', eventsMax: 1e6, config });
    const planned = story.events.filter((event) => event.kind === 'forecast' && event.after === null);
    expect(planned.length).toBeGreaterThan(0);
    for (const event of planned) expect((event as ForecastEvent).netBenefit).toBeGreaterThan(0);
    expect(storyText(story)).toMatch(/planned by the far loop at [\d.]+ % for an expected net benefit of [\d.e-]+,/);
  });
});

describe('the story of a log', () => {
  test('adds up: what is left is classified or by prefetching itself', async () => {
    const story = await logStory({ trace: 'workload:zipf-drift,segments=500,accesses=20000', cache: '0.05' });
    const classified = Object.values(story.missClasses).reduce((sum, count) => sum + count, 0);
    expect(classified + story.pollution).toBe(story.misses);
    expect(story.baselineMisses - story.avoided + story.pollution).toBe(story.misses);
    expect(story.missClasses.unseen).toBeLessThanOrEqual(500);
    expect(story.worst).toHaveLength(10);
    const text = storyText(story);
    expect(text).toContain('never asked for before');
    expect(text).not.toMatch(/undefined|NaN|null/);
    expect((await logStory({ worstMax: 3 })).worst).toHaveLength(3);
  });

  test('beside a sampled ghost counts were fractions with commas between their decimals: 22575.00,000,525,615', async () => {
    const config = replayConfigSchema.parse({ ghost: { kind: 'sampled', rate: 0.3 } });
    const story = await logStory({ trace: 'workload:zipf-drift,segments=500,accesses=8000', cache: '0.2', config });
    expect(Number.isInteger(story.baselineMisses)).toBe(false);
    const text = storyText(story);
    expect(text).not.toMatch(/\d\.\d*,\d/);
    expect(text).toContain(`${Math.round(story.baselineMisses).toLocaleString('en')} misses. Prefetching`);
    expect(text).toContain('Estimated from a sample');
    expect(storyText(await logStory())).not.toContain('Estimated');
  });

  test('a log from standard input was called "-"', async () => {
    const story = await logStory();
    expect(storyText({ ...story, run: { ...story.run, trace: '-' } })).toMatch(/^<stdin>: cache of /);
  });

  test('names of 10 kB were told whole, a screen each; the JSON has them', async () => {
    const long = join(folder, 'long.csv');
    const names = Array.from({ length: 30 }, (_, i) => `${'/\u{1f600}'.repeat(2500)}${i}`);
    writeFileSync(
      long,
      `t_ms,client,object\n${Array.from({ length: 90 }, (_, i) => `${i},a,${names[i % 30]}`).join('\n')}\n`,
    );
    const story = await logStory({ trace: long });
    expect(names).toContain(story.worst[0]!.segment);
    const one = await storyOf(names[3]!, { trace: long });
    for (const text of [storyText(story), storyText(one)])
      for (const line of text.split('\n')) expect(line.length).toBeLessThan(1500);
  });
});

/** A cache that is attached reads as before, and has more of what is asked for. */

import { LRUCache } from 'lru-cache';
import { describe, expect, test } from 'vitest';
import { attach, type FetchValue } from '../../../actors/engine/attach.ts';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

/** An origin whose fetches take 50 ms of virtual time, and readers that wait 1 s between reads. */
class World {
  readonly clock = new VirtualClock();
  readonly fetches: { readonly key: string; readonly isPrefetch: boolean }[] = [];
  underWay = 0;
  underWayMost = 0;
  prefetchesUnderWayMost = 0;
  fails: (key: string, isPrefetch: boolean) => boolean = () => false;

  readonly fetch: FetchValue<string, string> = (key, { isPrefetch, signal }) => {
    this.fetches.push({ key, isPrefetch });
    this.underWay++;
    this.underWayMost = Math.max(this.underWayMost, this.underWay);
    return new Promise((resolve, reject) => {
      this.clock.setTimeout(() => {
        this.underWay--;
        if (signal.aborted) reject(new Error('aborted'));
        else if (this.fails(key, isPrefetch)) reject(new Error(`no ${key}`));
        else resolve(`value of ${key}`);
      }, 50);
    });
  };

  /** Lets 1 s pass, with everything that promises do in it. */
  async second(): Promise<void> {
    for (let step = 0; step < 4; step++) {
      this.clock.advanceBy(250);
      for (let i = 0; i < 12; i++) await Promise.resolve();
    }
  }
}

/** Reads pages in a loop that is longer than the cache, now and then a page by chance. */
function pageAt(i: number): string {
  return i % 10 === 9 ? `/chance/${(Math.imul(i, 2654435761) >>> 9) % 500}` : `/page/${i % 60}`;
}

async function readAll(world: World, get: (key: string) => Promise<string>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const key = pageAt(i);
    const reading = get(key).then(
      (value) => expect(value).toBe(`value of ${key}`),
      (error: Error) => expect(error.message).toBe(`no ${key}`),
    );
    await world.second();
    await reading;
  }
}

const config = { trafficMax: null };

describe('an attached LRUCache', () => {
  test('has more hits than the cache alone, and never more entries', async () => {
    const plainWorld = new World();
    const plain = new LRUCache<string, string>({ max: 40 });
    let plainHits = 0;
    await readAll(
      plainWorld,
      async (key) => {
        const cached = plain.get(key);
        if (cached !== undefined) {
          plainHits++;
          return cached;
        }
        const value = await plainWorld.fetch(key, { isPrefetch: false, signal: new AbortController().signal });
        plain.set(key, value);
        return value;
      },
      1200,
    );
    const world = new World();
    const cache = new LRUCache<string, string>({
      max: 40,
      disposeAfter: (_v, _k, reason) => expect(reason).not.toBe('evict'),
    });
    const pages = attach(cache, { fetch: world.fetch, safe: true, clock: world.clock, config });
    await readAll(world, (key) => pages.get(key, { consumer: 'ann' }), 1200);
    expect(pages.counts.hits).toBeGreaterThan(plainHits + 400);
    expect(cache.size).toBeLessThanOrEqual(40);
    expect(pages.counts.hits + pages.counts.joined + pages.counts.fetched).toBe(1200);
    expect(pages.stats()).toMatchObject({ accesses: 1200 });
  });

  test('what the engine holds is in the cache, and what the cache holds the engine knows', async () => {
    const world = new World();
    const cache = new LRUCache<string, string>({ max: 40 });
    const pages = attach(cache, { fetch: world.fetch, safe: true, clock: world.clock, config });
    await readAll(world, (key) => pages.get(key), 400);
    for (let i = 0; i < 400; i++) expect(pages.engine.holds(pageAt(i))).toBe(cache.has(pageAt(i)));
  });

  test('reads of one key at one time share one fetch', async () => {
    const world = new World();
    const pages = attach(new LRUCache<string, string>({ max: 10 }), {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
    });
    const readings = ['a', 'a', 'b', 'a'].map((key) => pages.get(key));
    await world.second();
    expect(await Promise.all(readings)).toEqual(['value of a', 'value of a', 'value of b', 'value of a']);
    expect(world.fetches.map((f) => f.key)).toEqual(['a', 'b']);
    expect(pages.counts).toMatchObject({ fetched: 2, joined: 2 });
  });

  test('a prefetch that fails is nobody’s error; a read that fails is its reader’s, and may be tried again', async () => {
    const world = new World();
    world.fails = (_key, isPrefetch) => isPrefetch;
    const errors: unknown[] = [];
    const pages = attach(new LRUCache<string, string>({ max: 40 }), {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
      config,
      onError: (error) => errors.push(error),
    });
    await readAll(world, (key) => pages.get(key), 600);
    expect(pages.counts.prefetchErrors).toBeGreaterThan(5);
    expect(errors).toHaveLength(pages.counts.prefetchErrors);
    world.fails = (key) => key === 'missing';
    const reading = expect(pages.get('missing')).rejects.toThrow('no missing');
    await world.second();
    await reading;
    expect(pages.engine.holds('missing')).toBe(false);
    world.fails = () => false;
    const again = pages.get('missing');
    await world.second();
    expect(await again).toBe('value of missing');
  });

  test('a read that joins a prefetch which fails fetches for itself', async () => {
    const world = new World();
    world.fails = (_key, isPrefetch) => isPrefetch;
    const pages = attach(new LRUCache<string, string>({ max: 40 }), {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
      config,
    });
    let joined = 0;
    for (let i = 0; i < 600; i += 2) {
      const reading = pages.get(pageAt(i));
      // Without a pause every prefetch is still under way when it is asked for.
      const before = pages.counts.joined;
      const next = pages.get(pageAt(i + 1));
      joined += pages.counts.joined - before;
      await world.second();
      expect([await reading, await next]).toEqual([`value of ${pageAt(i)}`, `value of ${pageAt(i + 1)}`]);
    }
    expect(joined).toBeGreaterThan(0);
    expect(pages.counts.prefetched).toBe(0);
  });

  test('keys that are not declared safe are never fetched ahead', async () => {
    const world = new World();
    const pages = attach(new LRUCache<string, string>({ max: 40 }), {
      fetch: world.fetch,
      safe: (key) => !key.endsWith('7'),
      clock: world.clock,
      config,
    });
    await readAll(world, (key) => pages.get(key), 600);
    expect(pages.counts.unsafe).toBeGreaterThan(0);
    expect(pages.counts.prefetches).toBeGreaterThan(0);
    expect(world.fetches.filter((f) => f.isPrefetch && f.key.endsWith('7'))).toEqual([]);
  });

  test('no more than concurrencyMax prefetches are under way', async () => {
    const world = new World();
    const pages = attach(new LRUCache<string, string>({ max: 40 }), {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
      config,
      concurrencyMax: 1,
    });
    await readAll(world, (key) => pages.get(key), 600);
    expect(pages.counts.prefetches).toBeGreaterThan(0);
    expect(world.underWayMost).toBeLessThanOrEqual(2);
  });

  test('a prefetch that does not end is aborted after answerWithinMs, and who reads later does not wait for it', async () => {
    const world = new World();
    let isHanging = false;
    const hanging = new Set<string>();
    const aborted: string[] = [];
    const pages = attach(new LRUCache<string, string>({ max: 20 }), {
      fetch: (key, context) => {
        if (!context.isPrefetch || !isHanging) return world.fetch(key, context);
        hanging.add(key);
        context.signal.addEventListener('abort', () => {
          hanging.delete(key);
          aborted.push(key);
        });
        return new Promise(() => {});
      },
      safe: true,
      clock: world.clock,
      config: { ...config, eviction: 'lru', live: { answerWithinMs: 2500 } },
    });
    const read = async (key: string): Promise<string> => {
      const reading = pages.get(key);
      await world.second();
      return await reading;
    };
    for (let i = 0; i < 400; i++) await read(`/page/${i % 40}`);
    isHanging = true;
    // What follows these is asked for ahead, and nobody reads it until it was given up.
    for (const key of ['/page/0', '/page/20', '/page/10', '/other']) await read(key);
    for (let i = 0; i < 5; i++) await read('/other');
    expect(aborted.length).toBeGreaterThan(0);
    // One that joins it while it hangs waits until then, and fetches for itself.
    for (let i = 0; hanging.size === 0; i += 7) await read(`/page/${i % 40}`);
    const [key] = hanging;
    const joining = pages.get(key!);
    expect(pages.counts.joined).toBe(1);
    for (let i = 0; i < 5; i++) await read('/other');
    expect(await joining).toBe(`value of ${key}`);
    isHanging = false;
    for (const key of aborted) expect(await read(key)).toBe(`value of ${key}`);
  });

  test('an entry that expired or was deleted by others is fetched again', async () => {
    const world = new World();
    const cache = new LRUCache<string, string>({ max: 10 });
    const pages = attach(cache, { fetch: world.fetch, safe: true, clock: world.clock });
    const read = async (): Promise<string> => {
      const reading = pages.get('a');
      await world.second();
      return await reading;
    };
    await read();
    cache.delete('a');
    expect(await read()).toBe('value of a');
    expect(pages.counts).toMatchObject({ fetched: 2, hits: 0 });
    expect(pages.stats().misses).toBe(2);
  });

  test('an invalidated value that arrives is given to its reader and not kept', async () => {
    const world = new World();
    const cache = new LRUCache<string, string>({ max: 10 });
    const pages = attach(cache, { fetch: world.fetch, safe: true, clock: world.clock });
    const reading = pages.get('a');
    pages.invalidate('a');
    await world.second();
    expect(await reading).toBe('value of a');
    expect(cache.has('a')).toBe(false);
  });

  test('with a stopped engine it reads on as a plain cache', async () => {
    const world = new World();
    const engine = createEngine({ config: { capacity: 40 } });
    const cache = new LRUCache<string, string>({ max: 40 });
    const errors: unknown[] = [];
    const pages = attach(cache, {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
      engine,
      onError: (e) => errors.push(e),
    });
    await engine.stop();
    const readings = [pages.get('a'), pages.get('a')];
    await world.second();
    readings.push(pages.get('a'));
    expect(await Promise.all(readings)).toEqual(['value of a', 'value of a', 'value of a']);
    expect(pages.counts).toMatchObject({ engineFaults: 1, fetched: 1, joined: 1, hits: 1 });
    expect(errors).toHaveLength(1);
  });

  test('an option that cannot be was found out at the first read, or never, where no compiler looks', () => {
    const cache = new LRUCache<string, string>({ max: 4 });
    const fetch = (key: string): string => key;
    const good = { fetch, safe: true as const };
    const refusals: readonly (readonly [unknown, unknown, RegExp])[] = [
      [cache, undefined, /^attach: options: expected an object with fetch and safe, found undefined$/],
      [cache, { safe: true }, /^attach: option fetch: expected a function, found undefined$/],
      [cache, { fetch: 'http://h', safe: true }, /^attach: option fetch: expected a function, found "http:/],
      [cache, { fetch }, /^attach: option safe: expected true .*, found undefined$/],
      [cache, { fetch, safe: false }, /^attach: option safe: .* found false$/],
      [cache, { ...good, engine: {} }, /^attach: option engine: expected an engine/],
      [cache, { ...good, config: null }, /^attach: option config: .* found null$/],
      [cache, { ...good, clock: 1000 }, /^attach: option clock: expected an object with now\(\)/],
      [
        cache,
        { ...good, concurrencyMax: 0 },
        /^attach: option concurrencyMax: expected a whole number from 1 on, found 0$/,
      ],
      [cache, { ...good, sizeOf: 8 }, /^attach: option sizeOf: expected a function, found 8$/],
      [cache, { ...good, onError: 'log' }, /^attach: option onError/],
      [cache, { ...good, nameOf: String }, /^attach: nameOf and keyOf belong together/],
      [cache, { ...good, isSafe: true }, /^attach: there is no option isSafe; there are fetch, safe, /],
      [null, good, /^attach: the cache: expected an LRUCache, .* found null$/],
      [new Set(), good, /^attach: the cache: expected an LRUCache/],
    ];
    for (const [given, options, told] of refusals) {
      const refused = () => attach(given as never, options as never);
      expect(refused).toThrow(told);
      expect(refused).toThrow(expect.objectContaining({ code: 'bad-usage' }));
    }
    expect(() => attach(cache, { ...good, onError: undefined } as never)).not.toThrow();
  });

  test('after stop nothing is fetched ahead, and reads go on', async () => {
    const world = new World();
    const pages = attach(new LRUCache<string, string>({ max: 40 }), {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
      config,
    });
    await readAll(world, (key) => pages.get(key), 300);
    await pages.stop();
    const before = pages.counts.prefetches;
    await readAll(world, (key) => pages.get(key), 100);
    expect(pages.counts.prefetches).toBe(before);
  });

  test('a cache that counts bytes stays within them', async () => {
    const world = new World();
    const cache = new LRUCache<string, string>({ maxSize: 40 * 16, sizeCalculation: (value) => value.length });
    const pages = attach(cache, {
      fetch: world.fetch,
      safe: true,
      clock: world.clock,
      config: { ...config, prices: { secondOfWaiting: 1 } },
    });
    await readAll(world, (key) => pages.get(key), 1200);
    expect(pages.engine.config).toMatchObject({ unit: 'bytes', capacity: 640 });
    expect(pages.counts.prefetched).toBeGreaterThan(0);
    expect(cache.calculatedSize).toBeLessThanOrEqual(640);
    expect(pages.counts.hits).toBeGreaterThan(400);
  });

  test('keys may be anything that has a name', async () => {
    const clock = new VirtualClock();
    const users = attach(new LRUCache<number, { id: number }>({ max: 10 }), {
      fetch: (id) => ({ id }),
      safe: true,
      clock,
      nameOf: (id) => `user ${id}`,
      keyOf: (name) => Number(name.slice(5)),
    });
    expect(await users.get(7)).toEqual({ id: 7 });
    expect(await users.get(7)).toEqual({ id: 7 });
    expect(users.counts).toMatchObject({ hits: 1, fetched: 1 });
  });

  test('a cache without a bound is refused, and so is a modelled engine', () => {
    const options = { fetch: (key: string) => key, safe: true } as const;
    expect(() => attach(Object.assign(new Map<string, string>(), { max: 0 }), options)).toThrow(/no bound/);
    const engine = createEngine({ config: { mode: 'modelled' } });
    expect(() => attach(new LRUCache<string, string>({ max: 10 }), { ...options, engine })).toThrow(/live mode/);
  });
});

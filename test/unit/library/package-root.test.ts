/** What `import 'anteroom'` does: nothing but define. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Observable } from 'rxjs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as library from '../../../actors/engine/index.ts';
import { loadedBy } from '../../tidy/loaded-by.ts';
import { root, textOf } from '../../tidy/project-files.ts';

const run = promisify(execFile);

describe('importing the package', () => {
  test('loads four libraries and one module of Node, and neither transport, store, server nor Arrow', () => {
    const packages = [...loadedBy('actors/engine/index.ts')].filter((name) => !name.endsWith('.ts'));
    expect(new Set(packages)).toEqual(new Set(['ml-matrix', 'node:worker_threads', 'rxjs', 'xstate', 'zod']));
  });

  test('starts no timer, no handle and no native library, in a process of its own that ends by itself', async () => {
    const program = `
      const library = await import('anteroom');
      const engine = library.createEngine();
      engine.observe({ segment: 'a', timeMs: 1 });
      const active = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|Worker|Message|Socket|TCP|UDP|Server/.test(name));
      const { sharedObjects } = process.report.getReport();
      const native = sharedObjects.filter((path) => /node_modules/.test(path));
      console.log(JSON.stringify({ names: Object.keys(library).sort(), active, native }));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toEqual({ names: Object.keys(library).sort(), active: [], native: [] });
  });

  test.each(['anteroom', 'anteroom/engine', 'anteroom/streams', 'anteroom/actors', 'anteroom/sim'])(
    '%s loads neither zeromq nor lmdb nor a server, by any way, and starts nothing',
    async (entry) => {
      // Written out by the hook itself, which runs on a thread of its own.
      const hook = `export const resolve = async (specifier, context, next) => {
        const found = await next(specifier, context);
        process._rawDebug('loaded ' + found.url);
        return found;
      };`;
      const program = `
        import { register } from 'node:module';
        register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
        const before = process.getActiveResourcesInfo().length;
        await import(${JSON.stringify(entry)});
        const native = process.report.getReport().sharedObjects.filter((path) => /node_modules/.test(path));
        console.log(JSON.stringify({ started: process.getActiveResourcesInfo().length - before, native }));`;
      const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program], {
        cwd: root,
        timeout: 60_000,
        maxBuffer: 2 ** 24,
      });
      expect(JSON.parse(stdout)).toEqual({ started: 0, native: [] });
      const packages = new Set(
        [...stderr.matchAll(/^loaded file:.*\/node_modules\/(@[^/]+\/[^/]+|[^/]+)\//gm)].map(([, name]) => name!),
      );
      expect(packages.size).toBeGreaterThan(0);
      const heavy = [
        'zeromq',
        'lmdb',
        'hono',
        '@hono/node-server',
        '@hono/zod-openapi',
        'pino',
        'prom-client',
        '@opentelemetry/api',
      ];
      expect(heavy.filter((name) => packages.has(name))).toEqual([]);
    },
  );

  test('is said to have no side effects', () => {
    expect((JSON.parse(textOf('package.json')) as { sideEffects: boolean }).sideEffects).toBe(false);
  });
});

describe('types', () => {
  test('a cache of strings needs no names, any other does', () => {
    const fetch = async (key: string): Promise<number> => key.length;
    const reader = library.attach(new LRUCache<string, number>({ max: 1 }), { fetch, safe: true });
    expectTypeOf(reader.get).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(reader.get).parameter(0).toEqualTypeOf<string>();
    const byNumber = new LRUCache<number, string>({ max: 1 });
    // @ts-expect-error keys that are not strings need names
    const withoutNames = () => library.attach(byNumber, { fetch: (key: number) => `${key}`, safe: true });
    // @ts-expect-error what is safe must be declared
    const withoutSafe = () => library.attach(new LRUCache<string, number>({ max: 1 }), { fetch });
    expectTypeOf(withoutNames).toBeFunction();
    expectTypeOf(withoutSafe).toBeFunction();
  });

  test('streams and answers say what they hold', () => {
    const engine = library.createEngine();
    expectTypeOf(engine.prefetches$).toEqualTypeOf<Observable<library.PrefetchRequest>>();
    expectTypeOf(engine.forecasts$).toEqualTypeOf<Observable<library.ForecastSet>>();
    expectTypeOf(engine.landed).returns.toEqualTypeOf<boolean>();
    expectTypeOf(engine.stats).returns.toEqualTypeOf<library.EngineStats>();
    expectTypeOf(engine.observe).parameter(0).toEqualTypeOf<library.Access | library.AccessBatch>();
    // @ts-expect-error an unknown setting
    expect(() => library.createEngine({ config: { capacities: 3 } })).toThrow(/capacities: unknown setting/);
    // @ts-expect-error a segment must be named
    expect(() => engine.observe({ timeMs: 3 })).toThrow(/segment/);
  });
});

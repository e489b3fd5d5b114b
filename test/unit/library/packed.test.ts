/** The package as it is published: packed, unpacked elsewhere, and used. */

import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../tidy/project-files.ts';

const run = promisify(execFile);
const program = `
import { LRUCache } from 'lru-cache';
import { attach, createEngine, type PrefetchRequest } from 'anteroom';

const pages = attach(new LRUCache<string, string>({ max: 50 }), { fetch: async (key) => key.toUpperCase(), safe: true });
for (let i = 0; i < 1000; i++) {
  const page: string = await pages.get(\`/p/\${i % 80}\`, { consumer: 'ann' });
  if (page !== \`/P/\${i % 80}\`) throw new Error(page);
}
const engine = createEngine();
const requests: PrefetchRequest[] = [];
engine.prefetches$.subscribe((request) => requests.push(request));
await pages.stop();
console.log(pages.counts.prefetched > 0 && pages.counts.hits + pages.counts.joined + pages.counts.fetched);
`;

let folder: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'anteroom-packed-')));
  await run('npm', ['pack', '--ignore-scripts', '--offline', '--pack-destination', folder], { cwd: root });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'anteroom'), { recursive: true });
  await run('tar', ['xzf', join(folder, tarball), '-C', join(modules, 'anteroom'), '--strip-components=1']);
  const shared = realpathSync(join(root, 'node_modules'));
  for (const name of readdirSync(shared)) if (name !== 'anteroom') symlinkSync(join(shared, name), join(modules, name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'app.ts'), program);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  test('has every file that its exports name, and types beside each', () => {
    const packed = join(folder, 'node_modules', 'anteroom');
    const { exports } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as {
      exports: Record<string, string | Record<string, string>>;
    };
    expect(Object.keys(exports)).toContain('.');
    for (const entry of Object.values(exports)) {
      for (const file of typeof entry === 'string' ? [entry] : Object.values(entry)) {
        expect(existsSync(join(packed, file)), file).toBe(true);
      }
      // A condition that comes first wins, so types must.
      if (typeof entry !== 'string') expect(Object.keys(entry)).toEqual(['types', 'default']);
    }
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['node16', 'node16'],
    ['es2022', 'bundler'],
  ])('type-checks as a library of an application with module %s', async (module, moduleResolution) => {
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023'],
      types: ['node'],
      strict: true,
      outDir: 'out',
    };
    const file = `tsconfig-${module}.json`;
    writeFileSync(join(folder, file), JSON.stringify({ compilerOptions, include: ['app.ts'] }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', file], { cwd: folder }).catch(
      (error) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  });

  test('runs', async () => {
    const { stdout } = await run(process.execPath, ['out/app.js'], { cwd: folder });
    expect(stdout).toBe('1000\n');
  });

  test('can be required from CommonJS', async () => {
    const text = "console.log(typeof require('anteroom').createEngine)";
    const { stdout } = await run(process.execPath, ['--no-warnings', '-e', text], { cwd: folder });
    expect(stdout).toBe('function\n');
  });
});

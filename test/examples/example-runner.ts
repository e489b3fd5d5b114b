/** Compiles TypeScript examples against the built package and runs examples as a reader of the documents would. */

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { root, textOf } from '../tidy/project-files.ts';
import { checkedProgram, type Example } from './extract-examples.ts';

const run = promisify(execFile);

/** How a process ended. */
export interface Ended {
  readonly status: number;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Makes every claim of an example true or throws; loaded before the example. */
const CHECKER = `
import { isDeepStrictEqual, inspect } from 'node:util';
const evaluate = (text) => { try { return { value: (0, eval)('(' + text + ')') }; } catch { return null; } };
const squeezed = (text) => text.replace(/\\s+/g, '');
globalThis.__check = (value, expected, line) => {
  const meant = evaluate(expected);
  if (meant !== null && isDeepStrictEqual(value, meant.value)) return;
  const shown = inspect(value, { depth: 8, breakLength: Infinity });
  const texts = [shown, JSON.stringify(value) ?? 'undefined', typeof value === 'string' ? value : shown];
  if (texts.some((text) => squeezed(text) === squeezed(expected))) return;
  throw new Error('line ' + line + ': expected ' + expected + ', found ' + shown);
};
globalThis.__checkThrows = async (body, expected, line) => {
  const wanted = expected.replace(/^throws:?\\s*/, '');
  try { await body(); } catch (error) {
    if ([String(error), error.code ?? ''].some((text) => text.includes(wanted))) return;
    throw new Error('line ' + line + ': expected ' + expected + ', found ' + error);
  }
  throw new Error('line ' + line + ': expected ' + expected + ', nothing was thrown');
};
`;

const DECLARATIONS =
  'declare function __check(value: unknown, expected: string, line: number): void;\n' +
  'declare function __checkThrows(body: () => unknown, expected: string, line: number): Promise<void>;\n';

/**
 * A folder inside the project, because only from there `anteroom/...` is the package itself, with what examples may read:
 * access.log, in the Combined Log Format. `anteroom` and `npx anteroom` are the built command.
 */
export class ExampleFolder {
  readonly #folder: string;
  readonly #bin: string;
  /** Where examples run. */
  readonly work: string;

  constructor() {
    mkdirSync(join(root, '.tmp'), { recursive: true });
    this.#folder = mkdtempSync(join(root, '.tmp', 'examples-'));
    this.work = join(this.#folder, 'work');
    this.#bin = join(this.#folder, 'bin');
    mkdirSync(this.work);
    mkdirSync(this.#bin);
    writeFileSync(join(this.#folder, 'checker.mjs'), CHECKER);
    writeFileSync(join(this.work, 'access.log'), accessLog());
    const main = join(root, 'dist/sim/cli/main.js');
    this.#command('anteroom', `exec '${process.execPath}' '${main}' "$@"`);
    this.#command('npx', `test "$1" = anteroom || exit 127; shift; exec '${process.execPath}' '${main}' "$@"`);
  }

  #command(name: string, body: string): void {
    writeFileSync(join(this.#bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(this.#bin, name), 0o755);
  }

  /** Compiles all examples at once; answers the complaints about each, by its place in the list. */
  async compile(examples: readonly Example[]): Promise<readonly string[]> {
    for (const [i, example] of examples.entries()) {
      writeFileSync(
        join(this.#folder, `example-${i}.ts`),
        `${this.#imports(example)}\n${checkedProgram(example)}\nexport {};\n`,
      );
    }
    writeFileSync(join(this.#folder, 'checker.d.ts'), DECLARATIONS);
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2023'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      noEmitOnError: false,
    };
    writeFileSync(join(this.#folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { output } = await ended(process.execPath, [tsc, '-p', 'tsconfig.json', '--pretty', 'false'], this.#folder);
    const general = output.split('\n').filter((line) => line.startsWith('error '));
    if (general.length > 0) throw new Error(general.join('\n'));
    return examples.map((_, i) =>
      output
        .split('\n')
        .filter((line) => line.startsWith(`example-${i}.ts(`))
        .join('\n'),
    );
  }

  /** Runs a compiled example. */
  async runProgram(index: number): Promise<Ended> {
    const [checker, program] = ['checker.mjs', `example-${index}.js`].map((name) => join(this.#folder, name));
    return await ended(process.execPath, ['--import', checker!, program!], this.work);
  }

  /** Runs one line of a shell example. */
  async runCommand(line: string): Promise<Ended> {
    return await ended('/bin/sh', ['-c', line], this.work, { PATH: `${this.#bin}:${process.env.PATH}` });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A docstring's example speaks of its own file's exports without importing them. */
  #imports({ path, text }: Example): string {
    if (!path.endsWith('.ts')) return '';
    const exported = [...textOf(path).matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)].map(
      (m) => m[1]!,
    );
    const used = exported.filter((name) => new RegExp(`\\b${name}\\b`).test(text) && !importsName(text, name));
    if (used.length === 0) return '';
    const built = relative(this.#folder, join(root, 'dist', dirname(path)));
    const file = path.slice(path.lastIndexOf('/') + 1).replace(/\.ts$/, '.js');
    return `import { ${used.join(', ')} } from '${built}/${file}';`;
  }
}

function importsName(text: string, name: string): boolean {
  return [...text.matchAll(/^import\s[^;]*;/gm)].some((match) => new RegExp(`\\b${name}\\b`).test(match[0]));
}

/** The lines of a shell example that call the product; continued lines are one, comments and prompts fall away. */
export function commandsOf(example: Example): readonly string[] {
  return example.text
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/^\$ /, '')
        .replace(/\s+#\s.*$/, ''),
    )
    .filter((line) => /(^|[|;&]\s*)(npx )?anteroom\b/.test(line));
}

async function ended(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(file, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 });
    return { status: 0, output: stdout + stderr };
  } catch (error) {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string };
    const status = typeof failed.code === 'number' ? failed.code : -1;
    return { status, output: `${failed.stdout ?? ''}${failed.stderr ?? ''}` || String(error) };
  }
}

/** Two thousand lines of an access log: readers who go from page to page, and a page with its parts. */
function accessLog(): string {
  const lines: string[] = [];
  let state = 1;
  const draw = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let i = 0; lines.length < 2000; i++) {
    const second = i * 3;
    const at = [Math.floor(second / 3600) % 24, Math.floor(second / 60) % 60, second % 60];
    const stamp = `01/Jan/2024:${at.map((part) => String(part).padStart(2, '0')).join(':')} +0000`;
    const page = draw(2) === 0 ? draw(10) : draw(150);
    for (const name of [`/page/${page}`, `/page/${page}/style.css`, `/page/${page}/photo.jpg`]) {
      lines.push(
        `192.0.2.${1 + draw(40)} - - [${stamp}] "GET ${name} HTTP/1.1" 200 ${1000 + page * 10} "-" "Mozilla/5.0 (example)"`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

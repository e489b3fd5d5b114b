/** Every example in documents and docstrings is compiled against the built package, run, and held to what it claims. */

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { productFiles, projectFiles, root, textOf } from '../tidy/project-files.ts';
import { commandsOf, ExampleFolder } from './example-runner.ts';
import { docstringExamplesOf, fencesOf } from './extract-examples.ts';

const examples = [
  ...projectFiles.filter((path) => path.endsWith('.md')).flatMap((path) => fencesOf(path, textOf(path))),
  ...productFiles.flatMap((path) => docstringExamplesOf(path, textOf(path))),
].filter((example) => !example.tags.includes('no-run'));

const programs = examples.filter((example) => /^(ts|typescript|js|javascript)$/.test(example.language));
const commands = examples
  .filter((example) => /^(sh|bash|shell|console)$/.test(example.language))
  .flatMap((example) => commandsOf(example).map((line) => ({ ...example, text: line })));

let folder: ExampleFolder;
let complaints: readonly string[];

beforeAll(async () => {
  if (!existsSync(`${root}dist/sim/cli/main.js`)) throw new Error('nothing is built: npm run build');
  folder = new ExampleFolder();
  complaints = await folder.compile(programs);
}, 120_000);

afterAll(() => folder?.close());

const place = ({ path, line, text }: { path: string; line: number; text: string }): string =>
  `${path}:${line}  ${text.split('\n')[0]!.slice(0, 80)}`;

describe.skipIf(programs.length === 0)('programs', () => {
  test.each(programs.map((example, i) => [place(example), i] as const))('%s', async (_, i) => {
    expect(complaints[i]).toBe('');
    const { status, output } = await folder.runProgram(i);
    expect(status, output).toBe(0);
  });
});

// In order and in one folder, because a document's command may use what an earlier one wrote.
describe.skipIf(commands.length === 0)('commands', () => {
  test.each(commands.map((command) => [place(command), command] as const))('%s', async (_, command) => {
    const { status, output } = await folder.runCommand(command.text);
    expect(status, output).toBe(0);
  });
});

test('there is something to run', () => {
  expect(programs.length + commands.length).toBeGreaterThan(0);
});

test('a fence without a language shows no command of the product, so none escapes', () => {
  const hidden = projectFiles
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) => fencesOf(path, textOf(path)))
    .filter((fence) => fence.language === '' && commandsOf(fence).length > 0);
  expect(hidden.map(place)).toEqual([]);
});

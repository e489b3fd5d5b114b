/** What the README shows of `npm start` is what it prints; with ANTEROOM_UPDATE_README=1 the README is made so. */

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { anteroom, isUnbuilt, Scratch } from '../unit/cli/command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** The part of the output that the README has: two workloads of four, every verdict. */
function excerptOf(output: string): string {
  const lines = output.split('\n');
  const rowsOf = (workload: string, count: number): string[] => {
    const from = lines.findIndex((line) => line.startsWith(`${workload} `));
    return lines.slice(from, from + count);
  };
  const verdicts = lines.filter((line) => /^workload:\w+, cache of|^governor:/.test(line));
  const chains = rowsOf('workload:chains', 8);
  const uniform = rowsOf('workload:uniform', 4);
  const parts = [lines.slice(0, 2), chains, ['', '[... diurnal and scans ...]', ''], uniform, ['[...]', ''], verdicts];
  return ['```text', ...parts.flat(), '```'].join('\n');
}

/** `text` with the rates of `measured`, line by line: they are from a quiet machine, and whoever updates the rest may sit at a busy one. */
function withRatesOf(measured: string, text: string): string {
  const rates = measured.split('\n').map((line) => line.match(rate)?.[0]);
  return text
    .split('\n')
    .map((line, i) => (rates[i] === undefined ? line : line.replace(rate, rates[i])))
    .join('\n');
}

const rate = / +[\d.]+[kM]$/;

/** Without accesses a second, the last column, which no two runs share. */
function withoutRates(text: string): string {
  return text.replace(new RegExp(rate, 'gm'), '');
}

test.skipIf(isUnbuilt)('the README shows what npm start prints', { timeout: 180_000 }, async () => {
  const { status, stdout, stderr } = await anteroom(['demo', '--report', scratch.path('report.html')]);
  expect([status, stderr]).toEqual([0, `report: ${scratch.path('report.html')}\n`]);
  const readme = readFileSync('README.md', 'utf8');
  const [before, shown, after] = readme.split(/(?<=<!-- start-output -->\n)|(?=\n<!-- \/start-output -->)/);
  const excerpt = excerptOf(stdout);
  if (process.env.ANTEROOM_UPDATE_README === '1')
    writeFileSync('README.md', before + withRatesOf(shown!, excerpt) + after);
  else expect(withoutRates(shown!)).toBe(withoutRates(excerpt));
});

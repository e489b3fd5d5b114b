/** What the README shows of `npm start` and of `prove` is what they print; with ANTEROOM_UPDATE_README=1 the README is made so. */

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { skipWithoutTraces, tracePath } from '../require-or-skip.ts';
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

/** Compares what stands between the marks `name` in the README with `printed`, or puts it there. */
function checkReadme(name: string, printed: string): void {
  const readme = readFileSync('README.md', 'utf8');
  const from = readme.indexOf(`<!-- ${name} -->`) + `<!-- ${name} -->\n`.length;
  const to = readme.indexOf(`\n<!-- /${name} -->`);
  const shown = readme.slice(from, to);
  if (process.env.ANTEROOM_UPDATE_README === '1') {
    writeFileSync('README.md', readme.slice(0, from) + withRatesOf(shown, printed) + readme.slice(to));
  } else expect(withoutRates(shown)).toBe(withoutRates(printed));
}

describe.skipIf(isUnbuilt)('the README shows what is printed by', () => {
  test('npm start: a table, verdicts, the commands to go on with; the report is what its command gives', {
    timeout: 180_000,
  }, async () => {
    const page = scratch.path('report.html');
    const { status, stdout, stderr } = await anteroom(['demo', '--report', page]);
    expect([status, stderr]).toEqual([0, `report: ${page}\n`]);
    checkReadme('start-output', excerptOf(stdout));
    const [table = '', verdicts = ''] = stdout.split(/\n\n(?=workload:chains, cache)/);
    expect(table.split('\n').length).toBeLessThanOrEqual(45);
    expect(verdicts).toMatch(/workload:chains, cache of 10 % .*: avoids \d/);
    expect(verdicts).toMatch(/workload:uniform, cache of 10 % .*: do not turn this on/);
    expect(verdicts).toContain('npx anteroom replay access.log --report report.html');
    const html = readFileSync(page, 'utf8');
    // The command that it names reproduces it.
    const words = /npx anteroom (replay workload:\S.*)/.exec(stdout)![1]!.split(' ');
    const again = await anteroom([
      'replay',
      'workload:uniform,accesses=40000',
      ...words.slice(words.indexOf('--unit'), words.indexOf('--report')),
      '--json',
      '-',
    ]);
    for (const run of JSON.parse(again.stdout).runs) expect(html).toContain(run.digest);
  });

  test.skipIf(skipWithoutTraces('web_nasa_day.csv.gz'))('prove', { timeout: 180_000 }, async () => {
    const answerOf = async (log: string, lines: number): Promise<string> => {
      const { stdout } = await anteroom(['prove', log, '--cache', '0.1']);
      return stdout
        .split('\n')
        .slice(2, 2 + lines)
        .join('\n');
    };
    const yes = await answerOf(tracePath('web_nasa_day.csv.gz'), 3);
    checkReadme('prove-output', ['```text', yes, '', await answerOf('workload:uniform', 2), '```'].join('\n'));
  });
});

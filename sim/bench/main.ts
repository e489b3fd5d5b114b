/** `npm run bench`: measures, reports, and judges nobody by exit status. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AnteroomError } from '../../engine/errors.ts';
import { raiseInlineBudget } from '../../engine/host/inline-budget.ts';
import { parseBenchArguments, USAGE } from './arguments.ts';
import type { Bench } from './bench.ts';
import { garbageCollector, machineFacts, projectFolder, runNode } from './bench-host.ts';
import { type BenchDocument, benchDocument, benchTable } from './bench-report.ts';
import { benches } from './benches.ts';
import { type BenchResult, runBench } from './run-bench.ts';

const log = (text: string): void => {
  process.stderr.write(text);
};

// As the command does; whoever is compared in this process has it too.
raiseInlineBudget();

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof AnteroomError && error.code === 'bad-usage';
  log(`bench: ${error instanceof AnteroomError ? error.message : ((error as Error).stack ?? String(error))}\n`);
  if (isUsage) log(`\n${USAGE}`);
  process.exitCode = isUsage ? 2 : 1;
}

async function main(words: readonly string[]): Promise<void> {
  const given = parseBenchArguments(
    words,
    benches.map(({ name }) => name),
  );
  if (given.isHelp) {
    process.stdout.write(USAGE);
    return;
  }
  if (given.isList) {
    for (const { name, compares } of benches) process.stdout.write(`${name.padEnd(19)} ${compares}\n`);
    return;
  }
  const chosen = given.names.length === 0 ? benches : benches.filter(({ name }) => given.names.includes(name));
  const results: BenchResult[] = [];
  if (chosen.length === 1) {
    const result = await runBench(chosen[0]!, {
      scale: given.scale,
      traces: given.traces ?? join(projectFolder(), '../shared/traces'),
      ...(given.runs === null ? {} : { runs: given.runs }),
      collectGarbage: garbageCollector(),
      log: (line) => log(`${line}\n`),
    });
    log(benchTable(result));
    results.push(result);
  } else {
    for (const bench of chosen) results.push(...(await inItsOwnProcess(bench, words, given.names)));
  }
  process.stdout.write(`${JSON.stringify(benchDocument(machineFacts(), results), null, 2)}\n`);
}

/** What one bench compiled, cached or left on the heap is no concern of the next. */
async function inItsOwnProcess(
  bench: Bench,
  words: readonly string[],
  names: readonly string[],
): Promise<readonly BenchResult[]> {
  const options = words.filter((word) => !names.includes(word));
  const output = await runNode([fileURLToPath(import.meta.url), bench.name, ...options], true);
  return (JSON.parse(output) as BenchDocument).benches;
}

/** `anteroom generate`: a trace from a written model, the same for the same seed. */

import type { Command } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import { nonNegativeInteger } from './whole-number.ts';

/** Names that promise something else than CSV. */
const OTHER_FORMATS = /\.(?:zst|bz2|xz|zip|parquet|arrow|feather|json|jsonl|ndjson)$/i;

export function registerGenerate(program: Command): void {
  program
    .command('generate')
    .description('write a trace made from a model with known truth; without a workload, list the workloads')
    .argument('[workload]', 'name of the workload')
    .option('--seed <n>', 'seed of every random choice', nonNegativeInteger, 1)
    .option('--out <file>', 'where to write it as CSV, compressed when it ends in .gz; - for standard output', '-')
    .option('--explain', 'print the model and its parameters instead')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      'after',
      '\nParameters of the workload are options too: anteroom generate diurnal --consumers 200 --days 7',
    )
    .action(
      async (name: string | undefined, flags: { seed: number; out: string; explain?: boolean }, command: Command) => {
        const { chooseWorkload, describeParameters, generateBatches, workloads } = await import(
          '../workloads/index.ts'
        );
        if (name === undefined) {
          for (const workload of workloads)
            process.stdout.write(`${workload.name.padEnd(12)}  ${workload.description}\n`);
          process.stdout.write(
            '\nanteroom generate NAME --explain says what is drawn from what, and the parameters.\n',
          );
          return;
        }
        const chosen = chooseWorkload(name, parametersOf(command.args.slice(1)));
        if (flags.explain === true) {
          process.stdout.write(
            `${chosen.workload.name}: ${chosen.workload.description}\n\n${chosen.workload.model}\n\n`,
          );
          for (const p of describeParameters(chosen.workload)) {
            process.stdout.write(`  --${p.name.padEnd(20)} ${p.description} Default ${String(p.default)}.\n`);
          }
          return;
        }
        const { AccessBatchBuilder } = await import('../../streams/access-batch-builder.ts');
        const { writeCsv } = await import('./write-csv.ts');
        const { checkWritable } = await import('../../engine/host/file-access.ts');
        if (OTHER_FORMATS.test(flags.out))
          throw new AnteroomError(
            'bad-usage',
            `--out: CSV is written, compressed where the name ends in .gz: ${flags.out} is neither`,
          );
        if (flags.out !== '-') await checkWritable(flags.out);
        const builder = new AccessBatchBuilder({ file: `workload:${name}` });
        const count = await writeCsv(flags.out, generateBatches(chosen, flags.seed, builder), builder);
        if (flags.out !== '-')
          process.stderr.write(`${flags.out}: ${count} accesses, ${builder.segments.count} segments\n`);
      },
    );
}

/** `--days 7 --rate=2` as `{ days: 7, rate: 2 }`; all parameters are numbers. */
function parametersOf(words: readonly string[]): Record<string, number> {
  const parameters: Record<string, number> = {};
  for (let i = 0; i < words.length; i++) {
    const match = /^--([A-Za-z][A-Za-z0-9-]*)(?:=(.*))?$/.exec(words[i]!);
    const value = match?.[2] ?? words[++i];
    if (match === null || value === undefined || value.trim() === '' || !Number.isFinite(Number(value))) {
      throw new AnteroomError(
        'bad-usage',
        `generate: expected --parameter number, found "${match === null ? words[i] : match[0]}"`,
      );
    }
    const name = match[1]!.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    parameters[name] = Number(value);
  }
  return parameters;
}

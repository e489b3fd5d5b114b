#!/usr/bin/env node
/** The `anteroom` command: picks a subcommand, loads only what it needs, and turns errors into exit statuses. */

import { Command, CommanderError } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import { raiseInlineBudget } from '../../engine/host/inline-budget.ts';
import { ioFault } from '../../engine/host/io-fault.ts';
import { printable } from '../../engine/printable.ts';
import { VERSION } from '../../engine/version.ts';
import { registerCheckpointCommands } from './checkpoint-commands.ts';
import { registerDemo } from './demo.ts';
import { registerExplain } from './explain.ts';
import { registerFormats } from './formats.ts';
import { registerGenerate } from './generate.ts';
import { registerHints } from './hints.ts';
import { registerKeys } from './keys.ts';
import { registerNode } from './node.ts';
import { registerNodeCommands } from './node-commands.ts';
import { registerProve } from './prove.ts';
import { registerReplay } from './replay.ts';
import { registerSim } from './sim.ts';

/** Exit statuses that scripts rely on. */
const EXIT_FAULT = 1;
const EXIT_USAGE = 2;

/** Codes of faults that lie in what the user gave: usage, settings, or the trace itself. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'bad-usage',
  'bad-config',
  'bad-record',
  'truncated',
  'unknown-format',
  'not-found',
  'unsupported',
  'io',
  'limit',
  'corrupt',
  'disk-full',
]);

raiseInlineBudget();

const program = new Command('anteroom')
  .description('Predictive prefetching: what would it save on your own access log, and what would it cost?')
  .version(VERSION)
  .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
  .exitOverride();
program.commandsGroup('Begin here:');
registerDemo(program);
program.commandsGroup('On a log:');
registerReplay(program);
registerProve(program);
registerExplain(program);
registerHints(program);
registerFormats(program);
registerGenerate(program);
program.commandsGroup('Run a node, and look after it:');
registerNode(program);
registerNodeCommands(program);
registerCheckpointCommands(program);
registerKeys(program);
program.commandsGroup('Other:');
registerSim(program);
program.addHelpCommand(
  new Command('help').argument('[command]').description('display help for command').helpGroup('Other:'),
);
program.addHelpText(
  'after',
  `
Examples:
  anteroom replay access.log                    hits, waits and traffic with and without prefetching
  anteroom replay access.log --report out.html  the same as a page to show at work
  anteroom prove access.log                     would it pay? With intervals, and an honest no
  anteroom node                                 learn from accesses as they happen, at http://127.0.0.1:7878

Exit status: 0 done; 1 a fault while running, or not ready; 2 the usage, the settings or the input are at fault.`,
);

// A reader that goes away (`| head`) wants no more, which is no fault; a full disk is one. Files have been written before.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : exitStatusOf(ioFault('<stdout>', error)));
});
// Nobody is left to be told.
process.stderr.on('error', () => {});

try {
  await program.parseAsync(argumentsWithoutHelpForNothing(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = exitStatusOf(error);
}

/** The help of a command that does not exist would be that of the whole, as if it did; so only the name is left, to be refused. */
function argumentsWithoutHelpForNothing(given: readonly string[]): readonly string[] {
  const name = given[0] === 'help' ? given[1] : given[0];
  if (name === undefined || name.startsWith('-') || name === 'help') return given;
  return program.commands.some((command) => command.name() === name) ? given : [name];
}

/** A fault in the usage on one line, as every other fault is. */
function oneLine(text: string): string {
  const message = text
    .replace(/^error: /, '')
    .trim()
    .split('\n')
    .join(' ');
  return `anteroom: ${message} (--help says what there is)\n`;
}

function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof AnteroomError) {
    process.stderr.write(`anteroom: ${printable(error.message)}${wayOn(error)}\n`);
    return USAGE_CODES.has(error.code) ? EXIT_USAGE : EXIT_FAULT;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`anteroom: this is a fault of ours, please report it\n${text}\n`);
  return EXIT_FAULT;
}

/** How to go on where a record in the midst of a log is bad; if it is the first, the format or the columns are at fault. */
function wayOn({ code, context }: AnteroomError): string {
  const [name, ...given] = process.argv.slice(2);
  const takesIt = program.commands
    .find((command) => command.name() === name)
    ?.options.some(({ long }) => long === '--lenient');
  const isMidway = code === 'bad-record' && typeof context.line === 'number' && context.line > 2;
  if (!isMidway || takesIt !== true || given.includes('--lenient')) return '';
  return ' (--lenient counts bad records and goes on)';
}

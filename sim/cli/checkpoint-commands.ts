/** `anteroom checkpoint`: what a node has saved, in its folder while it does not run, or asked of it while it does. */

import { type Command, Option } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import type { CheckpointHeader } from '../../engine/state/checkpoint-store.ts';
import { askNode, type ClientFlags, instant, print } from './node-client.ts';
import { positiveInteger } from './whole-number.ts';

interface CheckpointFlags {
  readonly data?: string;
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}
type Checked = CheckpointHeader & { readonly problem?: string | null };

export function registerCheckpointCommands(program: Command): void {
  const checkpoint = program.command('checkpoint').description('checkpoints of a node');
  const withFolder = (command: Command): Command =>
    command
      .option('--data <folder>', 'dataFolder of a node that does not run (default: "anteroom-data")')
      .addOption(new Option('--config <file>', 'settings of the node, which name its dataFolder').conflicts('data'))
      .option('--json', 'as JSON');
  const withNode = (command: Command): Command =>
    withFolder(command)
      .addOption(new Option('--url <address>', 'ask the running node there instead').conflicts(['data', 'config']))
      .option('--token-file <file>', 'a file with the token; else the environment variable ANTEROOM_TOKEN');

  withNode(checkpoint.command('ls').description('list them')).action(async (flags: CheckpointFlags) => {
    show(flags, await checkpoints(flags, false));
  });
  withNode(
    checkpoint.command('verify').description('read each and compare its digest; exit status 1 = one is damaged'),
  ).action(async (flags: CheckpointFlags) => {
    const rows = await checkpoints(flags, true);
    show(flags, rows);
    if (rows.some(({ problem }) => problem !== null)) process.exitCode = 1;
  });
  withFolder(
    checkpoint
      .command('restore')
      .description('go back: the node will start from this checkpoint and replay the log after it')
      .argument('<id>', 'from `checkpoint ls`', positiveInteger),
  ).action(async (id: number, flags: CheckpointFlags) => {
    const store = await openFolder(flags);
    try {
      const problem = await store.verify(id);
      if (problem !== null) throw new AnteroomError('corrupt', `checkpoint ${id} is damaged: ${problem}`);
      const newer = (await store.list()).filter((header) => header.id > id);
      for (const header of newer) await store.delete(header.id);
      const answer = { restored: id, removed: newer.map((header) => header.id) };
      print(flags, answer, () => `the node will start from checkpoint ${id}; ${newer.length} newer removed\n`);
    } finally {
      await store.close();
    }
  });
}

async function checkpoints(flags: CheckpointFlags, isVerifying: boolean): Promise<readonly Checked[]> {
  if (flags.url !== undefined) {
    const path = `/v1/checkpoints?verify=${isVerifying ? 1 : 0}`;
    return (await askNode<{ checkpoints: readonly Checked[] }>(flags as ClientFlags, path)).checkpoints;
  }
  const store = await openFolder(flags);
  try {
    const rows: Checked[] = [];
    for (const header of await store.list())
      rows.push(isVerifying ? { ...header, problem: await store.verify(header.id) } : header);
    return rows;
  } finally {
    await store.close();
  }
}

/** @throws AnteroomError as `openCheckpoints`; where a node runs there, it says what to do. */
async function openFolder(flags: CheckpointFlags) {
  const { openCheckpoints } = await import('../../actors/node/data-folder.ts');
  const folder = flags.data ?? (await folderOf(flags.config));
  try {
    return await openCheckpoints(folder);
  } catch (error) {
    if (!(error instanceof AnteroomError && error.code === 'io' && error.context?.folder !== undefined)) throw error;
    throw new AnteroomError(
      'io',
      `${error.message}: ls and verify ask a running node with --url; for restore stop it first (anteroom drain --wait)`,
      { cause: error },
    );
  }
}

async function folderOf(config: string | undefined): Promise<string> {
  if (config === undefined) return 'anteroom-data';
  const { readNodeConfig } = await import('./node-config-file.ts');
  return (await readNodeConfig(config)).dataFolder;
}

function show(flags: CheckpointFlags, rows: readonly Checked[]): void {
  const lines = rows.map(({ id, createdAtMs, logPosition, partBytes, digest, problem }) => {
    const bytes = partBytes.reduce((sum, part) => sum + part, 0);
    const verdict = problem === undefined ? '' : problem === null ? '  whole' : `  DAMAGED: ${problem}`;
    return `${String(id).padStart(6)}  ${instant(createdAtMs)}  position ${logPosition}  ${bytes} bytes  ${digest.slice(0, 12)}${verdict}\n`;
  });
  print(flags, rows, () => lines.join('') || 'none\n');
}

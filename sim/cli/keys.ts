/** `anteroom keys`: the key of a place, and the keys of the places that it lets speak. */

import type { Command } from 'commander';

interface Flags {
  readonly dir: string;
}

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('keys of places, for messages between machines: generate, show, allow, rotate');
  const command = (usage: string, description: string): Command =>
    keys.command(usage).description(description).option('--dir <folder>', 'folder of the keys', 'keys');

  command('generate', 'make the key of a place, and print its public part')
    .argument('<place>', 'name of the place')
    .action(async (place: string, { dir }: Flags) => {
      const { generatePlaceKeys } = await import('../../engine/host/key-folder.ts');
      const publicKey = await generatePlaceKeys(dir, place);
      process.stdout.write(`${publicKey}\n`);
      process.stderr.write(`At every place that ${place} speaks with: ${allowLine(place, publicKey)}\n`);
    });

  command('show', 'print the place, its public key and whom it allows; never the secret')
    .option('--json', 'as JSON')
    .action(async ({ dir, json }: Flags & { readonly json?: boolean }) => {
      const { readPlaceKeys } = await import('../../engine/host/key-folder.ts');
      const { encodeZ85 } = await import('../../engine/transport/z85.ts');
      const { place, keys: own, allowed, nextPublicKey } = await readPlaceKeys(dir);
      if (json === true) {
        const facts = {
          place,
          publicKey: encodeZ85(own.publicKey),
          nextPublicKey,
          allowed: Object.fromEntries(allowed),
        };
        process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
        return;
      }
      process.stdout.write(`place   ${place}\npublic  ${encodeZ85(own.publicKey)}\n`);
      if (nextPublicKey !== null) process.stdout.write(`next    ${nextPublicKey}\n`);
      for (const [name, publicKeys] of allowed) {
        for (const publicKey of publicKeys) process.stdout.write(`allowed ${name} ${publicKey}\n`);
      }
    });

  command('allow', 'let a public key speak for a place; it may have several while it changes')
    .argument('<place>', 'name of the place')
    .argument('<key>', 'its public key; after -- where it begins with a dash')
    .option('--remove', 'no longer')
    .action(async (place: string, publicKey: string, { dir, remove }: Flags & { readonly remove?: boolean }) => {
      const { changeAllowed } = await import('../../engine/host/key-folder.ts');
      await changeAllowed(dir, place, publicKey, remove !== true);
    });

  command(
    'proof',
    'print what goes in front of messages between us and a place that is allowed, to prove whose they are',
  )
    .argument('<place>', 'name of the place; one line for each of its keys')
    .action(async (place: string, { dir }: Flags) => {
      const { readPlaceKeys } = await import('../../engine/host/key-folder.ts');
      const { keyProof } = await import('../../engine/transport/key-proof.ts');
      const { AnteroomError } = await import('../../engine/errors.ts');
      const { keys: own, allowed } = await readPlaceKeys(dir);
      const theirs = allowed.get(place) ?? [];
      if (theirs.length === 0)
        throw new AnteroomError('not-found', `${dir}: no key of ${place} is allowed (anteroom keys allow)`);
      for (const key of theirs) process.stdout.write(`${keyProof(own, key)}\n`);
      process.stderr.write('Keep it secret: under an allowed key it lets its holder speak as the other of the two.\n');
    });

  command('rotate', 'prepare the next key and print its public part; with --activate, put it into use')
    .option('--activate', 'use the key that was prepared, from the next start')
    .action(async ({ dir, activate }: Flags & { readonly activate?: boolean }) => {
      const folder = await import('../../engine/host/key-folder.ts');
      const publicKey = await (activate === true ? folder.activateRotation(dir) : folder.prepareRotation(dir));
      process.stdout.write(`${publicKey}\n`);
      if (activate === true) return;
      const { place } = await folder.readPlaceKeys(dir);
      process.stderr.write(
        `First, at every place that ${place} speaks with: ${allowLine(place, publicKey)}\nThen here: anteroom keys rotate --activate, restart, and remove the old key there.\n`,
      );
    });
}

function allowLine(place: string, publicKey: string): string {
  return `anteroom keys allow ${place} '${publicKey}'`;
}

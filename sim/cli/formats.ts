/** `anteroom formats`: what can be read. */

import type { Command } from 'commander';

export function registerFormats(program: Command): void {
  program
    .command('formats')
    .description('list the formats of access logs that can be read')
    .option('--json', 'as JSON')
    .action(async (flags: { json?: boolean }) => {
      const { formats } = await import('../../streams/sources/formats.ts');
      if (flags.json === true) {
        const list = formats.map(({ name, description, reference, addressBytes }) => ({
          name,
          description,
          reference,
          addressBytes,
        }));
        process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
        return;
      }
      const width = Math.max(...formats.map((format) => format.name.length));
      for (const format of formats) {
        const ids = format.addressBytes === null ? 'opaque ids' : `addresses of ${format.addressBytes} bytes`;
        process.stdout.write(`${format.name.padEnd(width)}  ${format.description} (${ids}; ${format.reference})\n`);
      }
      process.stdout.write('\nEach also through .gz and .zst; --format auto (the default) looks at the content.\n');
    });
}

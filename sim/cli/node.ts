/** `anteroom node` and `anteroom config`: the standalone node, and every setting that it has. */

import type { Command } from 'commander';
import type { NodeConfig } from '../../actors/node/node-config.ts';
import type { RunningNode } from '../../actors/node/run-node.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { portNumber } from './whole-number.ts';

interface NodeFlags {
  readonly config?: string;
  readonly port?: number;
  readonly data?: string;
  readonly check?: boolean;
  readonly place?: string;
}

export function registerNode(program: Command): void {
  program
    .command('node')
    .description('run a node: accesses in by HTTP, forecasts and prefetch requests out')
    .option('--config <file>', 'settings as YAML; anteroom config prints them all')
    .option('--port <n>', 'http.port', portNumber)
    .option('--data <folder>', 'dataFolder')
    .option('--place <name>', 'start this part of `places` instead of the node itself')
    .option('--check', 'check the settings, keys and other files that they name, and go no further')
    .action(async (flags: NodeFlags) => {
      const { readNodeConfig } = await import('./node-config-file.ts');
      const readConfig = () =>
        readNodeConfig(flags.config, {
          ...(flags.port === undefined ? {} : { port: flags.port }),
          ...(flags.data === undefined ? {} : { dataFolder: flags.data }),
        });
      const config = await readConfig();
      if (flags.check === true) {
        const { checkFiles } = await import('../../actors/node/check-files.ts');
        checkPlace(config, flags.place);
        await checkFiles(config, flags.place ?? null);
        process.stdout.write('the settings are good\n');
        return;
      }
      const { createNodeLogger } = await import('../../actors/node/create-logger.ts');
      if (flags.place !== undefined) return runPlace(config, flags.place);
      const { runNode } = await import('../../actors/node/run-node.ts');
      const { onReloadSignal, onStopSignal } = await import('../../engine/host/signals.ts');
      const logger = createNodeLogger(config.logging.level);
      // Signals are heard from the beginning: a recovery may take long, and by default they end the process, or as process 1 do nothing.
      let listening: RunningNode | null = null;
      let isReloadAsked = false;
      const reload = (): void => {
        if (listening?.node.isRecovered !== true) {
          isReloadAsked = true;
          return;
        }
        listening.reload().catch((error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          logger.error({ error: message }, 'the settings were not read again and stay as they are');
        });
      };
      const forgetReload = onReloadSignal(reload);
      const forget = onStopSignal(
        (signal) => {
          logger.info({ signal }, 'stopping');
          if (listening === null) process.exit(0);
          void listening.stop();
        },
        () => process.exit(1),
      );
      const running = await runNode(config, logger, {
        ...(flags.config === undefined ? {} : { readConfig }),
        onListening: (early) => {
          listening = early;
        },
        onLogLevel: (level) => {
          logger.level = level;
        },
      });
      if (isReloadAsked && running.node.isRecovered) reload();
      if (running.node.isRecovered)
        process.stderr.write(`anteroom: listening on ${running.address} (open it in a browser)\n`);
      await running.stopped;
      forget();
      forgetReload();
      process.exit(0);
    });

  registerConfig(program);
}

/** A part ends when it is told to, and with exit status 1 when one of its actors fails: whoever supervises it starts it again. */
async function runPlace(config: NodeConfig, place: string): Promise<void> {
  checkPlace(config, place);
  const { createNodeLogger } = await import('../../actors/node/create-logger.ts');
  const { runPart } = await import('../../actors/node/connect-places.ts');
  const { RealClock } = await import('../../engine/host/real-clock.ts');
  const { onReloadSignal, onStopSignal } = await import('../../engine/host/signals.ts');
  const logger = createNodeLogger(config.logging.level);
  const stop = (status: number): void => {
    void part.stop().finally(() => process.exit(status));
  };
  const part = await runPart(config, place, new RealClock(), logger, (why) => {
    logger.error({ why }, 'an actor failed');
    stop(1);
  });
  onReloadSignal(() => {
    part.rereadKeys().then(
      (put) => logger.info({ applied: put() ? ['keyFolder'] : [] }, 'keys were read again'),
      (error: unknown) => logger.error({ error: String(error) }, 'the keys were not read again and stay as they are'),
    );
  });
  onStopSignal(
    () => stop(0),
    () => process.exit(1),
  );
  process.stderr.write(`anteroom: ${place} listens on ${part.endpoint}\n`);
}

function checkPlace(config: NodeConfig, place: string | undefined): void {
  const known = config.places.parts.map(({ name }) => name);
  if (place !== undefined && !known.includes(place))
    throw new AnteroomError('bad-usage', `places has no part ${place}; it has: ${known.join(', ') || 'none'}`);
}

function registerConfig(program: Command): void {
  program
    .command('config')
    .description('print every setting of a node with its default, as a YAML file to start from')
    .option('--json', 'the defaults as JSON, without their descriptions')
    .action(async ({ json }: { readonly json?: boolean }) => {
      if (json === true) {
        const { nodeConfigSchema } = await import('../../actors/node/node-config.ts');
        process.stdout.write(`${JSON.stringify(nodeConfigSchema.parse({}), null, 2)}\n`);
        return;
      }
      const { configReference } = await import('../../actors/node/config-reference.ts');
      process.stdout.write(configReference());
    });
}

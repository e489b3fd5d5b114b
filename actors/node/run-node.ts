/** A node as a process: stores, node, HTTP and signals, from start to stop. */

import type { Clock, TimerId } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { entropySeed } from '../../engine/host/entropy.ts';
import { RealClock, wallMs } from '../../engine/host/real-clock.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { AnteroomNode, engineModeOf, type NodeLogger } from './anteroom-node.ts';
import type { Elsewhere } from './connect-places.ts';
import { dashboardPage } from './dashboard/dashboard-page.ts';
import { openStores } from './data-folder.ts';
import { knownTokens } from './http/authorise.ts';
import { createApp } from './http/create-app.ts';
import { listen } from './http/listen.ts';
import type { NodeConfig } from './node-config.ts';
import { NodeMetrics } from './node-metrics.ts';
import { adoptSettings, changedSettings, type ReloadAnswer } from './reload-settings.ts';
import { Series } from './series.ts';

/** Time for the last answers to be written, once all is done. */
const ANSWER_MS = 1000;

/** A node that listens; one that was stopped while it recovered never went to work. */
export interface RunningNode {
  readonly node: AnteroomNode;
  /** Where it listens: `http://127.0.0.1:7878`. */
  readonly address: string;
  /** Resolves when it has stopped, however that came. */
  readonly stopped: Promise<void>;
  /**
   * Reads the settings, tokens and keys again and takes over what may change. One reload at a time.
   * @throws AnteroomError where there is no file to read or it cannot be; then nothing has changed.
   */
  reload(): Promise<ReloadAnswer>;
  /** Drains and stops; what takes longer than `drainMs` is cut off. */
  stop(): Promise<void>;
}

export interface RunOptions {
  /** Reads the settings again, as they were read for the start; absent = there is nothing to read. */
  readonly readConfig?: () => Promise<NodeConfig>;
  /** Told before the recovery begins, so that it can be stopped. */
  readonly onListening?: (running: RunningNode) => void;
  /** Told of another level of the log. */
  readonly onLogLevel?: (level: NodeConfig['logging']['level']) => void;
}

/**
 * Starts a node. HTTP listens before the recovery, so that health and readiness can be asked meanwhile.
 * @throws AnteroomError 'bad-config', 'io' where the address is taken, 'corrupt' and others as `AnteroomNode.start`.
 */
export async function runNode(config: NodeConfig, logger: NodeLogger, options: RunOptions = {}): Promise<RunningNode> {
  const clock = new RealClock();
  const tokens = [...(await knownTokens(config.http))];
  const page = await dashboardPage();
  const tracing = config.tracing.isEnabled ? await (await import('./tracing.ts')).Tracing.load() : null;
  const stores = await openStores(config);
  const elsewhere = await partsOf(config, clock).catch(async (error: unknown) => {
    await stores.close();
    throw error;
  });
  const random = new Xoshiro128(entropySeed());
  const node = new AnteroomNode({ config, stores, clock, wallMs, random, logger, tracing, elsewhere });
  const metrics = new NodeMetrics({
    status: () => node.status(),
    stats: () => (node.hasEngine ? node.engine.stats() : null),
  });
  const series = new Series(clock, () => (node.hasEngine ? node.engine.stats() : null));
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= shutDown();
    return stopping;
  };
  let reloading: Promise<unknown> = Promise.resolve();
  const reload = (): Promise<ReloadAnswer> => {
    const next = reloading.then(reloadNow);
    reloading = next.catch(() => {});
    return next;
  };
  const reloadNow = async (): Promise<ReloadAnswer> => {
    if (options.readConfig === undefined)
      throw new AnteroomError('bad-usage', 'the node was started without a file of settings: nothing to read again');
    if (!node.isRecovered)
      throw new AnteroomError('unavailable', `the node is ${node.lifeCycle.state}: reload it later`);
    const fresh = await options.readConfig();
    // The address stays as it is, so whoever can reach that still needs a token.
    const freshTokens = await knownTokens({ ...fresh.http, host: config.http.host });
    const adoptKeys = await node.rereadKeys();
    const hasNewSecrets = JSON.stringify(freshTokens) !== JSON.stringify(tokens);
    // Before anything is taken over: caps may be refused.
    if (changedSettings(config.engine.caps, fresh.engine.caps).length > 0)
      await node.intake.between(async () => node.engine.setCaps(fresh.engine.caps));
    const { applied, needsRestart } = adoptSettings(config, fresh);
    tokens.splice(0, tokens.length, ...freshTokens);
    server.bound(config.http);
    options.onLogLevel?.(config.logging.level);
    // A file with a token may hold another one under the same name.
    const isRotated = hasNewSecrets && !applied.includes('http.tokens');
    const answer = { applied: [...applied, ...(isRotated ? ['http.tokens'] : []), ...adoptKeys()], needsRestart };
    logger.info(answer, 'settings were read again');
    return answer;
  };
  const app = createApp({
    node,
    metrics,
    series,
    tokens,
    page,
    logger,
    clock,
    onDrain: () => void stop(),
    onReload: reload,
  });
  let finish = (): void => {};
  const stopped = new Promise<void>((settle) => {
    finish = settle;
  });
  const server = await listen(app.fetch, config.http, clock, (fault) => metrics.refused(fault)).catch(
    async (error: unknown) => {
      await stores.close();
      throw error;
    },
  );
  const shutDown = async (): Promise<void> => {
    series.end();
    let timer: TimerId = 0;
    const forced = new Promise<void>((settle) => {
      timer = clock.setTimeout(() => {
        logger.error({ drainMs: config.drainMs }, 'the drain took too long and was cut off');
        settle();
      }, config.drainMs);
    });
    await Promise.race([
      node.drain().catch((error: unknown) => logger.error({ error: String(error) }, 'the drain failed')),
      forced,
    ]);
    // A timer that is left would keep the process alive.
    clock.clearTimeout(timer);
    await server.close(ANSWER_MS);
    finish();
  };
  logger.info({ address: server.address }, 'listening');
  const running = { node, address: server.address, stopped, reload, stop };
  options.onListening?.(running);
  try {
    await Promise.race([node.start(), stopped]);
  } catch (error) {
    if (stopping !== null) {
      const code = error instanceof AnteroomError ? error.code : null;
      if (code !== 'unavailable' && code !== 'actor-stopped')
        logger.error({ error: String(error) }, 'the recovery had failed when the node was stopped');
      return running;
    }
    void server.close();
    await stores.close();
    throw error;
  }
  if (stopping === null) series.begin();
  return running;
}

/** Loads ZeroMQ where there are parts, and nowhere else. */
async function partsOf(config: NodeConfig, clock: Clock): Promise<Elsewhere | null> {
  if (config.places.parts.length === 0) return null;
  const { connectParts } = await import('./connect-places.ts');
  return connectParts(config, engineModeOf(config.sinks.length > 0 ? 'prefetching' : 'observing'), clock);
}

/** The parts of a node's engine in other processes: told as away, and the engine made again where their actors are lost. */

import type { LogStore } from '../../engine/state/log-store.ts';
import type { Elsewhere } from './connect-places.ts';
import type { Intake } from './intake.ts';
import type { NodeCheckpoints } from './node-checkpoints.ts';
import type { NodeConfig } from './node-config.ts';
import type { NodeEngine } from './node-engine.ts';
import type { NodeLogger } from './node-logger.ts';
import type { NodeTroubles } from './node-troubles.ts';
import type { Dispatcher } from './sinks/dispatcher.ts';

export interface NodePartsOptions {
  /** Null = everything is in this process, and nothing here happens. */
  readonly elsewhere: Elsewhere | null;
  readonly config: Pick<NodeConfig, 'places'>;
  readonly engine: NodeEngine;
  readonly checkpoints: NodeCheckpoints;
  readonly log: LogStore;
  readonly dispatcher: Dispatcher;
  readonly troubles: NodeTroubles;
  readonly logger: NodeLogger;
  /** Null before the node has recovered. */
  readonly intake: () => Intake | null;
  readonly isEnding: () => boolean;
}

/** One loss at a time: what is lost meanwhile is found by whoever makes the engine again. */
export class NodeParts {
  readonly #options: NodePartsOptions;
  #isRebuilding = false;

  constructor(options: NodePartsOptions) {
    this.#options = options;
    options.elsewhere?.listen(
      () => this.look(),
      (why) => this.#lost(why),
    );
  }

  /** The engine cannot go on. Lost parts come back, and the engine with them; anything else is a fault that a restart has to mend. */
  engineFailed(error: unknown): void {
    if (this.#isRebuilding) return;
    this.#options.troubles.set('engine', error instanceof Error ? error.message : String(error));
  }

  /** Tells which parts are away: messages to them wait, and so does what must be decided with them. */
  look(): void {
    const { elsewhere, troubles, engine } = this.#options;
    const { silentMs } = this.#options.config.places;
    const away = elsewhere?.away() ?? [];
    if (away.length > 0) troubles.set('place', `away: ${away.join(', ')}`);
    else if (elsewhere?.isSilent() === true)
      troubles.set('place', `parts are there and have not answered for ${silentMs} ms: what was told waits`);
    else if (!this.#isRebuilding && engine.isMade) troubles.set('place', null);
  }

  /** A part has lost its actors: the engine is made again from the checkpoint and the log, and goes on where that ends. */
  #lost(why: string): void {
    const { troubles, isEnding } = this.#options;
    const intake = this.#options.intake();
    troubles.set('place', why);
    if (intake === null || this.#isRebuilding || isEnding()) return;
    this.#isRebuilding = true;
    intake.suspend();
    void this.#rebuild(intake).catch((error: unknown) => {
      this.#isRebuilding = false;
      this.engineFailed(error);
    });
  }

  async #rebuild(intake: Intake): Promise<void> {
    const { dispatcher, checkpoints, engine, log, logger } = this.#options;
    dispatcher.pause();
    await checkpoints.settled();
    const { loaded, damaged } = await checkpoints.load();
    await engine.recover(loaded, damaged);
    // What was appended while the end was read is told before anything else can be.
    while (log.facts.end > engine.follower.position) await engine.replay(engine.follower.position);
    intake.revive(log.facts.end);
    this.#isRebuilding = false;
    logger.info({ position: log.facts.end }, 'the engine was made again');
    this.look();
    dispatcher.begin();
  }
}

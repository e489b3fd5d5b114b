/** What is wrong with a node, by name: into its state, and into its log when it changes. */

import type { NodeLifeCycle, Trouble } from './node-life-cycle.ts';
import type { NodeLogger } from './node-logger.ts';
import type { SourceStatus } from './sources/source.ts';

/** Sinks and sources that fail are one trouble each, which names them all. */
export class NodeTroubles {
  readonly #lifeCycle: NodeLifeCycle;
  readonly #logger: NodeLogger;
  readonly #failingSinks = new Map<string, string>();
  readonly #failingSources = new Map<string, string>();

  constructor(lifeCycle: NodeLifeCycle, logger: NodeLogger) {
    this.#lifeCycle = lifeCycle;
    this.#logger = logger;
  }

  has(trouble: Trouble): boolean {
    return trouble in this.#lifeCycle.troubles;
  }

  /** Null = it is over. */
  set(trouble: Trouble, why: string | null): void {
    if (why === null) {
      this.#lifeCycle.relief(trouble);
      return;
    }
    if (this.#lifeCycle.troubles[trouble] !== why) this.#logger.error({ trouble, why }, 'trouble');
    this.#lifeCycle.trouble(trouble, why);
  }

  sink(name: string, why: string | null): void {
    note(this.#failingSinks, name, why);
    this.set('sink', told(this.#failingSinks));
  }

  source({ name, state, trouble }: SourceStatus): void {
    note(this.#failingSources, name, trouble);
    this.#logger.info({ source: name, state, trouble }, 'source');
    this.set('source', told(this.#failingSources));
  }
}

function note(failing: Map<string, string>, name: string, why: string | null): void {
  if (why === null) failing.delete(name);
  else failing.set(name, why);
}

function told(failing: ReadonlyMap<string, string>): string | null {
  return failing.size === 0 ? null : [...failing].map(([name, why]) => `${name}: ${why}`).join('; ');
}

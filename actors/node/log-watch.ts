/** What a node does about its log: whether appends fail, asking whether they would succeed again, and room by a checkpoint. */

import type { AnteroomError } from '../../engine/errors.ts';
import type { Intake } from './intake.ts';
import { LogProbe, type LogProbeOptions } from './log-probe.ts';
import type { NodeTroubles } from './node-troubles.ts';

export interface LogWatchOptions extends Omit<LogProbeOptions, 'probe'> {
  readonly troubles: NodeTroubles;
  /** Null before the node has recovered. */
  readonly intake: () => Intake | null;
  readonly checkpoint: () => Promise<unknown>;
}

/** Told by the intake how appends go. */
export class LogWatch {
  readonly #options: LogWatchOptions;
  readonly #probe: LogProbe;

  constructor(options: LogWatchOptions) {
    this.#options = options;
    this.#probe = new LogProbe({ ...options, probe: () => void options.intake()?.probe() });
  }

  /** An append or a probe failed, or succeeded (null). */
  heard(error: AnteroomError | null): void {
    const { troubles, intake, checkpoint } = this.#options;
    if (error === null) {
      this.#probe.succeeded();
      troubles.set('log', null);
      return;
    }
    troubles.set('log', error.message);
    this.#probe.failed();
    // A log that is full is trimmed by a checkpoint; one that fails says so among the troubles itself.
    if (error.code === 'disk-full')
      void intake()
        ?.between(checkpoint)
        .catch(() => {});
  }

  /** Nothing is asked any more. */
  end(): void {
    this.#probe.end();
  }
}

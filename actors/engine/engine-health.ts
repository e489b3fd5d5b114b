/** Whether an engine works: until it is stopped, or one of its actors fails. */

import { AnteroomError } from '../../engine/errors.ts';

export class EngineHealth {
  #fault: string | null = null;
  #isStopped = false;

  /** Why the engine does not work any more; null = it does, or was stopped. */
  get fault(): string | null {
    return this.#fault;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The first reason stays. */
  failed(why: string): void {
    this.#fault ??= why;
  }

  stopped(): void {
    this.#isStopped = true;
  }

  /** What whoever called is told. */
  error(cause?: unknown): AnteroomError {
    return new AnteroomError('actor-stopped', `an actor of the engine failed: ${this.#fault}`, { cause });
  }

  /** @throws AnteroomError 'actor-stopped' where it does not work. */
  mustRun(): void {
    if (this.#isStopped) throw new AnteroomError('actor-stopped', 'the engine was stopped');
    if (this.#fault !== null) throw this.error();
  }
}

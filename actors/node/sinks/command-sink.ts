/** Runs a command for each prefetch request. */

import type { Clock } from '../../../engine/clock.ts';
import { runCommand } from '../../../engine/host/run-command.ts';
import { type DeliveryEnd, type OutgoingRequest, type Sink, traceFields } from './sink.ts';
import { sizeIn } from './webhook-sink.ts';

export interface CommandSinkOptions {
  readonly name: string;
  /** Program and words. */
  readonly words: readonly string[];
  /** From the delivery to the kill; the wait for a place is part of it. */
  readonly timeoutMs: number;
  readonly concurrencyMax: number;
  /** Exit statuses after which trying again may help. */
  readonly retryStatuses: readonly number[];
  readonly clock: Clock;
}

/** The request is JSON on standard input; status 0 is done. A kill and a program that cannot be started are tried again. */
export class CommandSink implements Sink {
  readonly name: string;
  readonly #options: CommandSinkOptions;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: CommandSinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    const { timeoutMs, clock } = this.#options;
    const latest = clock.now() + timeoutMs;
    if (!(await this.#place(timeoutMs)))
      return { kind: 'failed', why: `no place to run it in ${timeoutMs} ms (concurrencyMax)`, isRetryable: true };
    try {
      return await this.#run(request, Math.max(1, Math.round(latest - clock.now())));
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #run(request: OutgoingRequest, timeoutMs: number): Promise<DeliveryEnd> {
    const { words, retryStatuses } = this.#options;
    const { status, stdout, said } = await runCommand(words, `${JSON.stringify(request)}\n`, {
      timeoutMs,
      environment: {
        ANTEROOM_SEGMENT: request.segment,
        ANTEROOM_KEY: request.key,
        ...Object.fromEntries(Object.entries(traceFields(request)).map(([name, value]) => [name.toUpperCase(), value])),
      },
    });
    if (status === 0) return { kind: 'done', sizeBytes: sizeIn(stdout) };
    return {
      kind: 'failed',
      why: status === null ? said : `status ${status}: ${said}`,
      isRetryable: status === null || retryStatuses.includes(status),
    };
  }

  /** Takes one of the places; false = none became free in time. */
  async #place(timeoutMs: number): Promise<boolean> {
    const { clock, concurrencyMax } = this.#options;
    if (this.#running < concurrencyMax) {
      this.#running++;
      return true;
    }
    return new Promise<boolean>((settle) => {
      const called = (): void => {
        clock.clearTimeout(timer);
        this.#running++;
        settle(true);
      };
      const timer = clock.setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(called), 1);
        settle(false);
      }, timeoutMs);
      this.#waiting.push(called);
    });
  }
}

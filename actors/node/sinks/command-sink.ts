/** Runs a command for each prefetch request. */

import { runCommand } from '../../../engine/host/run-command.ts';
import type { DeliveryEnd, OutgoingRequest, Sink } from './sink.ts';
import { sizeIn } from './webhook-sink.ts';

/** The request is JSON on standard input; status 0 is done, 75 (EX_TEMPFAIL of sysexits) and a kill are tried again, others are not. */
export class CommandSink implements Sink {
  readonly name: string;
  readonly #words: readonly string[];
  readonly #timeoutMs: number;

  constructor(options: { readonly name: string; readonly words: readonly string[]; readonly timeoutMs: number }) {
    this.name = options.name;
    this.#words = options.words;
    this.#timeoutMs = options.timeoutMs;
  }

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    const { status, stdout, said } = await runCommand(this.#words, `${JSON.stringify(request)}\n`, {
      timeoutMs: this.#timeoutMs,
      environment: { ANTEROOM_SEGMENT: request.segment, ANTEROOM_KEY: request.key },
    });
    if (status === 0) return { kind: 'done', sizeBytes: sizeIn(stdout) };
    return {
      kind: 'failed',
      why: status === null ? said : `status ${status}: ${said}`,
      isRetryable: status === null || status === 75,
    };
  }
}

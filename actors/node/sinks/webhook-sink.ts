/** Posts each prefetch request to a web address. */

import { postJson } from '../../../engine/host/http-post.ts';
import { type DeliveryEnd, type OutgoingRequest, type Sink, traceFields } from './sink.ts';

/** 2xx is done; the answer may say `{"sizeBytes": n}`. 408, 425, 429 and 5xx are tried again, other answers are not. */
export class WebhookSink implements Sink {
  readonly name: string;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;

  constructor(options: {
    readonly name: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly timeoutMs: number;
  }) {
    this.name = options.name;
    this.#url = options.url;
    this.#headers = options.headers;
    this.#timeoutMs = options.timeoutMs;
  }

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    try {
      const { status, text } = await postJson(this.#url, request, {
        headers: { ...this.#headers, ...traceFields(request), 'idempotency-key': request.key },
        timeoutMs: this.#timeoutMs,
      });
      if (status >= 200 && status < 300) return { kind: 'done', sizeBytes: sizeIn(text) };
      const isRetryable = status >= 500 || status === 408 || status === 425 || status === 429;
      return { kind: 'failed', why: `status ${status}`, isRetryable };
    } catch (error) {
      return { kind: 'failed', why: error instanceof Error ? error.message : String(error), isRetryable: true };
    }
  }
}

/** The size that an answer tells, or -1. */
export function sizeIn(text: string): number {
  try {
    const told = (JSON.parse(text) as { readonly sizeBytes?: unknown } | null)?.sizeBytes;
    return typeof told === 'number' && Number.isFinite(told) && told >= 0 ? told : -1;
  } catch {
    return -1;
  }
}

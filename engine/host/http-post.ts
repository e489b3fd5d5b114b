/** Posts JSON to a web address. */

import { AnteroomError } from '../errors.ts';

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends the attempt early. */
  readonly signal?: AbortSignal;
}

/** Bytes of an answer that are read; what is longer is cut off. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * The answer's status and the beginning of its body. Redirects are not followed: they could lead the body and its headers elsewhere.
 * @throws AnteroomError 'io', retryable, where there was no answer.
 */
export async function postJson(
  url: string,
  body: unknown,
  options: PostOptions,
): Promise<{ readonly status: number; readonly text: string }> {
  const timeout = AbortSignal.timeout(Math.ceil(options.timeoutMs));
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...options.headers },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]),
    });
    return { status: response.status, text: await headOf(response) };
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : '';
    throw new AnteroomError('io', `no answer: ${reason}`, { isRetryable: true, cause });
  }
}

async function headOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return text;
}

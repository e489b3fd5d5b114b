/** Answers ZeroMQ's question whether a key may connect. Source: ZeroMQ RFC 27 (ZAP). */

import type { Reply } from 'zeromq';
import { assert } from '../assert.ts';
import { type AllowList, KEY_BYTES } from './allow-list.ts';
import { encodeZ85 } from './z85.ts';

export const ZAP_DOMAIN = 'anteroom';
const ZAP_ENDPOINT = 'inproc://zeromq.zap.01';

type ZeroMq = typeof import('zeromq');

/** Asked once for each connection, by ZeroMQ's own thread; a key in the allow-list may connect, whoever it then says it is. */
export class ZapHandler {
  readonly #socket: Reply;
  readonly #allowed: AllowList;
  readonly #refused: (reason: string, who: string) => void;

  /** Must be in place before anything is bound in its context. */
  static async start(
    zeroMq: ZeroMq,
    context: InstanceType<ZeroMq['Context']>,
    allowed: AllowList,
    refused: (reason: string, who: string) => void,
  ): Promise<ZapHandler> {
    const socket = new zeroMq.Reply({ context, linger: 0 });
    await socket.bind(ZAP_ENDPOINT);
    const handler = new ZapHandler(socket, allowed, refused);
    void handler.#run();
    return handler;
  }

  private constructor(socket: Reply, allowed: AllowList, refused: (reason: string, who: string) => void) {
    this.#socket = socket;
    this.#allowed = allowed;
    this.#refused = refused;
  }

  close(): void {
    this.#socket.close();
  }

  async #run(): Promise<void> {
    for await (const frames of this.#socket) {
      const [version, requestId, domain, address, , mechanism, key] = frames as Buffer[];
      const refusal = this.#refusalOf(String(domain), String(mechanism), key);
      if (refusal !== undefined) this.#refused(refusal.reason, `${refusal.who} from ${String(address)}`);
      const user = refusal === undefined ? encodeZ85(key!) : '';
      await this.#socket.send([
        version!,
        requestId!,
        refusal === undefined ? '200' : '400',
        refusal === undefined ? 'OK' : 'not allowed',
        user,
        '',
      ]);
    }
  }

  #refusalOf(domain: string, mechanism: string, key: Buffer | undefined): { reason: string; who: string } | undefined {
    assert(domain === ZAP_DOMAIN, `ZeroMQ asks about the domain ${domain}`);
    if (mechanism !== 'CURVE' || key === undefined || key.length !== KEY_BYTES) {
      return { reason: 'no-key', who: `a stranger with ${mechanism}` };
    }
    const text = encodeZ85(key);
    return this.#allowed.allowsKey(text) ? undefined : { reason: 'key-not-allowed', who: text };
  }
}

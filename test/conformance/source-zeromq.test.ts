import { Context, Dealer } from 'zeromq';
import { freePort } from '../free-ports.ts';
import { sourceContract } from './source-contract.ts';

/** A producer as the README tells one to be: numbers its messages, and repeats what was not answered. */
class Producer {
  readonly #socket: Dealer;
  readonly #open = new Map<string, string>();
  #sequence = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(endpoint: string) {
    this.#socket = new Dealer({ context: new Context(), linger: 0, reconnectInterval: 20 });
    this.#socket.connect(endpoint);
    void this.#hear();
    // Always from the oldest on, so that the order holds.
    this.#timer = setInterval(() => void this.#repeat(), 500);
  }

  get open(): number {
    return this.#open.size;
  }

  async send(body: string): Promise<void> {
    const sequence = String(this.#sequence++);
    this.#open.set(sequence, body);
    await this.#socket.send(['producer', sequence, body]);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  async #repeat(): Promise<void> {
    for (const [sequence, body] of this.#open) await this.#socket.send(['producer', sequence, body]).catch(() => {});
  }

  async #hear(): Promise<void> {
    for await (const [sequence] of this.#socket) this.#open.delete(String(sequence));
  }
}

const traits = { hasMessages: true, hasOutage: false, isRepeating: true, isSkipped: false };

sourceContract('producers over ZeroMQ', traits, async () => {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const producer = new Producer(endpoint);
  return {
    open: (host, settings) =>
      host.open({
        ...{ type: 'zeromq', name: 'z', bind: endpoint, waitMs: 50, keepAliveMs: 20, timeoutMs: 5000 },
        ...{ backOff: { initialMs: 20, maxMs: 100 }, ...settings },
      }),
    publish: async (bodies) => {
      for (const body of bodies) await producer.send(body);
    },
    unacknowledged: async () => producer.open,
    close: async () => producer.close(),
  };
});

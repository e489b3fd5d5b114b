/** Drives a node process at twice the rate that it can sustain, and watches what becomes of readiness, demand, acknowledgements and memory. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeProcess, readyProcess } from './node-process.ts';

export interface OverloadOptions {
  /** The built command: `dist/sim/cli/main.js`. */
  readonly main: string;
  /** Of each of: finding the rate, half of it, twice of it. */
  readonly findSeconds: number;
  readonly quietSeconds: number;
  readonly overloadSeconds: number;
  readonly rowsPerPost: number;
  /** `ingest.queueBytesMax`. */
  readonly queueBytesMax: number;
  readonly onPhase?: (text: string) => void;
}

/** Of requests that a reader makes: ms. */
export interface Latency {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

export interface OverloadResult {
  /** Accesses a second that were acknowledged and learned from by a closed loop of 32 connections. */
  readonly sustainedPerSecond: number;
  readonly offeredPerSecond: number;
  readonly quiet: Latency;
  readonly overloaded: Latency;
  readonly medianRatio: number;
  readonly p99Ratio: number;
  /** Of /readyz during the overload. */
  readonly ready: number;
  readonly notReady: number;
  /** Answers to posts during the overload, by status and code. */
  readonly answers: Readonly<Record<string, number>>;
  /** Answers that said when to come back, of those that refused. */
  readonly withRetryAfter: number;
  readonly acknowledged: number;
  /** What the log and the engine have in the end. */
  readonly logged: number;
  readonly told: number;
  readonly learned: number;
  readonly residentMBBefore: number;
  readonly residentMBMax: number;
}

/** One node, one folder; both are gone when it resolves. */
export async function overload(options: OverloadOptions): Promise<OverloadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-overload-'));
  const config = join(folder, 'node.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      dataFolder: join(folder, 'data'),
      http: { port: 0, bodyBytesMax: Math.min(options.queueBytesMax, 2 ** 20) },
      ingest: { queueBytesMax: options.queueBytesMax },
      engine: { capacity: 5000 },
      logging: { level: 'warn' },
    }),
  );
  const node = await readyProcess(options.main, config);
  try {
    return await new Overload(options, node).run();
  } finally {
    node.child.kill('SIGKILL');
    await node.ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

class Overload {
  readonly #options: OverloadOptions;
  readonly #node: NodeProcess;
  #acknowledged = 0;
  readonly #bodies: readonly Uint8Array[];
  #sent = 0;
  #answers: Record<string, number> = {};
  #withRetryAfter = 0;

  constructor(options: OverloadOptions, node: NodeProcess) {
    this.#options = options;
    this.#node = node;
    this.#bodies = bodiesOf(options.rowsPerPost);
  }

  async run(): Promise<OverloadResult> {
    const { findSeconds, quietSeconds, overloadSeconds, onPhase } = this.#options;
    onPhase?.('finding the sustainable rate');
    const sustained = await this.#find(findSeconds);
    onPhase?.(`${Math.round(sustained)} accesses a second; half of it`);
    const quiet = await this.#watched(quietSeconds, () => this.#offer(sustained / 2, quietSeconds));
    const residentMBBefore = this.#node.memory().residentMB;
    this.#answers = {};
    this.#withRetryAfter = 0;
    onPhase?.('twice of it');
    const overloaded = await this.#watched(overloadSeconds, () => this.#offer(sustained * 2, overloadSeconds));
    const answers = this.#answers;
    const withRetryAfter = this.#withRetryAfter;
    const status = await this.#settled();
    const outcomes = (await (await fetch(`${this.#node.address}/v1/outcomes`)).json()) as { readonly position: number };
    return {
      sustainedPerSecond: Math.round(sustained),
      offeredPerSecond: Math.round(sustained * 2),
      quiet: quiet.latency,
      overloaded: overloaded.latency,
      medianRatio: overloaded.latency.medianMs / quiet.latency.medianMs,
      p99Ratio: overloaded.latency.p99Ms / quiet.latency.p99Ms,
      ready: overloaded.ready,
      notReady: overloaded.notReady,
      answers,
      withRetryAfter,
      acknowledged: this.#acknowledged,
      logged: status.log.end,
      told: status.toldUntil,
      learned: outcomes.position,
      residentMBBefore: Math.round(residentMBBefore),
      residentMBMax: Math.round(this.#node.memory().residentMBMax),
    };
  }

  /** What 32 connections get through that post as fast as they are answered, until the engine has learned it. */
  async #find(seconds: number): Promise<number> {
    const startedMs = performance.now();
    const before = this.#acknowledged;
    const untilMs = startedMs + seconds * 1000;
    const loop = async (): Promise<void> => {
      while (performance.now() < untilMs) {
        if (!(await this.#post())) await pause(20);
      }
    };
    await Promise.all(Array.from({ length: LOOPS }, loop));
    await this.#settled();
    return ((this.#acknowledged - before) * 1000) / (performance.now() - startedMs);
  }

  /** Posts on a schedule, whatever is answered and when; what is refused is not sent again. */
  async #offer(perSecond: number, seconds: number): Promise<void> {
    const { rowsPerPost } = this.#options;
    const everyMs = (rowsPerPost * 1000) / perSecond;
    const startedMs = performance.now();
    const posts: Promise<boolean>[] = [];
    for (let i = 0; i * everyMs < seconds * 1000; i++) {
      const waitMs = startedMs + i * everyMs - performance.now();
      if (waitMs > 1) await pause(waitMs);
      posts.push(this.#post());
      // A client does not hold more connections open than this; what it cannot send it has dropped itself.
      while (this.#open > CONNECTIONS_MAX) await pause(1);
    }
    await Promise.all(posts);
  }

  #open = 0;

  async #post(): Promise<boolean> {
    const body = this.#bodies[this.#sent++ % this.#bodies.length]!;
    this.#open++;
    try {
      const response = await fetch(`${this.#node.address}/v1/accesses`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      });
      const answer = (await response.json()) as {
        readonly accepted?: number;
        readonly error?: { readonly code: string };
      };
      const name = response.status === 200 ? '200' : `${response.status} ${answer.error?.code}`;
      this.#answers[name] = (this.#answers[name] ?? 0) + 1;
      if (response.status === 200) this.#acknowledged += answer.accepted!;
      else if (response.headers.has('retry-after')) this.#withRetryAfter++;
      return response.status === 200;
    } finally {
      this.#open--;
    }
  }

  /** Asks like a reader while the work goes on, one question after the other, a few a second. */
  async #watched(
    seconds: number,
    work: () => Promise<void>,
  ): Promise<{ readonly latency: Latency; readonly ready: number; readonly notReady: number }> {
    const { address } = this.#node;
    const times: number[] = [];
    let [ready, notReady] = [0, 0];
    let isOver = false;
    const watching = (async () => {
      for (let i = 0; !isOver; i++) {
        const startedMs = performance.now();
        const path =
          i % 2 === 0 ? `/v1/forecast?consumer=c${i % 100}&count=5` : `/v1/access-map?segment=/page/${i % 6000}`;
        await (await fetch(`${address}${path}`)).arrayBuffer();
        times.push(performance.now() - startedMs);
        if ((await fetch(`${address}/readyz`)).status === 200) ready++;
        else notReady++;
        await pause(Math.min(50, (seconds * 1000) / 40));
      }
    })();
    await work();
    isOver = true;
    await watching;
    times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
    return {
      latency: { count: times.length, medianMs: at(0.5), p99Ms: at(0.99), worstMs: times.at(-1)! },
      ready,
      notReady,
    };
  }

  async #settled(): Promise<{ readonly toldUntil: number; readonly log: { readonly end: number } }> {
    for (;;) {
      const status = (await (await fetch(`${this.#node.address}/v1/status`)).json()) as {
        readonly toldUntil: number;
        readonly log: { readonly end: number };
      };
      if (status.toldUntil === status.log.end) return status;
      await pause(20);
    }
  }
}

const CONNECTIONS_MAX = 256;
const LOOPS = 32;
const BODIES = 200;

/** Made once, so that the driver has time to drive. */
function bodiesOf(rows: number): readonly Uint8Array[] {
  let i = 0;
  return Array.from({ length: BODIES }, () => {
    const lines = Array.from({ length: rows }, () => {
      i++;
      const page = i % 3 === 0 ? (Math.imul(i, 2654435761) >>> 7) % 20_000 : i % 6000;
      return `{"segment":"/page/${page}","consumer":"c${i % 100}"}`;
    });
    return new TextEncoder().encode(lines.join('\n'));
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((settle) => setTimeout(settle, ms));
}

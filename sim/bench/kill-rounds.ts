/** Kills a node at random moments under load, starts it again, and counts what became of what it had acknowledged. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFrame } from '../../actors/node/log-frame.ts';
import type { RandomSource } from '../../engine/random.ts';
import { LmdbLogStore } from '../../engine/state/lmdb-log-store.ts';

export interface KillOptions {
  readonly rounds: number;
  readonly random: RandomSource;
  /** The built command: `dist/sim/cli/main.js`. */
  readonly main: string;
  readonly producers: number;
  readonly rowsPerPost: number;
  /**
   * Longest life under load, in ms, where a process starts within a second, and as many times longer as it takes seconds to: a process is killed at a
   * random moment within it, a quarter of them while it starts.
   */
  readonly lifeMsMax: number;
  readonly onRound?: (round: number) => void;
}

export interface KillResult {
  readonly rounds: number;
  /** Times that the process was killed while it recovered, that is before it was ready. */
  readonly killedInRecovery: number;
  readonly posts: number;
  readonly accesses: number;
  /** Posts that had to be sent again, and those of them that turned out to have been kept the first time. */
  readonly repeated: number;
  readonly duplicates: number;
  readonly checkpoints: number;
  /** Acknowledged accesses that are not in the log. */
  readonly missing: number;
  /** Accesses that are in it more than once. */
  readonly twice: number;
  /** Accesses that the engine has learned from beyond or short of the log. */
  readonly engineDifference: number;
  readonly readyMsMax: number;
}

interface Post {
  readonly producer: number;
  readonly sequence: number;
  position: { readonly from: number; readonly to: number } | null;
  isAcknowledged: boolean;
}

/** One life after the other on one data folder; the last one ends gracefully, and then the log is read. */
export async function killRounds(options: KillOptions): Promise<KillResult> {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-kill-'));
  try {
    return await new KillRun(options, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class KillRun {
  readonly #options: KillOptions;
  readonly #folder: string;
  readonly #posts: Post[] = [];
  readonly #next: number[];
  /** The post of each producer whose answer never came. */
  readonly #open: (Post | null)[];
  #repeated = 0;
  #duplicates = 0;
  #killedInRecovery = 0;
  #readyMsMax = 0;

  constructor(options: KillOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#next = new Array<number>(options.producers).fill(0);
    this.#open = new Array<Post | null>(options.producers).fill(null);
    const config = {
      dataFolder: join(folder, 'data'),
      http: { port: 0 },
      checkpoints: { everyMs: 150 },
      engine: { journalAccessesMax: 2000, nearLoop: {} },
      logging: { level: 'warn' },
    };
    writeFileSync(join(folder, 'node.yaml'), JSON.stringify(config));
  }

  async run(): Promise<KillResult> {
    const { rounds, random, lifeMsMax, onRound } = this.#options;
    for (let round = 0; round < rounds; round++) {
      await this.#life(random.next() * lifeMsMax, random.next() < 0.25);
      onRound?.(round + 1);
    }
    const last = await this.#life(null, false);
    return this.#judge(last);
  }

  /** A process from its start to its kill after `lifeMs`, or (null) until everything open was acknowledged and it was stopped. */
  async #life(
    lifeMs: number | null,
    isFromStart: boolean,
  ): Promise<{ readonly learned: number; readonly end: number; readonly checkpoints: number }> {
    const startedMs = performance.now();
    const child = spawn(process.execPath, [this.#options.main, 'node', '--config', join(this.#folder, 'node.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((settle) => child.on('close', () => settle()));
    const address = listening(child);
    const killLater = (slowness: number): NodeJS.Timeout => setTimeout(() => child.kill('SIGKILL'), lifeMs! * slowness);
    let killer = lifeMs !== null && isFromStart ? killLater(1) : null;
    const isReady = await Promise.race([address.then((at) => ready(at)), ended.then(() => false)]);
    if (!isReady) {
      if (lifeMs === null) throw new Error(`the node did not start: ${await address.catch(String)}`);
      this.#killedInRecovery++;
      await ended;
      return { learned: 0, end: 0, checkpoints: 0 };
    }
    const readyMs = performance.now() - startedMs;
    this.#readyMsMax = Math.max(this.#readyMsMax, readyMs);
    const at = await address;
    if (lifeMs !== null) killer ??= killLater(Math.max(1, readyMs / 1000));
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    const postsPerProducer = lifeMs === null ? 1 : Infinity;
    await Promise.all(this.#next.map((_, producer) => this.#load(at, producer, postsPerProducer, () => isOver)));
    if (lifeMs !== null) {
      await ended;
      if (killer !== null) clearTimeout(killer);
      return { learned: 0, end: 0, checkpoints: 0 };
    }
    const told = await until(async () => {
      const status = (await (await fetch(`${at}/v1/status`)).json()) as {
        toldUntil: number;
        log: { end: number };
        checkpoint: { id: number } | null;
      };
      return status.toldUntil === status.log.end ? status : null;
    });
    const outcomes = (await (await fetch(`${at}/v1/outcomes`)).json()) as { position: number };
    child.kill('SIGTERM');
    await ended;
    return { learned: outcomes.position, end: told.log.end, checkpoints: told.checkpoint?.id ?? 0 };
  }

  /** Posts one after the other; one whose answer did not come is sent again first, under its own sequence. */
  async #load(at: string, producer: number, postsMax: number, isOver: () => boolean): Promise<void> {
    const { rowsPerPost } = this.#options;
    for (let i = 0; i < postsMax && !isOver(); ) {
      let post = this.#open[producer]!;
      if (post === null) {
        post = { producer, sequence: this.#next[producer]!++, position: null, isAcknowledged: false };
        this.#posts.push(post);
        this.#open[producer] = post;
        i++;
      } else this.#repeated++;
      const lines = Array.from({ length: rowsPerPost }, (_, row) =>
        JSON.stringify({ segment: nameOf(post, row), consumer: `c${row % 7}` }),
      );
      try {
        const response = await fetch(`${at}/v1/accesses`, {
          method: 'POST',
          headers: {
            producer: `p${producer}`,
            sequence: String(post.sequence),
            'content-type': 'application/x-ndjson',
          },
          body: lines.join('\n'),
        });
        const answer = (await response.json()) as { duplicate: boolean; position: Post['position'] };
        if (response.status !== 200) continue;
        if (answer.duplicate) this.#duplicates++;
        post.position = answer.position;
        post.isAcknowledged = true;
        this.#open[producer] = null;
      } catch {
        // The process is gone, or going: whether it kept the post is what the next life tells.
        if (isOver()) return;
        await new Promise((settle) => setTimeout(settle, 5));
      }
    }
  }

  async #judge(last: {
    readonly learned: number;
    readonly end: number;
    readonly checkpoints: number;
  }): Promise<KillResult> {
    const { rounds, rowsPerPost } = this.#options;
    const acknowledged = this.#posts.filter(({ isAcknowledged }) => isAcknowledged);
    const log = await LmdbLogStore.open({ path: join(this.#folder, 'data', 'log'), mustExist: true });
    const { start, end } = log.facts;
    const seen = new Map<string, number>();
    let twice = 0;
    for await (const entry of log.read(start)) {
      const frame = await decodeFrame(entry.bytes);
      if (frame.kind !== 'accesses') continue;
      let at = entry.position;
      for (const batch of frame.batches) {
        for (const segment of batch.segment) {
          const name = frame.names.segments.nameOf(segment);
          if (seen.has(name)) twice++;
          seen.set(name, at++);
        }
      }
    }
    await log.close();
    let missing = 0;
    const owner = new Map<number, Post>();
    for (const post of acknowledged) {
      if (post.position === null) continue;
      // What the log still holds is compared name by name; what it has trimmed, by positions that nobody else may have been given.
      if (owner.has(post.position.from)) twice += rowsPerPost;
      owner.set(post.position.from, post);
      for (let row = 0; row < rowsPerPost; row++) {
        const position = post.position.from + row;
        if (position >= start && seen.get(nameOf(post, row)) !== position) missing++;
      }
    }
    // Every post was acknowledged in the end, so the log must have been given exactly their rows, ever.
    const difference = end - acknowledged.length * rowsPerPost;
    return {
      rounds,
      killedInRecovery: this.#killedInRecovery,
      posts: acknowledged.length,
      accesses: acknowledged.length * rowsPerPost,
      repeated: this.#repeated,
      duplicates: this.#duplicates,
      checkpoints: last.checkpoints,
      missing: missing + Math.max(0, -difference),
      twice: twice + Math.max(0, difference),
      engineDifference: Math.abs(last.learned - end) + Math.abs(last.end - end),
      readyMsMax: Math.round(this.#readyMsMax),
    };
  }
}

const nameOf = ({ producer, sequence }: Post, row: number): string => `p${producer}/${sequence}/${row}`;

/** The address that the process says it listens on. Rejects when it ends without one. */
function listening(child: ChildProcess): Promise<string> {
  let said = '';
  const address = new Promise<string>((settle, fail) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const match = /listening on (http:\S+)/.exec(said);
      if (match !== null) settle(match[1]!);
    });
    child.on('close', () => fail(new Error(said.slice(-500))));
  });
  address.catch(() => {});
  return address;
}

async function ready(at: string): Promise<boolean> {
  for (;;) {
    try {
      if ((await fetch(`${at}/readyz`)).status === 200) return true;
    } catch {
      return false;
    }
    await new Promise((settle) => setTimeout(settle, 10));
  }
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((settle) => setTimeout(settle, 20));
  }
}

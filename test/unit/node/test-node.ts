/** A node in this process, on stores in memory and a clock that moves when told, behind its HTTP application. */

import type { OpenAPIHono } from '@hono/zod-openapi';
import { AnteroomNode } from '../../../actors/node/anteroom-node.ts';
import type { NodeStores } from '../../../actors/node/data-folder.ts';
import { checkNodeConfig, knownTokens } from '../../../actors/node/http/authorise.ts';
import { createApp } from '../../../actors/node/http/create-app.ts';
import { NodeMetrics } from '../../../actors/node/node-metrics.ts';
import { Series } from '../../../actors/node/series.ts';
import type { Sink } from '../../../actors/node/sinks/sink.ts';
import type { Tracing } from '../../../actors/node/tracing.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { MemoryCheckpointDisk, MemoryCheckpointStore } from '../../../engine/state/memory-checkpoint-store.ts';
import { MemoryDisk, MemoryLogStore } from '../../../engine/state/memory-log-store.ts';
import { MemoryRecordStore } from '../../../engine/state/record-store.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

/** What outlives a crash. */
export class Disks {
  readonly log = new MemoryDisk();
  readonly checkpoints = new MemoryCheckpointDisk();
  readonly records = new MemoryRecordStore();
}

export interface TestNode {
  readonly node: AnteroomNode;
  readonly app: OpenAPIHono;
  readonly clock: VirtualClock;
  readonly stores: NodeStores;
  /** Level and message of everything logged. */
  readonly logged: readonly string[];
  /** JSON of an answer, and its status. */
  ask(
    path: string,
    init?: RequestInit,
  ): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Headers }>;
  post(path: string, body: string | Uint8Array, headers?: Record<string, string>): ReturnType<TestNode['ask']>;
}

/** Some time in 2026. */
export const START_MS = 1_790_000_000_000;

/** Starts a node; `begin: false` leaves it in `starting`. */
export async function testNode(
  settings: object = {},
  options: {
    readonly disks?: Disks;
    readonly sinks?: readonly Sink[];
    readonly begin?: boolean;
    readonly tracing?: Tracing;
  } = {},
): Promise<TestNode> {
  const config = checkNodeConfig({ store: 'memory', ...settings }, 'test');
  const disks = options.disks ?? new Disks();
  const clock = new VirtualClock({ startMs: START_MS } as never);
  if (clock.now() < START_MS) clock.advanceTo(START_MS);
  const stores: NodeStores = {
    log: new MemoryLogStore({ config: config.log, disk: disks.log }),
    checkpoints: new MemoryCheckpointStore({ config: { kept: config.checkpoints.kept }, disk: disks.checkpoints }),
    records: disks.records,
    close: async () => {},
  };
  const logged: string[] = [];
  const logger = {
    info: (facts: object, message: string) => void logged.push(`info ${message} ${JSON.stringify(facts)}`),
    warn: (facts: object, message: string) => void logged.push(`warn ${message} ${JSON.stringify(facts)}`),
    error: (facts: object, message: string) => void logged.push(`error ${message} ${JSON.stringify(facts)}`),
  };
  const node = new AnteroomNode({
    config,
    stores,
    clock,
    random: new Xoshiro128(1),
    logger,
    ...(options.sinks ? { sinks: options.sinks } : {}),
    tracing: options.tracing ?? null,
  });
  const app = createApp({
    node,
    metrics: new NodeMetrics({
      status: () => node.status(),
      stats: () => (node.hasEngine ? node.engine.stats() : null),
    }),
    series: new Series(clock, () => null),
    tokens: await knownTokens(config.http),
    page: '<!doctype html>',
    logger,
    clock,
    onDrain: () => void node.drain(),
    onReload: async () => ({ applied: [], needsRestart: [] }),
  });
  if (options.begin !== false) await node.start();
  const ask: TestNode['ask'] = async (path, init) => {
    const response = await app.request(`http://localhost${path}`, {
      ...init,
      headers: { host: 'localhost', ...(init?.headers as Record<string, string>) },
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      body: (isJson && text !== '' ? JSON.parse(text) : { text }) as Record<string, never>,
      headers: response.headers,
    };
  };
  return {
    node,
    app,
    clock,
    stores,
    logged,
    ask,
    post: (path, body, headers = {}) => ask(path, { method: 'POST', body, headers }),
  };
}

/** Accesses as NDJSON, a second apart from `START_MS - 1 day`. */
export function ndjson(segments: readonly string[], consumer = 'c1'): string {
  return segments
    .map((segment, i) => JSON.stringify({ time: START_MS - 86_400_000 + i * 1000, segment, consumer, size: 100 }))
    .join('\n');
}

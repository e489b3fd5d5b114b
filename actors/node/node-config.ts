/** Settings of a node: one strict schema, every field with its default. */

import { z } from 'zod';
import { backOffSchema } from '../../engine/back-off.ts';
import { bytesField, durationField } from '../../engine/config.ts';
import { checkpointStoreSchema } from '../../engine/state/checkpoint-store.ts';
import { logStoreSchema } from '../../engine/state/log-store-config.ts';
import { engineConfigSchema } from '../engine/engine-config.ts';
import { quotasSchema } from './consumer-quotas.ts';
import { nameRules } from './name-rules.ts';
import { placesSchema } from './places-config.ts';
import { postFormats } from './post-formats.ts';
import { sinkItemSchema } from './sinks/sink-config.ts';
import { HOST_MS_MAX, sourceItemSchema } from './sources/source-config.ts';

export const scopes = ['ingest', 'read', 'admin'] as const;
export type Scope = (typeof scopes)[number];

const tokenItem = z.strictObject({
  name: z.string().min(1).describe('Who holds it; the name is logged, the token never.'),
  token: z.string().min(16).nullable().default(null).describe('The token itself, at least 16 characters.'),
  tokenFile: z.string().nullable().default(null).describe('Or a file that holds it.'),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .default(['read'])
    .describe('ingest: accesses in. read: everything out. admin: drain, reload, dead letters; holds the others.'),
  bytesPerSecondMax: bytesField({ minBytes: 1 })
    .nullable()
    .default(null)
    .describe(
      'Bytes that its holder may post a second on average; more is answered 429 with Retry-After. null = no quota.',
    ),
  producers: nameRules
    .nullable()
    .default(null)
    .describe(
      'Producers that its holder may speak as; a name that ends with * stands for all that begin so. null = any, so holders can make each other’s posts look repeated.',
    ),
  consumers: nameRules
    .nullable()
    .default(null)
    .describe(
      'Consumers whose accesses its holder may tell, and so whose quotas it may use up; names as above. null = anybody.',
    ),
});

const tailItem = z.strictObject({
  file: z.string().min(1).describe('The file, under the name that stays when it is rotated.'),
  format: z
    .enum(['auto', ...postFormats] as [string, ...string[]])
    .default('auto')
    .describe('Its format, as a post has it; auto: by its content.'),
  fromStart: z.boolean().default(true).describe('Whether the first run reads what is there already.'),
});

export type TailConfig = z.output<typeof tailItem>;

export const nodeConfigSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w.-]{1,60}$/)
      .default('anteroom')
      .describe('Name of this node, in logs and in the keys of its prefetch requests.'),
    dataFolder: z.string().default('anteroom-data').describe('Folder of everything durable; made where there is none.'),
    store: z
      .enum(['lmdb', 'memory'])
      .default('lmdb')
      .describe('lmdb: acknowledged accesses survive a crash. memory: nothing survives a restart.'),
    http: z
      .strictObject({
        host: z.string().default('127.0.0.1').describe('Address to listen on; one that is not loopback needs a token.'),
        port: z.int().min(0).max(65_535).default(7878).describe('Port; 0 = any free one, which is logged.'),
        tokens: z.array(tokenItem).default([]).describe('Bearer tokens; without any, only this machine is served.'),
        bodyBytesMax: bytesField({ minBytes: 1024 })
          .default(64 * 2 ** 20)
          .describe('Largest body of a post; a larger one is refused with 413.'),
        headBytesMax: bytesField({ minBytes: 1024 })
          .default(16 * 2 ** 10)
          .describe('Largest head of a request; a larger one is refused with 431.'),
        headWithinMs: durationField({ minMs: 100, maxMs: HOST_MS_MAX })
          .default(10_000)
          .describe('Time for the head of a request; one that takes longer is refused with 408.'),
        requestWithinMs: durationField({ minMs: 100, maxMs: HOST_MS_MAX })
          .default(120_000)
          .describe('Time for a whole request, its body included; one that takes longer is refused with 408.'),
        idleMs: durationField({ minMs: 0, maxMs: HOST_MS_MAX })
          .default(5000)
          .describe('How long a connection may stay open between two requests.'),
        connectionsMax: z
          .int()
          .min(1)
          .max(65_536)
          .default(1024)
          .describe('Connections at once; further ones are closed at once, counted.'),
        answersMax: z.int().min(1).max(100_000).default(1000).describe('Most items that one answer lists.'),
      })
      .prefault({})
      .describe('HTTP: accesses in, forecasts and metrics out.'),
    ingest: z
      .strictObject({
        queueBytesMax: bytesField({ minBytes: 1024 })
          .default(256 * 2 ** 20)
          .describe('Bytes accepted and not yet learned from; beyond it posts are answered 429 with Retry-After.'),
        postsMax: z.int().min(1).default(256).describe('Posts under way at once; beyond it 429 too.'),
        parsesMax: z
          .int()
          .min(1)
          .default(4)
          .describe(
            'Posts that are read at the same time; the others wait, and questions get their turn between them.',
          ),
        rowsPerPostMax: z.int().min(1).default(5_000_000).describe('Accesses in one post; more are refused with 413.'),
        rowsPerFrame: z.int().min(1).max(65_536).default(8192).describe('Accesses in one entry of the log.'),
        rowsPerTurn: z
          .int()
          .min(1)
          .default(256)
          .describe('Accesses learned from before HTTP and timers get their turn; decisions do not depend on it.'),
        timeAheadMaxMs: durationField({ minMs: 0 })
          .default(86_400_000)
          .describe('How far ahead of the clock the time of an access may be; later ones are refused.'),
        nameBytesMax: bytesField({ minBytes: 1 })
          .default(8192)
          .describe('Bytes of the name of a segment, consumer or site; an access with a longer one is refused.'),
      })
      .prefault({})
      .describe('What is taken in, and how much at once.'),
    tail: z.array(tailItem).default([]).describe('Log files to follow, across rotation.'),
    tailPollMs: durationField({ minMs: 10 }).default(500).describe('How often followed files are looked at.'),
    sources: z
      .array(sourceItemSchema)
      .max(16)
      .default([])
      .describe('Brokers and sockets to read accesses from, besides HTTP and followed files.'),
    badMessages: z
      .strictObject({
        keptMax: z
          .int()
          .min(1)
          .default(1000)
          .describe('Bad messages of sources kept; beyond it the oldest go, counted.'),
        bytesMax: bytesField({ minBytes: 0 }).default(65_536).describe('Bytes of a bad message that are kept.'),
      })
      .prefault({})
      .describe('Messages of sources that could not be read.'),
    log: logStoreSchema.prefault({}),
    logProbe: backOffSchema
      .prefault({})
      .describe(
        'After a failed append: waits before the log is asked whether it would take one, so that the node becomes ready by itself.',
      ),
    checkpoints: checkpointStoreSchema
      .extend({
        everyMs: durationField({ minMs: 100 }).default(60_000).describe('Time between checkpoints.'),
        acceptLoss: z
          .boolean()
          .default(false)
          .describe('Start although neither a whole checkpoint nor the log from its beginning is there.'),
      })
      .prefault({})
      .describe('Checkpoints of what was learned.'),
    engine: engineConfigSchema
      .omit({ mode: true })
      .prefault({})
      .describe('The engine. It prefetches where `sinks` has any, and otherwise shows what prefetching would do.'),
    sinks: z.array(sinkItemSchema).max(16).default([]).describe('Where prefetch requests go; each gets every request.'),
    quotas: quotasSchema.prefault({}).describe('What one consumer may take, so that the others are undisturbed.'),
    places: placesSchema
      .prefault({})
      .describe('Parts of the engine in other processes; what is decided does not depend on it.'),
    delivery: z
      .strictObject({
        attemptsMax: z.int().min(1).max(100).default(4).describe('Tries before a request is a dead letter.'),
        timeoutMs: durationField({ minMs: 1, maxMs: HOST_MS_MAX })
          .default(10_000)
          .describe('How long one try may take.'),
        backOff: backOffSchema.prefault({}).describe('Waits between tries.'),
        waitingMax: z
          .int()
          .min(1)
          .default(4096)
          .describe('Requests waiting for a sink; beyond it the oldest fail, counted.'),
        deadLettersMax: z.int().min(1).default(10_000).describe('Dead letters kept; beyond it the oldest go, counted.'),
      })
      .prefault({})
      .describe('How requests are delivered.'),
    drainMs: durationField({ minMs: 0 })
      .default(25_000)
      .describe('How long a stop may take before it is forced; the last answers may take a second more.'),
    tracing: z
      .strictObject({
        isEnabled: z
          .boolean()
          .default(false)
          .describe(
            'Spans of posts by OpenTelemetry; needs the package @opentelemetry/api, and an SDK that the process loads with node --import.',
          ),
      })
      .prefault({})
      .describe('Traces.'),
    logging: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
          .default('info')
          .describe('Least level that is written to standard error, as JSON lines.'),
      })
      .prefault({})
      .describe('Logs.'),
  })
  .describe('Settings of a node.');

export type NodeConfig = z.output<typeof nodeConfigSchema>;

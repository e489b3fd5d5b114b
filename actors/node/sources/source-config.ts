/** Settings of sources: which broker, what is read from it, how much at once, and what becomes of what cannot be read. */

import { z } from 'zod';
import { backOffSchema } from '../../../engine/back-off.ts';
import { bytesField, durationField } from '../../../engine/config.ts';
import { nameRules } from '../name-rules.ts';
import { postFormats } from '../post-formats.ts';

/** The longest that timers of the host, and clients that use them, can wait. */
export const HOST_MS_MAX = 2 ** 31 - 1;

const sourceName = z
  .string()
  .regex(/^[\w.-]{1,60}$/)
  .describe('Its name in metrics, dead letters and the log; under another name it begins anew.');

/** What every source has. */
const shared = {
  name: sourceName,
  format: z
    .enum(['auto', ...postFormats] as [string, ...string[]])
    .default('auto')
    .describe('Format of each message, as a post has it; auto: by its content.'),
  messageBytesMax: bytesField({ minBytes: 16 })
    .default(8 * 2 ** 20)
    .describe('Largest message that is read; a larger one is bad.'),
  backOff: backOffSchema.prefault({}).describe('Waits before a broken connection or a failed append is tried again.'),
  timeoutMs: durationField({ minMs: 10, maxMs: HOST_MS_MAX })
    .default(10_000)
    .describe('How long the broker may take to answer before the connection counts as broken.'),
  keepAliveMs: durationField({ minMs: 10, maxMs: HOST_MS_MAX })
    .default(1000)
    .describe('How often the broker is told that we live, and room is looked for, while there is none.'),
};

/** What sources of brokers that keep messages have besides. */
const kept = {
  ...shared,
  messagesMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(512)
    .describe('Most messages fetched at once; they become one append.'),
  fetchBytesMax: bytesField({ minBytes: 1024 })
    .default(8 * 2 ** 20)
    .describe(
      'Bytes fetched at once, and the room that must be there before; Redis knows no such bound and goes by messagesMax.',
    ),
  waitMs: durationField({ minMs: 1, maxMs: HOST_MS_MAX })
    .default(1000)
    .describe('How long a fetch waits for a first message; a stop waits for it too.'),
  onBadRecord: z
    .enum(['dead-letter', 'refuse', 'halt'])
    .default('dead-letter')
    .describe(
      'A message with a bad record is kept as a dead letter, or counted and passed over, or nothing further is read until somebody has mended it.',
    ),
};

const secretFile = (what: string) => z.string().min(1).nullable().default(null).describe(`File that holds ${what}.`);

/** Where a server is, without who we are: addresses are logged. */
const address = (protocol: RegExp, what: string) =>
  z
    .url({ protocol })
    .refine(
      (text) => !/^[a-z]+:\/\/[^/]*@/.test(text),
      'expected no user or password in it: they have settings of their own',
    )
    .describe(what);

const redisServer = {
  url: address(/^rediss?$/, 'Address of the server, redis:// or rediss:// (TLS); without user and password.'),
  username: z.string().nullable().default(null).describe('User, where the server has several.'),
  passwordFile: secretFile('the password'),
  caFile: secretFile('the certificates that a server under TLS may be known by, as PEM; null = those of the system'),
};

const natsServer = {
  servers: z
    .array(
      address(/^(nats|tls)$/, 'Address of a server.').refine(
        (text) => !/^tls:\/\/(\[|\d+\.\d+\.\d+\.\d+(:|$))/.test(text),
        'expected a name after tls://: it is what the certificate is held against',
      ),
    )
    .min(1)
    .max(64)
    .describe('Addresses of servers, nats:// or tls://; without user and password.'),
  user: z.string().nullable().default(null).describe('User, where the server asks for one.'),
  passwordFile: secretFile('the password'),
  tokenFile: secretFile('a token'),
  credentialsFile: secretFile('credentials (.creds: JWT and NKey seed)'),
  caFile: secretFile('the certificates that a server under TLS may be known by, as PEM; null = those of the system'),
};

const kafkaServer = {
  brokers: z
    .array(z.string().regex(/^[^\s/@]+:\d{1,5}$/, 'expected HOST:PORT'))
    .min(1)
    .max(64)
    .describe('Addresses of brokers, HOST:PORT.'),
  isTls: z.boolean().default(false).describe('Whether to speak under TLS.'),
  caFile: secretFile('the certificates that a broker under TLS may be known by, as PEM; null = those of the system'),
  saslMechanism: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .nullable()
    .default(null)
    .describe('How to say who we are; null = the brokers do not ask.'),
  username: z.string().nullable().default(null).describe('User.'),
  passwordFile: secretFile('the password'),
};

const zeroMqSecurity = {
  keysFolder: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Folder of our key and of the keys that are allowed (anteroom keys); null = no keys, within this machine only.',
    ),
};

const speakerItem = z.strictObject({
  place: z.string().min(1).describe('Its name in the allow-list.'),
  producers: nameRules
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Producers that it may speak as; a name that ends with * stands for all that begin so. null = its own name only.',
    ),
  consumers: nameRules
    .nullable()
    .default(null)
    .describe(
      'Consumers whose accesses it may tell, and so whose quotas it may use up; names as above. null = anybody; accesses of nobody are always taken.',
    ),
  bytesPerSecondMax: bytesField({ minBytes: 1 })
    .nullable()
    .default(null)
    .describe(
      'Bytes that it may send a second on average; a message beyond that is answered `later`, not taken. Needs a router. null = no quota.',
    ),
});

const subjectText = z.string().regex(/^[^\s]{1,255}$/);

const redisItem = z.strictObject({
  type: z.literal('redis'),
  ...kept,
  ...redisServer,
  stream: z.string().min(1).max(512).describe('Key of the stream.'),
  field: z.string().min(1).default('data').describe('Field of each entry that holds the accesses.'),
  group: z.string().min(1).default('anteroom').describe('Consumer group; made where there is none. One node a group.'),
  consumer: z
    .string()
    .min(1)
    .default('anteroom')
    .describe('Our name in the group; entries pending under it are read again.'),
  fromStart: z.boolean().default(true).describe('Whether a new group reads what is there already.'),
});

const natsItem = z.strictObject({
  type: z.literal('nats'),
  ...kept,
  ...natsServer,
  stream: z
    .string()
    .regex(/^[\w-]{1,255}$/)
    .describe('JetStream stream; it must exist, with retention limits or workqueue.'),
  subject: subjectText
    .nullable()
    .default(null)
    .describe('Only messages of this subject, wildcards allowed; null = all.'),
  consumer: z
    .string()
    .regex(/^[\w-]{1,200}$/)
    .default('anteroom')
    .describe('Our durable consumer; it is made anew at each connect, from where the log stands. One node a consumer.'),
  ackWaitMs: durationField({ minMs: 100, maxMs: HOST_MS_MAX })
    .default(30_000)
    .describe('After so long without an acknowledgement the server gives a message again.'),
  fromStart: z
    .boolean()
    .default(true)
    .describe('Whether the first run reads what is there already (a work queue: always).'),
});

const kafkaItem = z.strictObject({
  type: z.literal('kafka'),
  ...kept,
  ...kafkaServer,
  topics: z
    .array(z.string().regex(/^[\w.-]{1,249}$/))
    .min(1)
    .max(64)
    .describe('Topics to read.'),
  group: z.string().min(1).default('anteroom').describe('Consumer group; partitions are shared out among its members.'),
  clientId: z.string().min(1).default('anteroom').describe('Our name in the logs of the brokers.'),
  sessionMs: durationField({ minMs: 1000, maxMs: HOST_MS_MAX })
    .default(30_000)
    .describe('A member that is silent for so long loses its partitions.'),
  fromStart: z.boolean().default(true).describe('Whether a new group reads what is there already.'),
});

const zeroMqItem = z.strictObject({
  type: z.literal('zeromq'),
  ...shared,
  ...zeroMqSecurity,
  speakers: z
    .array(speakerItem)
    .max(10_000)
    .default([])
    .describe('What keys of the allow-list may say; those that are not named here speak as themselves, of anybody.'),
  pattern: z
    .enum(['pull', 'router'])
    .default('router')
    .describe(
      'router: each message is answered when it is durable. pull: nothing is answered; what waits in ZeroMQ at a crash is lost.',
    ),
  bind: z
    .string()
    .min(1)
    .describe('Where to listen, tcp://HOST:PORT or ipc://PATH; beyond this machine only with keys.'),
  highWaterMark: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .describe('Messages that ZeroMQ holds for each producer before that one has to wait.'),
  messagesMax: z.int().min(1).max(10_000).default(256).describe('Most messages taken from ZeroMQ at once.'),
  waitMs: durationField({ minMs: 1, maxMs: HOST_MS_MAX })
    .default(200)
    .describe('How long to wait for a first message before looking around; a stop waits for it too.'),
  onBadRecord: z
    .enum(['dead-letter', 'refuse'])
    .default('dead-letter')
    .describe(
      'A message with a bad record is kept as a dead letter, or counted and passed over. A router answers either way.',
    ),
});

/** One source, by its `type`. */
export const sourceItemSchema = z.discriminatedUnion('type', [redisItem, natsItem, kafkaItem, zeroMqItem]);

export type SourceConfig = z.output<typeof sourceItemSchema>;
export type RedisSourceConfig = z.output<typeof redisItem>;
export type NatsSourceConfig = z.output<typeof natsItem>;
export type KafkaSourceConfig = z.output<typeof kafkaItem>;
export type SpeakerConfig = z.output<typeof speakerItem>;
export type ZeroMqSourceConfig = z.output<typeof zeroMqItem>;

/** Servers as sources and sinks name them. */
export const serverFields = { redis: redisServer, nats: natsServer, zeroMq: zeroMqSecurity, subjectText };

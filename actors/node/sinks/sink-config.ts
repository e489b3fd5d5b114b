/** Settings of sinks: where prefetch requests go, one strict schema for each kind. */

import { z } from 'zod';
import { durationField } from '../../../engine/config.ts';
import { serverFields } from '../sources/source-config.ts';

const name = z
  .string()
  .regex(/^[\w.-]{1,60}$/)
  .describe('Its name in metrics and dead letters.');

const exitStatus = z.int().min(1).max(255);

const webhookItem = z.strictObject({
  type: z.literal('webhook'),
  name,
  url: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !/^[a-z]+:\/\/[^/]*@/i.test(text), 'expected no user or password in it: they belong in headers')
    .describe('Where each request is posted as JSON; without user and password.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers, never logged.'),
});

const commandItem = z.strictObject({
  type: z.literal('command'),
  name,
  command: z
    .array(z.string())
    .min(1)
    .describe('Program and words, no shell; each request is JSON on its standard input.'),
  concurrencyMax: z
    .int()
    .min(1)
    .max(1000)
    .default(8)
    .describe('Processes at once; further requests wait, and that wait counts towards the timeout.'),
  timeoutMs: durationField({ minMs: 1, maxMs: 2 ** 31 - 1 })
    .nullable()
    .default(null)
    .describe('How long it may run before it is killed; null = delivery.timeoutMs.'),
  retryStatuses: z
    .array(exitStatus)
    .max(255)
    .default([75])
    .describe('Exit statuses after which it is tried again; after others but 0 it is not. 75 is EX_TEMPFAIL.'),
});

const zeroMqItem = z.strictObject({
  type: z.literal('zeromq'),
  name,
  ...serverFields.zeroMq,
  connect: z
    .string()
    .min(1)
    .describe('Where a PULL listens, tcp://HOST:PORT or ipc://PATH; beyond this machine only with keys.'),
  place: z
    .string()
    .nullable()
    .default(null)
    .describe('Place of the receiver in the allow-list, whose key it must have.'),
  highWaterMark: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .describe('Requests that ZeroMQ holds for the receiver; one more waits, and fails after delivery.timeoutMs.'),
});

const natsItem = z.strictObject({
  type: z.literal('nats'),
  name,
  ...serverFields.nats,
  subject: serverFields.subjectText.describe('Subject to publish to.'),
  isJetStream: z
    .boolean()
    .default(true)
    .describe(
      'Whether a stream must have stored a request before it counts as delivered; else it is only handed to the server.',
    ),
});

const redisItem = z.strictObject({
  type: z.literal('redis'),
  name,
  ...serverFields.redis,
  key: z.string().min(1).max(512).describe('Key of the stream or list.'),
  as: z
    .enum(['stream', 'list'])
    .default('stream')
    .describe('stream: XADD with the fields key and data. list: LPUSH of the JSON.'),
  lengthMax: z.int().min(1).default(100_000).describe('Requests kept there, about so many in a stream; the oldest go.'),
});

/** One sink, by its `type`. */
export const sinkItemSchema = z.discriminatedUnion('type', [webhookItem, commandItem, zeroMqItem, natsItem, redisItem]);

export type SinkConfig = z.output<typeof sinkItemSchema>;
export type CommandSinkConfig = z.output<typeof commandItem>;
export type ZeroMqSinkConfig = z.output<typeof zeroMqItem>;
export type NatsSinkConfig = z.output<typeof natsItem>;
export type RedisSinkConfig = z.output<typeof redisItem>;

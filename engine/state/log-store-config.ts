/** Bounds of a log and of what it remembers of its producers. */

import { z } from 'zod';
import { bytesField } from '../config.ts';

export const logStoreSchema = z
  .strictObject({
    bytesMax: bytesField({ minBytes: 1024 })
      .default(4 * 2 ** 30)
      .describe('Frames kept, in bytes; beyond it appends are refused as disk-full until the log has been trimmed.'),
    producersMax: z
      .int()
      .min(1)
      .default(10_000)
      .describe('Producers remembered; the one silent longest is forgotten first, but none whose entries are kept.'),
    sequenceWindow: z
      .int()
      .min(8)
      .max(65_536)
      .default(1024)
      .describe("How far behind its producer's latest a sequence may come; older ones are refused, not dropped."),
  })
  .describe('The durable log.');

export type LogStoreConfig = z.output<typeof logStoreSchema>;

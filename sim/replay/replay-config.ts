/** Settings of a replay that are not on its command line: the file given to `--config`. */

import { z } from 'zod';
import { siteSettings } from '../../actors/engine/site-settings.ts';

export const replayConfigSchema = z
  .strictObject({
    ...siteSettings,
    lookAheadMax: z.int().min(1).default(65_536).describe('Accesses that the clairvoyant bound sees ahead.'),
  })
  .describe('Settings of a replay.');

export type ReplayConfig = z.output<typeof replayConfigSchema>;

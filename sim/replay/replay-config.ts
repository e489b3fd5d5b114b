/** Settings of a replay that are not on its command line: the file given to `--config`. */

import { z } from 'zod';
import { siteSettings } from '../../actors/engine/site-settings.ts';

/** Every setting that `--config` may have, with its default; unknown keys are errors. */
export const replayConfigSchema = z
  .strictObject({
    ...siteSettings,
    lookAheadMax: z.int().min(1).default(65_536).describe('Accesses that the clairvoyant bound sees ahead.'),
  })
  .describe('Settings of a replay.');

/** With every default filled in. */
export type ReplayConfig = z.output<typeof replayConfigSchema>;

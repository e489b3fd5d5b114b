/** fast-check whose laws draw a share of their cases: where `ANTEROOM_LAW_SHARE` says one, `vitest.config.ts` puts this in its place. */

import * as whole from 'fast-check/whole';

const share = Number(process.env.ANTEROOM_LAW_SHARE);
if (!(share > 0 && share <= 1)) throw new Error(`ANTEROOM_LAW_SHARE is above 0 and at most 1, not ${process.env.ANTEROOM_LAW_SHARE}`);

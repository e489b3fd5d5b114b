/** Every format that is read, in the order in which `anteroom formats` lists them. */

import { AnteroomError } from '../../engine/errors.ts';
import type { Format } from '../format.ts';
import { arcLis } from './arc-lis.ts';
import { arrowIpc } from './arrow-ipc.ts';
import { cache2k } from './cache2k.ts';
import { cachelibBlock } from './cachelib-block.ts';
import { cachelibKv } from './cachelib-kv.ts';
import { clf } from './clf.ts';
import { cloudfront } from './cloudfront.ts';
import { csv, tsv } from './delimited.ts';
import { libcachesimCsv } from './libcachesim-csv.ts';
import { libcachesimTxt } from './libcachesim-txt.ts';
import { lirs } from './lirs.ts';
import { llmAgentic } from './llm-agentic.ts';
import { llmMooncake } from './llm-mooncake.ts';
import { msr } from './msr.ts';
import { ndjson } from './ndjson.ts';
import { oracleGeneral } from './oracle-general.ts';
import { parquet } from './parquet.ts';
import { s3AccessLog } from './s3-access-log.ts';
import { swf } from './swf.ts';
import { twitter } from './twitter.ts';
import { vscsi } from './vscsi.ts';

export const formats: readonly Format[] = [
  csv,
  tsv,
  ndjson,
  clf,
  s3AccessLog,
  cloudfront,
  arrowIpc,
  parquet,
  oracleGeneral,
  libcachesimCsv,
  libcachesimTxt,
  vscsi,
  twitter,
  msr,
  cachelibKv,
  cachelibBlock,
  arcLis,
  lirs,
  cache2k,
  swf,
  llmMooncake,
  llmAgentic,
];

/**
 * The format called `name`.
 * @throws AnteroomError 'bad-usage' that lists the names.
 */
export function formatNamed(name: string): Format {
  const format = formats.find((one) => one.name === name);
  if (format !== undefined) return format;
  throw new AnteroomError(
    'bad-usage',
    `no format ${name}; there are: auto, ${formats.map((one) => one.name).join(', ')}`,
    {
      context: { format: name },
    },
  );
}

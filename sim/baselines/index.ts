/** The published prefetchers that the engine is compared with, by name. */

import { z } from 'zod';
import type { AddressSpace, Prefetcher, SiteView } from '../../actors/prefetcher.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { type CacheSize, ClairvoyantPrefetcher, clairvoyantParameters, type Upcoming } from './clairvoyant.ts';
import { MithrilPrefetcher, mithrilParameters } from './mithril.ts';
import { NonePrefetcher } from './none.ts';
import { OblPrefetcher, oblParameters } from './obl.ts';
import { PgPrefetcher, pgParameters } from './pg.ts';
import { type PrefetchSpec, parsePrefetchSpec, readSettings } from './prefetch-spec.ts';

export type { CacheSize, Upcoming } from './clairvoyant.ts';
export { type PrefetchSpec, parsePrefetchSpec, splitPrefetchList } from './prefetch-spec.ts';

/** Prefetchers that a replay knows beside the engine, as `--prefetch` names them. */
export const baselineNames = ['none', 'obl', 'pg', 'mithril', 'clairvoyant'] as const;
/** All that `--prefetch` takes: the engine is not a baseline, and is made elsewhere. */
export const prefetcherNames = ['none', 'anteroom', 'mithril', 'pg', 'obl', 'clairvoyant'] as const;
export type BaselineName = (typeof baselineNames)[number];

/** What a baseline may need beside its settings. */
export interface BaselineContext {
  /** Segments as addresses where they are; null = opaque ids, on which `obl` abstains. */
  readonly addresses: AddressSpace | null;
  /** What is to come and the cache to fill; `clairvoyant` only. */
  readonly clairvoyance?: {
    readonly upcoming: Upcoming;
    readonly cache: CacheSize;
    /** The site it stages into, so that it notices what was refused or withdrawn. */
    readonly view?: SiteView;
  };
}

/** Whether `name` is a baseline's name, without settings. */
export function isBaselineName(name: string): name is BaselineName {
  return (baselineNames as readonly string[]).includes(name);
}

/**
 * Makes the prefetcher that a spec such as `pg` or `mithril:lookahead-range=50,pf-list-size=4` names.
 * @throws AnteroomError `bad-usage` for an unknown name or setting and for a value out of range;
 * `unsupported` for `clairvoyant` where the future is not known.
 */
export function createBaseline(spec: string, context: BaselineContext): Prefetcher {
  const parsed = parsePrefetchSpec(spec);
  if (!isBaselineName(parsed.name)) {
    const message = `no prefetcher is named '${parsed.name}'; expected one of ${prefetcherNames.join(', ')}`;
    throw new AnteroomError('bad-usage', message, { context: { prefetcher: parsed.name } });
  }
  return makers[parsed.name](parsed, context);
}

const makers: Readonly<Record<BaselineName, (spec: PrefetchSpec, context: BaselineContext) => Prefetcher>> = {
  none: (spec) => {
    readSettings(spec, z.strictObject({}), []);
    return new NonePrefetcher();
  },
  obl: (spec, context) =>
    new OblPrefetcher(readSettings(spec, oblParameters, Object.keys(oblParameters.shape)), context.addresses),
  pg: (spec) => new PgPrefetcher(readSettings(spec, pgParameters, Object.keys(pgParameters.shape))),
  mithril: (spec) => new MithrilPrefetcher(readSettings(spec, mithrilParameters, Object.keys(mithrilParameters.shape))),
  clairvoyant: (spec, context) => {
    const parameters = readSettings(spec, clairvoyantParameters, Object.keys(clairvoyantParameters.shape));
    if (context.clairvoyance === undefined) {
      throw new AnteroomError('unsupported', 'prefetcher clairvoyant needs to know the future: replay a trace');
    }
    const { upcoming, cache, view } = context.clairvoyance;
    return new ClairvoyantPrefetcher(parameters, upcoming, cache, view ?? null);
  },
};

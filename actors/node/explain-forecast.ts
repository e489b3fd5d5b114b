/** Why a segment is expected: the evidence behind a forecast, in sentences. */

import type { Engine } from '../engine/engine.ts';
import type { SegmentForecast } from '../engine/engine-models.ts';

/** Sentences, the strongest evidence first. `consumer` is whom the question was about; null = nobody. */
export function explainForecast(
  engine: Engine,
  forecast: Pick<SegmentForecast, 'segment' | 'name'>,
  consumer: string | null,
): readonly string[] {
  const reasons: string[] = [];
  const last = engine.lastAccess(consumer ?? undefined);
  if (last !== null) {
    const edge = engine.successors(last.segment).find(({ target }) => target === forecast.segment);
    if (edge !== undefined) {
      const whose = consumer === null ? 'the latest access' : `the last access of ${consumer}`;
      reasons.push(
        `it followed ${engine.nameOf(last.segment)}, ${whose}, in ${percent(edge.confidence)} of ${rounded(edge.support / Math.max(edge.confidence, 1e-9))} cases, ` +
          `${duration(edge.lagMean)} later in the mean, ${rounded(edge.lift)} times as often as by chance`,
      );
    }
  }
  const use = engine.accessMap(forecast.segment);
  if (use !== null)
    reasons.push(
      `it was accessed ${rounded(use.count)} times by ${use.consumers > 260 ? 'at least 260' : `about ${Math.round(use.consumers)}`} consumers (weight ${rounded(use.frequency)} after decay)`,
    );
  if (engine.holds(forecast.segment)) reasons.push('it is in the cache already, so nothing needs to be fetched');
  if (reasons.length === 0) reasons.push('nothing is known of it yet');
  return reasons;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function duration(ms: number): string {
  return ms < 1000 ? `${rounded(ms)} ms` : ms < 120_000 ? `${rounded(ms / 1000)} s` : `${rounded(ms / 60_000)} min`;
}

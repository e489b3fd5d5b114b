/** Why a segment is expected: the evidence behind a forecast, in sentences. */

import { byConsumers, timesText } from '../aggregator/consumer-sketch.ts';
import type { Engine } from '../engine/engine.ts';
import type { NamedDependency, SegmentForecast } from '../engine/engine-models.ts';
import type { ModelAnswers } from '../engine/model-answers.ts';

/** More than any segment has. */
const EDGES_MAX = 1000;

/** Of each forecast sentences, the strongest evidence first. `consumer` is whom the question was about; null = nobody. */
export async function explainForecasts(
  engine: Engine,
  models: ModelAnswers,
  forecasts: readonly Pick<SegmentForecast, 'segment'>[],
  consumer: string | null,
): Promise<readonly (readonly string[])[]> {
  const last = engine.lastAccess(consumer ?? undefined);
  const isAsked = last !== null && forecasts.length > 0;
  const [edges = []] = isAsked ? await models.successors([last.segment], EDGES_MAX) : [];
  const uses = await models.uses(forecasts.map(({ segment }) => segment));
  return forecasts.map(({ segment }, i) => {
    const reasons: string[] = [];
    const edge = edges.find(({ target }) => target === segment);
    if (last !== null && edge !== undefined) reasons.push(afterAccess(last.name, edge, consumer));
    const use = uses[i] ?? null;
    if (use !== null)
      reasons.push(
        `it was accessed ${timesText(Number(rounded(use.count)))}${byConsumers(use.consumers)} (weight ${rounded(use.frequency)} after decay)`,
      );
    if (engine.holds(segment)) reasons.push('it is in the cache already, so nothing needs to be fetched');
    if (reasons.length === 0) reasons.push('nothing is known of it yet');
    return reasons;
  });
}

function afterAccess(
  name: string,
  { confidence, support, lagMean, lift }: NamedDependency,
  consumer: string | null,
): string {
  const whose = consumer === null ? 'the latest access' : `the last access of ${consumer}`;
  return (
    `it followed ${name}, ${whose}, in ${percent(confidence)} of ${rounded(support / Math.max(confidence, 1e-9))} cases, ` +
    `${duration(lagMean)} later in the mean, ${rounded(lift)} times as often as by chance`
  );
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

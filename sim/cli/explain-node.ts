/** `anteroom explain http://...`: what a running node knows of one segment, or why misses remain there. */

import { byConsumers, timesText } from '../../actors/aggregator/consumer-sketch.ts';
import { refusalNames } from '../../actors/cache-manager/ledger.ts';
import { missClassNames } from '../../actors/cache-manager/miss-classes.ts';
import { refusalTexts } from '../../actors/cache-manager/refusal-texts.ts';
import type { EngineStats } from '../../actors/engine/engine-stats.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { missClassTexts } from '../report/miss-causes.ts';
import { askNode, type ClientFlags, instant, shown } from './node-client.ts';

/** What is told of a segment, or of the whole; as JSON the answers of the node, one beside the other. */
export interface NodeStory {
  readonly json: object;
  readonly text: string;
}

interface Edge {
  readonly source: string;
  readonly target: string;
  readonly confidence: number;
  readonly support: number;
  readonly depth: number;
}

/** @throws AnteroomError as `askNode`; 'not-found' for a segment that the node does not know. */
export async function explainNode(flags: ClientFlags, segment: string | undefined, count: number): Promise<NodeStory> {
  return segment === undefined
    ? wholeStory(await askNode<EngineStats>(flags, '/v1/outcomes'))
    : segmentStory(flags, segment, count);
}

async function segmentStory(flags: ClientFlags, segment: string, count: number): Promise<NodeStory> {
  const name = encodeURIComponent(segment);
  const use = await askNode<{ count: number; frequency: number; consumers: number; lastAccess: number }>(
    flags,
    `/v1/access-map?segment=${name}`,
  ).catch((error: unknown) => {
    // The map is bounded: a segment may have left it and still be known by its decisions.
    if (error instanceof AnteroomError && error.code === 'not-found') return null;
    throw error;
  });
  const { edges, before } = await askNode<{ edges: readonly Edge[]; before: readonly Edge[] }>(
    flags,
    `/v1/graph?segment=${name}&depth=1&fanout=5`,
  );
  const { forecasts } = await askNode<{
    forecasts: readonly { probability: number; horizonMs: number; expert: string; why: readonly string[] }[];
  }>(flags, `/v1/forecast?segment=${name}`);
  const { plans } = await askNode<{ plans: readonly { segment: string; state: string; reason: string }[] }>(
    flags,
    '/v1/plans?limit=100000',
  );
  const { decisions } = await askNode<{
    decisions: readonly { timeMs: number | null; position: number; why: string }[];
  }>(flags, `/v1/decisions?segment=${name}&limit=${count}`);
  const plan = plans.find((one) => one.segment === segment) ?? null;
  const json = { segment, use, before, edges, forecasts, plan, decisions };
  return { json, text: segmentText(shown(json), use) };
}

interface SegmentFacts {
  readonly segment: string;
  readonly before: readonly Edge[];
  readonly edges: readonly Edge[];
  readonly forecasts: readonly { probability: number; horizonMs: number; expert: string; why: readonly string[] }[];
  readonly plan: { readonly state: string; readonly reason: string } | null;
  readonly decisions: readonly { timeMs: number | null; position: number; why: string }[];
}

function segmentText(
  { segment, before, edges, forecasts, plan, decisions }: SegmentFacts,
  use: { readonly count: number; readonly frequency: number; readonly consumers: number } | null,
): string {
  const share = (value: number): string => `${(value * 100).toFixed(1)} %`;
  const lines = [
    segment,
    use === null
      ? '  its use is not remembered any more'
      : `  accessed ${timesText(Math.round(use.count))}${byConsumers(use.consumers)}, weight ${Number(use.frequency.toPrecision(3))} after decay`,
    ...before.map(
      (edge) => `  led to by ${edge.source}, ${share(edge.confidence)} of the times that this was accessed`,
    ),
    ...edges.map((edge) => `  followed by ${edge.target} in ${share(edge.confidence)}`),
    ...forecasts.map(
      (one) =>
        `  expected with ${share(one.probability)} within ${one.horizonMs / 1000} s, by ${one.expert}: ${one.why.join('; ')}`,
    ),
    plan === null ? '  no prefetch of it is planned or under way' : `  ${plan.state}: ${plan.reason}`,
    decisions.length === 0 ? '  no decision about it is remembered' : '  decisions, the latest first:',
    ...decisions.map(({ timeMs, position, why }) => `    ${instant(timeMs)}  ${String(position).padStart(9)}  ${why}`),
  ];
  return `${lines.join('\n')}\n`;
}

function wholeStory(stats: EngineStats): NodeStory {
  const { accesses, misses, baselineMisses, missClasses, refusals } = stats;
  const causes = Object.fromEntries(missClassNames.map((name) => [missClassTexts[name], missClasses[name]]));
  const reasons = Object.fromEntries(refusalNames.map((name) => [refusalTexts[name], refusals[name] ?? 0]));
  const list = (counts: Readonly<Record<string, number>>): string[] =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`);
  const lines = [
    `${accesses} accesses, ${misses} misses; ${baselineMisses} without prefetching`,
    'misses that were not avoided, by why:',
    ...(list(causes).length > 0 ? list(causes) : ['       none']),
    'prefetches that were proposed and refused, by why:',
    ...(list(reasons).length > 0 ? list(reasons) : ['       none']),
    '--segment NAME tells of one segment; anteroom decisions of the latest decisions',
  ];
  return { json: { accesses, misses, baselineMisses, missClasses, refusals }, text: `${lines.join('\n')}\n` };
}

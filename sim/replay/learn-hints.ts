/** What a log teaches of the order of accesses, as hints that another log, engine or node can start from. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { farLoopConfigSchema } from '../../actors/far-loop-config.ts';
import { DependencyGraph } from '../../actors/graph-builder/dependency-graph.ts';
import type { HintInput } from '../../actors/hints/hints-config.ts';
import { type LearnedHintsOptions, learnedHintsOf } from '../../actors/hints/hints-of-edges.ts';
import { demandsOf } from './insight.ts';
import type { Trace } from './trace.ts';

/** One pass over the trace; the graph is that of the far loop by its defaults. */
export async function learnHints(
  trace: Trace,
  options: LearnedHintsOptions & { readonly writes?: WritePolicy } = {},
): Promise<readonly HintInput[]> {
  const graph = new DependencyGraph(farLoopConfigSchema.parse({}).graphBuilder);
  let position = 0;
  for await (const batch of trace.batches()) {
    const demands = demandsOf(batch, options.writes ?? 'access', position);
    position += demands.length;
    if (demands.length > 0) graph.observe(demands);
  }
  return learnedHintsOf(graph, (segment) => trace.segments.nameOf(segment), options);
}

/** A file for `--config`: YAML, one list a line, names quoted as in JSON. */
export function hintsText(lists: readonly HintInput[], about: string): string {
  const head = `# ${about}\nhints:\n  lists:`;
  if (lists.length === 0) return `${head} []\n`;
  const lines = lists.map(({ segments, ahead, probability }) => {
    const names = segments.map(quoted).join(', ');
    return `    - { segments: [${names}], ahead: ${ahead}, probability: ${probability?.toPrecision(3)} }`;
  });
  return `${head}\n${lines.join('\n')}\n`;
}

/** JSON leaves the controls beyond ASCII as they are, which YAML and terminals do not take. */
function quoted(name: string): string {
  return JSON.stringify(name).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The actor that keeps the dependency graph and proposes what follows the latest accesses. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { FarLoopMessage, ProposalColumns, ProposalsMessage } from '../messages.ts';
import { ProposalRows } from '../proposal-rows.ts';
import { DependencyGraph, type Expansion } from './dependency-graph.ts';
import { type GraphBuilderConfig, graphBuilderConfigSchema } from './graph-builder-config.ts';

export interface GraphBuilderOptions {
  readonly config?: GraphBuilderConfig;
  readonly horizonsMs: readonly number[];
  readonly horizonsAccesses: readonly number[];
  /** Segments that need no proposal, because the site has them; default: none. */
  readonly isResident?: (segment: number) => boolean;
  readonly forecaster?: ActorRef<ProposalsMessage>;
}

/** Name of the graph builder's expert. */
export const dependencyExpert = 'dependency';

/**
 * As an expert it expands the last access of each consumer that was active since the last tick. A successor that has not come within the time
 * since then is less likely to come, and later: with confidence c and lag distribution F, P(within h | not by e) =
 * c (F(e + h) - F(e)) / (1 - c F(e)). Beyond the first step F is taken as x / (x + mean lag).
 */
export class GraphBuilderActor implements Actor<FarLoopMessage> {
  readonly graph: DependencyGraph;
  readonly #options: GraphBuilderOptions;
  /** Log position of the last tick: what came before was expanded then. */
  #tickedAt = 0;

  constructor(options: GraphBuilderOptions) {
    this.#options = options;
    this.graph = new DependencyGraph(options.config ?? graphBuilderConfigSchema.parse({}));
  }

  receive(message: FarLoopMessage, _context: ActorContext<FarLoopMessage>): void {
    if (message.kind === 'accesses') {
      this.graph.observe(message.batch);
      return;
    }
    const { position, timeMs } = message;
    this.#options.forecaster?.tell({
      kind: 'proposals',
      expert: dependencyExpert,
      position,
      timeMs,
      proposals: this.propose(position, timeMs),
    });
  }

  /** The expert's proposals at a tick. */
  propose(position: number, timeMs: number): ProposalColumns {
    const { graph } = this;
    const { axis, recent, config } = graph;
    const horizons = axis.usesTime === false ? this.#options.horizonsAccesses : this.#options.horizonsMs;
    const now = axis.instantAt(timeMs, position);
    const { isResident } = this.#options;
    const lagMax = axis.usesTime === false ? Infinity : config.lagMaxMs;
    const expansions = new Map<number, readonly Expansion[]>();
    // Of several consumers' reasons for one segment the best counts, by segment and horizon.
    const best = new Map<number, number>();
    for (const { segment: seed, instant } of recent.since(this.#tickedAt)) {
      const elapsed = Math.max(0, now - instant);
      // Later ones are older still: whoever is silent for that long is not followed at all.
      if (elapsed > lagMax) break;
      let reachable = expansions.get(seed);
      if (reachable === undefined) {
        reachable = graph.expandDependencies([seed], config);
        expansions.set(seed, reachable);
      }
      for (const reached of reachable) {
        if (isResident?.(reached.segment) === true) continue;
        for (let h = 0; h < horizons.length; h++) {
          const score = dueWithin(graph, reached, elapsed, horizons[h]!);
          const key = reached.segment * horizons.length + h;
          if (score >= config.probabilityMin && score > (best.get(key) ?? 0)) best.set(key, score);
        }
      }
    }
    this.#tickedAt = position;
    const rows = new ProposalRows(best.size);
    for (const [key, score] of best) rows.add(Math.floor(key / horizons.length), key % horizons.length, score);
    return rows.columns();
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.graph.persist(fields);
    this.#tickedAt = fields.number(this.#tickedAt);
  }
}

/** P(the reached segment comes within `horizon` | it has not come in the `elapsed` since its seed). */
export function dueWithin(graph: DependencyGraph, reached: Expansion, elapsed: number, horizon: number): number {
  const past = shareWithin(graph, reached, elapsed);
  const due = shareWithin(graph, reached, elapsed + horizon) - past;
  const left = 1 - reached.probability * past;
  return left > 0 ? Math.min(1, (reached.probability * due) / left) : 0;
}

/** P(the reached segment has come `elapsed` after the seed | it comes). */
function shareWithin(graph: DependencyGraph, reached: Expansion, elapsed: number): number {
  if (reached.edge >= 0) return graph.lagShareWithin(reached.edge, elapsed);
  return elapsed > 0 ? elapsed / (elapsed + reached.lagMean) : 0;
}

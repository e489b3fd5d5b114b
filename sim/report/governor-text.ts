/** What the governor did, in plain words. */

import type { RunResult } from '../replay/result.ts';
import type { RunGovernor } from '../replay/run-governor.ts';
import { countedText, grouped, percent } from './words.ts';

/** Runs of the engine, with what governed them. */
export type GovernedRun = RunResult & { readonly governor: RunGovernor };

export function isGoverned(run: RunResult): run is GovernedRun {
  return run.governor !== null;
}

/** One or two sentences over all runs of the engine, for a terminal; empty without one. */
export function governorLine(runs: readonly RunResult[]): string {
  const governed = runs.filter(isGoverned).filter((run) => run.prefetches.issued > 0);
  if (governed.length === 0) return '';
  const bounded = governed.filter(({ governor }) => governor.missBound !== null);
  const parts: string[] = [];
  if (bounded.length > 0) parts.push(boundText(bounded));
  const off = governed.flatMap(({ governor }) => governor.experts.filter(({ turnedOff }) => turnedOff > 0));
  if (off.length > 0) {
    const names = [...new Set(off.map(({ name }) => name))].join(', ');
    parts.push(`Turned off for a while because they misled: ${names}.`);
  }
  const withheld = governed.reduce((sum, { governor }) => sum + (governor.lift?.withheld ?? 0), 0);
  const demanded = governed.reduce(
    (sum, { governor }) => sum + (governor.lift === null ? 0 : governor.lift.share * governor.lift.withheld),
    0,
  );
  if (withheld >= WITHHELD_LEAST) {
    parts.push(
      `Of ${countedText(withheld, 'prefetch', 'prefetches')} withheld by chance ${percent(demanded / withheld)} would have avoided a miss.`,
    );
  }
  return parts.length === 0 ? '' : `governor: ${parts.join(' ')}`;
}

/** Fewer withheld say nothing in one sentence without their interval. */
const WITHHELD_LEAST = 100;

function boundText(runs: readonly GovernedRun[]): string {
  const breaches = runs.reduce((sum, run) => sum + run.missBreaches, 0);
  const excess = Math.max(0, ...runs.map((run) => Math.round(run.missExcess)));
  const throttled = runs.reduce((sum, run) => sum + throttledOf(run), 0);
  const asked = throttled + runs.reduce((sum, run) => sum + run.prefetches.issued, 0);
  const sampled = runs.find(({ governor }) => governor.ghost.kind === 'sampled');
  const how =
    sampled === undefined
      ? ''
      : sampled.governor.ghost.isEstimate
        ? ` (estimated from a sample; for this eviction no confidence is shown, a whole ghost would keep the bound)`
        : ` (estimated from a sample, kept at ${percent(sampled.governor.ghost.confidence!)} confidence)`;
  const kept =
    breaches === 0
      ? `Misses never stood ${excess === 0 ? '' : `more than ${grouped(excess)} `}above those of the same cache without prefetching${how}`
      : `Misses stood above their bound at ${countedText(breaches, 'moment')}, by ${grouped(excess)} at most${how}`;
  const refused =
    throttled === 0 ? '' : `; to keep that bound ${shareText(throttled, asked)} of the prefetches were refused`;
  return `${kept}${refused}.`;
}

/** A share that is not zero does not read as if it were. */
function shareText(count: number, all: number): string {
  const text = percent(count / all);
  return text === '0 %' ? 'less than 0.1 %' : text;
}

/** Prefetches refused by the bound on misses or their expert's record. */
export function throttledOf(run: RunResult): number {
  return (run.refusals.throttled ?? 0) + (run.refusals.distrusted ?? 0);
}

/** `46 % (40 to 52 %)`. */
export function liftText({ lift }: RunGovernor): string {
  if (lift === null) return 'none withheld long enough';
  return `${percent(lift.share)} (${percent(lift.low)} to ${percent(lift.high)}) of ${grouped(lift.withheld)}; forecast ${percent(lift.forecast)}`;
}

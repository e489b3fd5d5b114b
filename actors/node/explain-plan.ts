/** A prefetch that has not ended, in a sentence: who asked, how sure it is, what it saves, and what it waits for. */

import type { EnginePlan } from '../engine/engine-plans.ts';

const where: Readonly<Record<EnginePlan['stage'], string>> = {
  planned: 'it is planned and has not been taken yet',
  queued: 'it waits for a fetch slot',
  inFlight: 'it is being fetched',
  staged: 'it is staged and was not asked for yet',
};

/** `isPrefetching` false = nothing is fetched in truth, the model says what would be. */
export function explainPlan(plan: EnginePlan, isPrefetching: boolean): string {
  const { expert, loop, probability, savesMs, stage } = plan;
  const who = expert === null ? 'the engine' : `the expert "${expert}" (${loop} loop)`;
  const how = probability === null ? '' : ` with probability ${probability.toFixed(2)}`;
  const worth = savesMs === null ? '' : `, which saves ${Number(savesMs.toPrecision(3))} ms of waiting in the mean`;
  const would = isPrefetching ? '' : ' in the model';
  return `${who} expects it to be asked for${how}${worth}; ${where[stage]}${would}`;
}

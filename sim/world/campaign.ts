/** Many seeds, one after the other, and how often each planted bug is caught. */

import { type Bug, bugNames } from './bugs.ts';
import type { NodeKind } from './simulated-node.ts';
import { runWorld, type WorldResult } from './world.ts';

export interface CampaignOptions {
  readonly fromSeed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly bug: Bug | null;
  /** Default `path`. */
  readonly node?: NodeKind;
  /** Told after each seed. */
  readonly onResult?: (result: WorldResult) => void;
}

export interface CampaignResult {
  readonly seeds: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly failures: readonly WorldResult[];
}

/** Runs seeds `fromSeed` to `fromSeed + seeds - 1`. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { fromSeed, seeds, minutes, bug, node = 'path', onResult } = options;
  const failures: WorldResult[] = [];
  const faults: Record<string, number> = {};
  let events = 0;
  let virtualMs = 0;
  for (let seed = fromSeed; seed < fromSeed + seeds; seed++) {
    const result = await runWorld({ seed, minutes, bug, node });
    events += result.events;
    virtualMs += result.virtualMs;
    for (const [kind, count] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    if (result.violation !== null) failures.push(result);
    onResult?.(result);
  }
  return { seeds, events, virtualMs, faults, failures };
}

/** How often one bug was caught, and by which invariant. */
export interface BugCatch {
  readonly bug: Bug;
  readonly seeds: number;
  readonly caught: number;
  /** The first seed that caught it; null = none did. */
  readonly firstSeed: number | null;
  readonly by: Readonly<Record<string, number>>;
}

export async function catchBugs(
  options: Omit<CampaignOptions, 'bug' | 'node' | 'onResult'>,
  onCatch: (caught: BugCatch) => void = () => {},
): Promise<readonly BugCatch[]> {
  const all: BugCatch[] = [];
  for (const bug of bugNames) {
    const { failures, seeds } = await runCampaign({ ...options, bug });
    const by: Record<string, number> = {};
    for (const { violation } of failures) by[violation!.invariant] = (by[violation!.invariant] ?? 0) + 1;
    const caught = { bug, seeds, caught: failures.length, firstSeed: failures[0]?.seed ?? null, by };
    all.push(caught);
    onCatch(caught);
  }
  return all;
}

/** The command that runs a seed again. */
export function replayCommand(
  seed: number,
  { minutes, bug, node = 'path' }: Pick<CampaignOptions, 'minutes' | 'bug' | 'node'>,
): string {
  const words = [`anteroom sim --seed ${seed}`];
  if (minutes !== 10) words.push(`--minutes ${minutes}`);
  if (bug !== null) words.push(`--bug ${bug}`);
  if (node !== 'path') words.push(`--node ${node}`);
  return words.join(' ');
}

/** The built-in workloads by name, and how a line of text chooses one with its parameters. */

import { z } from 'zod';
import { parseConfig } from '../../engine/config.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { AccessBatchBuilder } from '../../streams/access-batch-builder.ts';
import { chains } from './chains.ts';
import { flashCrowd } from './flash-crowd.ts';
import { scans } from './scans.ts';
import { diurnal, weekly } from './seasonal.ts';
import { oneHit, uniform } from './unpredictable.ts';
import type { Workload } from './workload.ts';
import { zipfDrift } from './zipf-drift.ts';

export type { Workload } from './workload.ts';

/** Every workload, in the order in which lists show them. */
export const workloads: readonly Workload<never>[] = [
  zipfDrift,
  diurnal,
  weekly,
  chains,
  scans,
  flashCrowd,
  uniform,
  oneHit,
] as unknown as readonly Workload<never>[];

/** A workload with validated parameters, ready to be generated. */
export interface ChosenWorkload {
  readonly workload: Workload<never>;
  readonly parameters: never;
}

/**
 * Looks a workload up and validates its parameters.
 * @throws AnteroomError('bad-usage') naming the workload or the parameter and what was expected.
 */
export function chooseWorkload(name: string, parameters: Readonly<Record<string, unknown>>): ChosenWorkload {
  const workload = workloads.find((w) => w.name === name);
  if (workload === undefined) {
    throw new AnteroomError(
      'bad-usage',
      `no workload "${name}": expected one of ${workloads.map((w) => w.name).join(', ')}`,
    );
  }
  return { workload, parameters: parseConfig(workload.parameters, parameters, `workload ${name}`, 'bad-usage') };
}

/** Generates a chosen workload as batches; the same seed gives the same accesses. */
export function* generateBatches(
  chosen: ChosenWorkload,
  seed: number,
  builder: AccessBatchBuilder,
): Generator<AccessBatch> {
  const random = new Xoshiro128(seed).fork(`workload ${chosen.workload.name}`);
  for (const _ of chosen.workload.generate(chosen.parameters, random, builder)) {
    for (let batch = builder.takeFull(); batch !== null; batch = builder.takeFull()) yield batch;
  }
  for (let batch = builder.takeFull(); batch !== null; batch = builder.takeFull()) yield batch;
  const rest = builder.takeRest();
  if (rest !== null && rest.length > 0) yield rest;
}

/** Parameters of a workload for a listing: name, default, description. */
export function describeParameters(
  workload: Workload<never>,
): { name: string; default: unknown; description: string }[] {
  const json = z.toJSONSchema(workload.parameters, { io: 'input' }) as {
    properties: Record<string, { default?: unknown; description?: string }>;
  };
  return Object.entries(json.properties).map(([name, property]) => ({
    name,
    default: property.default ?? null,
    description: property.description ?? '',
  }));
}

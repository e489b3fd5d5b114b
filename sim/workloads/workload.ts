/** A workload: a written model of how accesses arise, from which a seed makes a trace whose truth is known. */

import type { z } from 'zod';
import type { RandomSource } from '../../engine/random.ts';
import type { AccessSink } from '../../streams/access-sink.ts';

/** The contract of a generator. */
export interface Workload<P> {
  /** Name for `anteroom generate`, kebab-case. */
  readonly name: string;
  /** One sentence for the list of workloads. */
  readonly description: string;
  /** The model, exactly: what is drawn from what. */
  readonly model: string;
  /** Its parameters, each with a default and a description; all are numbers. */
  readonly parameters: z.ZodType<P>;
  /** Whether segment names are addresses, and in units of how many bytes; null = opaque. */
  readonly addressBytes: number | null;
  /** Appends the accesses in order of time, yielding every so often so that full batches can be taken. */
  generate(parameters: P, random: RandomSource, sink: AccessSink): Generator<void>;
}

/** The first instant of every generated trace: Monday, 1 January 2024, 00:00 UTC. */
export const EPOCH_MS = 1_704_067_200_000;

/** Rows between two yields of a generator. */
export const ROWS_PER_YIELD = 4096;

/** The latest decisions about prefetches, with their reasons, in a ring. */

import type { StateFields } from '../../engine/state-fields.ts';
import { Decision } from '../cache-manager/decision-digest.ts';
import { refusalNames } from '../cache-manager/ledger.ts';
import { outcomeNames } from '../prefetcher.ts';

/** A decision as a person reads it. */
export interface DecisionRecord {
  /** Counts decisions from 0; gaps mean that the ring was too small. */
  readonly sequence: number;
  readonly position: number;
  readonly timeMs: number;
  readonly segment: number;
  readonly kind: 'issued' | 'refused' | 'withdrawn' | 'ended';
  /** Why it was refused, or how it ended; null for the others. */
  readonly reason: string | null;
  /** Index of the expert that asked. */
  readonly expert: number;
  /** As stated with the proposal; null = it was not. */
  readonly probability: number | null;
  readonly sizeBytes: number | null;
}

/** With the segment's name and the expert's; null = not known. */
export interface NamedDecision extends Omit<DecisionRecord, 'expert'> {
  readonly name: string;
  readonly expert: string | null;
}

/** Columns of fixed length, overwritten in turn: O(1) to note, no memory of its own a decision. */
export class DecisionLog {
  readonly #kept: number;
  readonly #code: Uint8Array;
  readonly #expert: Uint8Array;
  readonly #segment: Uint32Array;
  readonly #position: Float64Array;
  readonly #timeMs: Float64Array;
  readonly #probability: Float64Array;
  readonly #bytes: Float64Array;
  #count = 0;

  constructor(keptMax: number) {
    this.#kept = keptMax;
    this.#code = new Uint8Array(keptMax);
    this.#expert = new Uint8Array(keptMax);
    this.#segment = new Uint32Array(keptMax);
    this.#position = new Float64Array(keptMax);
    this.#timeMs = new Float64Array(keptMax);
    this.#probability = new Float64Array(keptMax);
    this.#bytes = new Float64Array(keptMax);
  }

  /** Decisions noted since the start. */
  get count(): number {
    return this.#count;
  }

  note(
    code: number,
    segment: number,
    expert: number,
    probability: number,
    bytes: number,
    position: number,
    timeMs: number,
  ): void {
    const i = this.#count++ % this.#kept;
    this.#code[i] = code;
    this.#segment[i] = segment;
    this.#expert[i] = expert;
    this.#probability[i] = probability;
    this.#bytes[i] = bytes;
    this.#position[i] = position;
    this.#timeMs[i] = timeMs;
  }

  /** The last `n` that are kept, the latest first. */
  latest(n: number): readonly DecisionRecord[] {
    const length = Math.max(0, Math.min(n, this.#count, this.#kept));
    return Array.from({ length }, (_, back) => this.#record(this.#count - 1 - back));
  }

  latestNamed(n: number, nameOf: (segment: number) => string, experts: readonly string[]): readonly NamedDecision[] {
    return this.latest(n).map((record) => ({
      ...record,
      name: nameOf(record.segment),
      expert: experts[record.expert] ?? null,
    }));
  }

  /** Everything but what the settings give: #kept. */
  persist(fields: StateFields): void {
    fields.into(this.#code);
    fields.into(this.#expert);
    fields.into(this.#segment);
    fields.into(this.#position);
    fields.into(this.#timeMs);
    fields.into(this.#probability);
    fields.into(this.#bytes);
    this.#count = fields.number(this.#count);
  }

  #record(sequence: number): DecisionRecord {
    const i = sequence % this.#kept;
    return {
      sequence,
      position: this.#position[i]!,
      timeMs: this.#timeMs[i]!,
      segment: this.#segment[i]!,
      ...meaningOf(this.#code[i]!),
      expert: this.#expert[i]!,
      probability: known(this.#probability[i]!),
      sizeBytes: known(this.#bytes[i]!),
    };
  }
}

function meaningOf(code: number): Pick<DecisionRecord, 'kind' | 'reason'> {
  if (code >= Decision.refused) return { kind: 'refused', reason: refusalNames[code - Decision.refused]! };
  if (code === Decision.withdrawn) return { kind: 'withdrawn', reason: null };
  if (code >= Decision.outcome) return { kind: 'ended', reason: outcomeNames[code - Decision.outcome]! };
  return { kind: 'issued', reason: null };
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** How issued prefetches ended, by expert: what each expert's staging was worth. */

import type { StateFields } from '../../engine/state-fields.ts';
import { type OutcomesMessage, withdrawnOutcome } from '../messages.ts';
import { type OutcomeName, outcomeNames } from '../prefetcher.ts';

/** Counts of each outcome, and of what was never sent. */
export type OutcomeTotals = Readonly<Record<OutcomeName | 'withdrawn', number>>;

/** Adds up outcome messages. */
export class OutcomeCounts {
  readonly #counts: Float64Array;
  readonly #width = outcomeNames.length + 1;

  constructor(expertCount: number) {
    this.#counts = new Float64Array(expertCount * this.#width);
  }

  observe(message: OutcomesMessage): void {
    for (let i = 0; i < message.outcome.length; i++) {
      const code = message.outcome[i]!;
      const kind = code === withdrawnOutcome ? this.#width - 1 : code;
      this.#counts[message.expert[i]! * this.#width + kind]!++;
    }
  }

  /** Totals of one expert. */
  totalsOf(expert: number): OutcomeTotals {
    const names = [...outcomeNames, 'withdrawn'] as const;
    return Object.fromEntries(names.map((name, i) => [name, this.#counts[expert * this.#width + i]!])) as OutcomeTotals;
  }

  /** Useful and late over all issued; null before the first. */
  precisionOf(expert: number): number | null {
    const totals = this.totalsOf(expert);
    const issued = outcomeNames.reduce((sum, name) => sum + totals[name], 0);
    return issued === 0 ? null : (totals.useful + totals.late) / issued;
  }

  /** Everything but what the settings give: #width. */
  persist(fields: StateFields): void {
    fields.into(this.#counts);
  }
}

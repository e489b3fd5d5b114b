/** What a report says of the governor of a run. */

import type { ExpertAccount } from '../../actors/cache-manager/expert-trust.ts';
import { type GovernorState, type Lift, liftOf } from '../../actors/cache-manager/governor-state.ts';
import type { RunRecord } from './run.ts';

export interface RunGovernor extends Omit<GovernorState, 'experts'> {
  /** Of prefetches withheld by chance, the share that would have avoided a miss; null where none was withheld for its whole horizon. */
  readonly lift: Lift | null;
  /** Experts that sent or would have sent something, with their record by what became of what they sent. */
  readonly experts: readonly (ExpertAccount & {
    readonly name: string;
    readonly issued: number;
    readonly used: number;
  })[];
}

/** Null for a run that nobody governs. */
export function runGovernor({ run, governor, holdout, experts, ledger }: RunRecord): RunGovernor | null {
  if (governor === null || run.prefetch !== 'anteroom') return null;
  const accounts = experts.map((name, i) => ({
    name,
    issued: ledger.issuedByExpert[i]!,
    used: ledger.usedByExpert[i]!,
    account: governor.experts[i],
  }));
  return {
    ...governor,
    lift: holdout === null ? null : liftOf(holdout),
    experts: accounts.flatMap(({ account, ...expert }) =>
      account === undefined || (expert.issued === 0 && account.refused === 0) ? [] : [{ ...expert, ...account }],
    ),
  };
}

/** Who is asked before a prefetch is sent: the caps and the policy of a site. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Prices } from '../prices.ts';
import { Refusal } from './ledger.ts';
import { hasCaps, PrefetchCaps, type PrefetchCapsConfig } from './prefetch-caps.ts';
import { forbidsAnything, PrefetchPolicy, type PrefetchPolicyConfig } from './prefetch-policy.ts';

export interface PrefetchAdmissionOptions {
  readonly caps: PrefetchCapsConfig;
  readonly policy: PrefetchPolicyConfig;
  readonly prices: Prices;
  readonly isTimed: boolean;
  readonly nameOf: (segment: number) => string;
}

/** The policy speaks first: what may never be sent is not refused for lack of budget. */
export class PrefetchAdmission {
  caps: PrefetchCaps | null;
  readonly policy: PrefetchPolicy | null;
  #capsInForce: PrefetchCapsConfig;
  readonly #options: PrefetchAdmissionOptions;

  constructor(options: PrefetchAdmissionOptions) {
    this.#options = options;
    this.#capsInForce = options.caps;
    const { caps, policy, prices, isTimed, nameOf } = options;
    this.caps = hasCaps(caps) ? new PrefetchCaps(caps, prices, isTimed) : null;
    this.policy = forbidsAnything(policy) ? new PrefetchPolicy(policy, nameOf) : null;
  }

  /** Those that were set last. */
  get capsInForce(): PrefetchCapsConfig {
    return this.#capsInForce;
  }

  /** Other caps from now on; see `PrefetchCaps.change`. Where there were none, totals begin at zero. @throws AnteroomError 'bad-config'. */
  setCaps(caps: PrefetchCapsConfig): void {
    const { prices, isTimed } = this.#options;
    if (!hasCaps(caps)) this.caps = null;
    else if (this.caps === null) this.caps = new PrefetchCaps(caps, prices, isTimed);
    else this.caps.change(caps);
    this.#capsInForce = caps;
  }

  /** The `Refusal` for a prefetch at `now` beside `inFlightCount` others; -1 = none. */
  refusal(segment: number, bytes: number, now: number, inFlightCount: number): number {
    const denied = this.policy?.refusal(segment) ?? -1;
    if (denied >= 0) return denied;
    return this.caps?.refusal(bytes, now, inFlightCount) ?? -1;
  }

  /** Whether what was refused so may be sent later without anything else changing. */
  static isPassing(refusal: number): boolean {
    return refusal === Refusal.concurrency || refusal === Refusal.requestRate || refusal === Refusal.byteRate;
  }

  /** The same fields where nobody is asked, since caps may come and go with the settings of a start. */
  static persist(fields: StateFields, admission: PrefetchAdmission | undefined): void {
    if (admission === undefined) PrefetchCaps.persist(fields, null);
    else admission.persist(fields);
  }

  /** The state, to save or restore it (#options are settings, and #capsInForce is kept among them). */
  persist(fields: StateFields): void {
    PrefetchCaps.persist(fields, this.caps);
    this.policy?.persist(fields);
  }
}

/** The admission that settings ask for; undefined = nothing is capped or forbidden, so nobody need be asked. */
export function admissionOf(options: PrefetchAdmissionOptions): PrefetchAdmission | undefined {
  const admission = new PrefetchAdmission(options);
  return admission.caps === null && admission.policy === null ? undefined : admission;
}

/** What may be fetched before anyone asks: by name, and by how it has been accessed. */

import { z } from 'zod';
import type { StateFields } from '../../engine/state-fields.ts';
import { Operation } from '../../streams/operation.ts';
import { grownTable } from './grown-table.ts';
import { Refusal } from './ledger.ts';

const patterns = (text: string, first: string[]) =>
  z.array(z.string().min(1).max(1024)).max(1024).default(first).describe(text);

export const prefetchPolicySchema = z.strictObject({
  allow: patterns('Names that may be prefetched: `*` stands for any characters, `?` for one. One must match.', ['*']),
  deny: patterns('Names that are never prefetched, whatever is allowed.', []),
  readOnly: z
    .boolean()
    .default(false)
    .describe(
      'Whether segments are left alone that were accessed but never read, or on which an operation other than read, write and delete was made.',
    ),
});
export type PrefetchPolicyConfig = z.output<typeof prefetchPolicySchema>;

/** Whether anything is forbidden. */
export function forbidsAnything({ allow, deny, readOnly }: PrefetchPolicyConfig): boolean {
  return readOnly || deny.length > 0 || !allow.includes('*');
}

/** What is known of a segment: bits. */
const JUDGED = 1;
const DENIED = 2;
const READ = 4;
const CHANGED = 8;
const UNSAFE = 16;

/**
 * A prefetch is a read that nobody asked for, so it must change nothing and serve whoever asks later. Nothing in a log proves that; the
 * patterns say it, and `readOnly` goes by what has been done to the segment; of one never accessed it says nothing. One byte a segment; a name is matched once.
 */
export class PrefetchPolicy {
  readonly #allow: readonly (readonly string[])[];
  readonly #deny: readonly (readonly string[])[];
  readonly #isReadOnly: boolean;
  readonly #nameOf: (segment: number) => string;
  #known = new Uint8Array(1024);

  constructor(config: PrefetchPolicyConfig, nameOf: (segment: number) => string) {
    this.#allow = config.allow.map((pattern) => [...pattern]);
    this.#deny = config.deny.map((pattern) => [...pattern]);
    this.#isReadOnly = config.readOnly;
    this.#nameOf = nameOf;
  }

  /** An access to a segment, before it is served. */
  observe(segment: number, op: number): void {
    if (!this.#isReadOnly) return;
    if (op === Operation.read) this.#known[this.#row(segment)]! |= READ;
    else this.#known[this.#row(segment)]! |= op === Operation.other ? UNSAFE : CHANGED;
  }

  /** The `Refusal` for a prefetch of the segment; -1 = none. */
  refusal(segment: number): number {
    let known = this.#known[this.#row(segment)]!;
    if ((known & JUDGED) === 0) {
      known |= this.#isDenied(this.#nameOf(segment)) ? JUDGED | DENIED : JUDGED;
      this.#known[segment] = known;
    }
    if ((known & DENIED) !== 0) return Refusal.denied;
    const isOnlyChanged = (known & (READ | CHANGED)) === CHANGED;
    return (known & UNSAFE) !== 0 || isOnlyChanged ? Refusal.unsafe : -1;
  }

  /** Everything but what the settings give: #allow, #deny, #isReadOnly, #nameOf. */
  persist(fields: StateFields): void {
    this.#known = fields.array(this.#known);
  }

  #isDenied(name: string): boolean {
    const characters = [...name];
    const fits = (pattern: readonly string[]): boolean => matches(pattern, characters);
    return this.#deny.some(fits) || !this.#allow.some(fits);
  }

  #row(segment: number): number {
    if (segment >= this.#known.length) this.#known = grownTable(this.#known, segment);
    return segment;
  }
}

/**
 * Whether the whole of `name` fits the pattern, both as characters. Only the last star is ever gone back to, since whatever an earlier one
 * could take the last one can: O(name x pattern) at worst, where an expression with as many stars takes exponential time.
 */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resumeAt = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resumeAt = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

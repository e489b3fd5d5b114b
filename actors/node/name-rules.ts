/** Which names somebody may speak for: some by themselves, or all that begin alike. */

import { z } from 'zod';

/** Null = any name. */
export type NameRules = readonly string[] | null;

/** A list of names; one that ends with `*` stands for all that begin so. */
export const nameRules = z
  .array(
    z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^*]*\*?$/, 'expected a name, or a beginning and one *'),
  )
  .max(1000);

/** What the log's own producers begin with: nobody outside may speak as one of them, or it could make their batches look repeated. */
const OWN_PRODUCERS = /^(source|tail|redrive):/;

export function isOwnProducer(producer: string): boolean {
  return OWN_PRODUCERS.test(producer);
}

export function allowsName(rules: NameRules, name: string): boolean {
  if (rules === null) return true;
  return rules.some((rule) => (rule.endsWith('*') ? name.startsWith(rule.slice(0, -1)) : name === rule));
}

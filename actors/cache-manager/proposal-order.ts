/** The order in which a site considers the proposals of one access. */

import type { ProposalBuffer } from '../prefetcher.ts';

/** Sorts by descending probability; those without one keep their order, last. Insertion sort: the lists are short. */
export function sortByProbability(p: ProposalBuffer): void {
  for (let i = 1; i < p.count; i++) {
    const segment = p.segment[i]!;
    const sizeBytes = p.sizeBytes[i]!;
    const probability = p.probability[i]!;
    const expert = p.expert[i]!;
    let j = i;
    while (j > 0 && probability > p.probability[j - 1]!) {
      p.segment[j] = p.segment[j - 1]!;
      p.sizeBytes[j] = p.sizeBytes[j - 1]!;
      p.probability[j] = p.probability[j - 1]!;
      p.expert[j] = p.expert[j - 1]!;
      j--;
    }
    p.segment[j] = segment;
    p.sizeBytes[j] = sizeBytes;
    p.probability[j] = probability;
    p.expert[j] = expert;
  }
}

/** Pearson's test that counts come from a distribution. */

/**
 * The standard score of Pearson's statistic by Wilson and Hilferty's cube root (1931): about normal when the counts come from the
 * probabilities, so above 4 in about 3 of 100,000 seeds. Neighbouring cells are pooled until each expects at least `expectedMin`.
 */
export function chiSquareScore(counts: readonly number[], probabilities: readonly number[], expectedMin = 10): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const mass = probabilities.reduce((sum, p) => sum + p, 0);
  let statistic = 0;
  let cells = 0;
  let observed = 0;
  let expected = 0;
  let rest = total;
  const close = (): void => {
    statistic += (observed - expected) ** 2 / expected;
    cells++;
    observed = 0;
    expected = 0;
  };
  for (let i = 0; i < counts.length; i++) {
    const share = (probabilities[i]! / mass) * total;
    observed += counts[i]!;
    expected += share;
    rest -= share;
    if (expected >= expectedMin && rest >= expectedMin) close();
  }
  if (expected > 0) close();
  const freedom = cells - 1;
  const cube = 2 / (9 * freedom);
  return (Math.cbrt(statistic / freedom) - (1 - cube)) / Math.sqrt(cube);
}

/** Standard score of a count of Poisson events against its mean. */
export function poissonScore(count: number, mean: number): number {
  return (count - mean) / Math.sqrt(mean);
}

/** The order in which actors stop: users before what they use, and otherwise the latest started first. */

/** One actor in the order of starting. */
export interface Dependent {
  readonly address: string;
  /** Addresses of the actors that must outlive it. Unknown ones are ignored. */
  readonly dependsOn: readonly string[];
}

/**
 * Kahn's topological sort, taking among those that nobody left uses the one that was started last. O(n^2), n in the tens.
 * A cycle has no such order; there the latest started goes first, so that a stop never hangs on a wiring mistake.
 */
export function shutdownOrder<D extends Dependent>(started: readonly D[]): D[] {
  const remaining = [...started];
  const order: D[] = [];
  while (remaining.length > 0) {
    const used = new Set(remaining.flatMap((actor) => actor.dependsOn.filter((address) => address !== actor.address)));
    let index = remaining.findLastIndex((actor) => !used.has(actor.address));
    if (index < 0) index = remaining.length - 1;
    order.push(...remaining.splice(index, 1));
  }
  return order;
}

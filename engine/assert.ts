/** Assertions that stay on in production: a broken invariant is a programmer's fault and never an operating condition. */

/** Thrown by {@link assert}. Nothing in the product catches it to carry on. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * States an invariant.
 * @throws InvariantError when `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Marks a branch that the types rule out, so that a new variant fails to compile instead of falling through. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable variant: ${JSON.stringify(value)}`);
}

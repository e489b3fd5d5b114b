/** Where a node writes what happens; pino's shape. */

/** Never given a secret. */
export interface NodeLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

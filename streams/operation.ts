/** What an access did to its segment, as one byte in a batch. */

/** Byte codes of the `op` column. Stable: they are written to files. */
export const Operation = { read: 0, write: 1, delete: 2, other: 3 } as const;
export type OperationName = keyof typeof Operation;
export type OperationCode = (typeof Operation)[OperationName];

/** Names in code order. */
export const operationNames: readonly OperationName[] = ['read', 'write', 'delete', 'other'];

/** Whether an access changed its segment. */
export function isWrite(op: number): boolean {
  return op === Operation.write || op === Operation.delete;
}

/** Growing a table where it lies. */

/** The table so many words long at the same place, what is new being 0; null = there is no room behind it. */
export type ExtendTable = (table: Int32Array, length: number) => Int32Array | null;

/** For tables that lie by themselves. */
export const nowhere: ExtendTable = () => null;

/** DuckDB with one thread, the yardstick of parsing and aggregation. */

import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { AnteroomError } from '../../engine/errors.ts';

export interface DuckDb {
  readonly version: string;
  readonly connection: DuckDBConnection;
  /** Runs a query with named parameters; the rows of its result. */
  rows(sql: string, parameters?: Record<string, DuckDBValue>): Promise<DuckDBValue[][]>;
  close(): void;
}

/**
 * Opens an in-memory database that works with one thread, like one process of ours.
 * @throws AnteroomError('missing-library') where the package is not installed.
 */
export async function openDuckDb(): Promise<DuckDb> {
  let library: typeof import('@duckdb/node-api');
  try {
    library = await import('@duckdb/node-api');
  } catch (cause) {
    throw new AnteroomError('missing-library', '@duckdb/node-api is not installed: npm install', { cause });
  }
  const instance = await library.DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  // Times are compared as UTC, and no order is asked for that a stream would not need.
  await connection.run(`SET TimeZone = 'UTC'; SET preserve_insertion_order = false`);
  return {
    version: library.version(),
    connection,
    rows: async (sql, parameters) => (await connection.runAndReadAll(sql, parameters)).getRows(),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** What a node takes in: names only, so that settings can be read without loading a reader. */

/**
 * Formats that strangers may post: text by lines, and Arrow after it was verified. Readers of binary traces and Parquet believe the
 * lengths that a file states, which is right for one's own files only; `anteroom replay` reads those.
 */
export const postFormats: readonly string[] = [
  'ndjson',
  'csv',
  'tsv',
  'clf',
  's3-access-log',
  'cloudfront',
  'arrow-ipc',
];

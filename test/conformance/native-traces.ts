/** The real traces that stand beside the project where they are present, decompressed. */

import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';

const root = new URL('../../../shared/traces/', import.meta.url);

export const hasTraces = existsSync(root);
/** For titles: what is skipped, and why. */
export const whySkipped = hasTraces ? '' : ' (skipped: ../shared/traces is absent)';

/** The content of a trace file, by its name below the folder of traces. */
export function traceBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(readFileSync(new URL(name, root)));
  if (name.endsWith('.gz')) return new Uint8Array(gunzipSync(bytes));
  return name.endsWith('.zst') ? decompress(bytes) : bytes;
}

/** Columns of a `t_ms,client,object,size,op,weight` trace. */
export interface DerivedTrace {
  readonly timeMs: readonly number[];
  readonly client: readonly string[];
  readonly object: readonly string[];
  readonly size: readonly number[];
  readonly op: readonly string[];
}

export function derivedTrace(name: string): DerivedTrace {
  const lines = new TextDecoder().decode(traceBytes(name)).trimEnd().split('\n').slice(1);
  const fields = lines.map((line) => line.split(','));
  return {
    timeMs: fields.map((field) => Number(field[0])),
    client: fields.map((field) => field[1]!),
    object: fields.map((field) => field[2]!),
    size: fields.map((field) => Number(field[3])),
    op: fields.map((field) => field[4]!),
  };
}

/** Names as numbers by first appearance, so that two numberings of the same things compare equal. */
export function byFirstAppearance(names: readonly (string | number)[]): number[] {
  const ids = new Map<string | number, number>();
  return names.map((name) => {
    const id = ids.get(name) ?? ids.size;
    ids.set(name, id);
    return id;
  });
}

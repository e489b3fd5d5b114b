/** The tables of names of an engine, its own or shared with a source. */

import { AnteroomError } from '../../engine/errors.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { Interner } from '../../streams/interner.ts';
import type { NameInterner } from '../../streams/name-table.ts';

/** Tables of the caller's; those that are absent are the engine's own. */
export interface SharedNames {
  readonly segments?: NameInterner;
  readonly consumers?: NameInterner;
  readonly sites?: NameInterner;
}

/** Names of segments, consumers and sites as dense ids, in order of first appearance. Nothing is ever forgotten. */
export class EngineNames {
  readonly segments: NameInterner;
  readonly consumers: NameInterner;
  readonly sites: NameInterner;

  constructor(limits: { readonly segmentsMax: number; readonly consumersMax: number }, shared: SharedNames = {}) {
    this.segments = shared.segments ?? new Interner({ countMax: limits.segmentsMax });
    this.consumers = shared.consumers ?? new Interner({ countMax: limits.consumersMax });
    this.sites = shared.sites ?? new Interner({ countMax: limits.consumersMax });
  }

  /** The name of a segment; of an id that no name was given to, `#id`. */
  nameOf(segment: number): string {
    return segment < this.segments.count ? this.segments.nameOf(segment) : `#${segment}`;
  }

  /** The id of a segment's name, or -1; an id is itself. */
  idOf(segment: string | number): number {
    return typeof segment === 'number' ? segment : this.segments.idOf(segment);
  }

  /**
   * All names, to save them or to give them the ids that they had: at once where a table of our own is empty, else one by one.
   * @throws AnteroomError 'bad-usage' where a table knows other names already, 'limit' where it may not hold as many.
   */
  persist(fields: StateFields): void {
    fields.section('names');
    for (const table of this.#tables) {
      if (table instanceof Interner && (!fields.isRestoring || table.count === 0)) table.persist(fields);
      else if (fields.isRestoring) restoreInto(table, fields);
      else copyOf(table).persist(fields);
    }
  }

  get #tables(): readonly NameInterner[] {
    return [this.segments, this.consumers, this.sites];
  }
}

function copyOf(table: NameInterner): Interner {
  const copy = new Interner({ countHint: table.count });
  for (let id = 0; id < table.count; id++) copy.internName(table.nameOf(id));
  return copy;
}

function restoreInto(table: NameInterner, fields: StateFields): void {
  const saved = new Interner();
  saved.persist(fields);
  for (let id = 0; id < saved.count; id++) {
    const bytes = saved.bytesOf(id);
    if (table.internBytes(bytes, 0, bytes.length) !== id)
      throw new AnteroomError('bad-usage', 'a snapshot is restored into its own or into empty tables of names');
  }
}

/** The tables of names of an engine, its own or shared with a source. */

import { AnteroomError } from '../../engine/errors.ts';
import { Interner } from '../../streams/interner.ts';
import type { NameInterner } from '../../streams/name-table.ts';
import { type PackedNames, packNames, unpackNames } from './packed-names.ts';

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

  /** All names of segments, consumers and sites. */
  pack(): readonly PackedNames[] {
    return this.#tables.map(packNames);
  }

  /**
   * Gives names the ids that they had.
   * @throws AnteroomError 'bad-usage' where a table knows other names already.
   */
  restore(packed: readonly PackedNames[]): void {
    for (const [i, table] of this.#tables.entries()) {
      if (unpackNames(packed[i]!, table)) continue;
      throw new AnteroomError('bad-usage', 'a snapshot is restored into its own or into empty tables of names');
    }
  }

  get #tables(): readonly NameInterner[] {
    return [this.segments, this.consumers, this.sites];
  }
}

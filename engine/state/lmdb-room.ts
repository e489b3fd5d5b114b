/** Whether a commit of an LMDB environment will find room, asked before LMDB is. */

import type { Database, Key, RootDatabase } from 'lmdb';
import { AnteroomError } from '../errors.ts';
import { freeBytes } from '../host/folder.ts';

const PAGE_BYTES = 4096;
/** Longer values have pages of their own, whole ones. */
const INLINE_BYTES = 2000;
/** Pages of the trees and of the free list that a commit writes anew, several times what was seen. */
const TREE_PAGES = 64;

/** How many times the longest value must be there within the file, so that there are pages in a row for it. */
const IN_A_ROW = 8;

/** Promised to commits that are under way, in all environments of this process: they mostly lie on one disk. */
let promisedBytes = 0;

/**
 * LMDB 3.5.6 describes a write that the disk refuses in a buffer of 100 bytes, which the words outgrow: the process then ends by a
 * signal, now or later. So no commit is begun that the disk has no room for: neither free on the disk nor, by LMDB's own count of
 * pages, within the file, as there is when something was removed. Costs one question to the file system. Who fills the disk between
 * the question and the write can still bring it about, and so can a quota that the file system does not tell of.
 */
export class LmdbRoom {
  readonly #what: string;
  readonly #path: string;
  readonly #environment: RootDatabase<Uint8Array, Key>;
  readonly #databases: readonly Pick<Database, 'getStats'>[];
  /** Of the last commit that only removed: LMDB uses what it freed from the next but one on. */
  #beforeRemoval = { spareBytes: 0, transaction: -1 };

  /** `databases`: all that the environment has. `what`: what lies there, for errors. */
  constructor(
    what: string,
    path: string,
    environment: RootDatabase<Uint8Array, Key>,
    databases: readonly Pick<Database, 'getStats'>[],
  ) {
    this.#what = what;
    this.#path = path;
    this.#environment = environment;
    this.#databases = databases;
  }

  /**
   * Takes room for a commit of values of these lengths; what it returns gives the room back, when the commit has ended.
   * @throws AnteroomError 'disk-full'; 'io' where the folder is gone.
   */
  take(step: string, valueBytes: readonly number[]): () => void {
    const pages = valueBytes.reduce((sum, length) => sum + pagesOf(length), TREE_PAGES);
    const bytes = Math.ceil(pages) * PAGE_BYTES;
    const free = freeBytes(this.#path);
    if (valueBytes.every((length) => length === 0)) this.#beforeRemoval = this.#spare();
    // Several times within the file: a value wants pages in a row.
    const withinFile = Math.max(2 * bytes, IN_A_ROW * Math.max(0, ...valueBytes));
    if (free !== null && free - promisedBytes < bytes && this.#usableBytes() < withinFile)
      throw new AnteroomError(
        'disk-full',
        `${this.#what}: ${step} needs ${bytes} bytes, ${Math.max(0, free - promisedBytes)} are free on its disk`,
        { context: { what: this.#what, step, reason: 'no room' }, isRetryable: true },
      );
    promisedBytes += bytes;
    return () => {
      promisedBytes -= bytes;
    };
  }

  #usableBytes(): number {
    const { spareBytes, transaction } = this.#spare();
    const isJustRemoved = transaction === this.#beforeRemoval.transaction + 1;
    return isJustRemoved ? Math.min(spareBytes, this.#beforeRemoval.spareBytes) : spareBytes;
  }

  /** Bytes of pages within the file that hold nothing, after which transaction. */
  #spare(): { readonly spareBytes: number; readonly transaction: number } {
    // What another thread has committed since the last read here; and nobody is kept from using pages by this look at them.
    this.#environment.resetReadTxn();
    const { lastPageNumber, lastTxnId, free, root } = this.#environment.getStats() as EnvironmentStats;
    const trees = [free, root, ...this.#databases.map((database) => database.getStats() as TreeStats)];
    this.#environment.resetReadTxn();
    const used = trees.reduce(
      (sum, tree) => sum + tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages,
      META_PAGES,
    );
    return { spareBytes: Math.max(0, lastPageNumber + 1 - used) * PAGE_BYTES, transaction: lastTxnId };
  }
}

const META_PAGES = 2;

interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface EnvironmentStats extends TreeStats {
  readonly lastPageNumber: number;
  readonly lastTxnId: number;
  readonly free: TreeStats;
  readonly root: TreeStats;
}

/** A removed value has none; a short one shares pages with its neighbours, at worst one to a page. */
function pagesOf(valueBytes: number): number {
  if (valueBytes === 0) return 0;
  return valueBytes > INLINE_BYTES ? Math.ceil((valueBytes + 16) / PAGE_BYTES) : valueBytes / INLINE_BYTES;
}

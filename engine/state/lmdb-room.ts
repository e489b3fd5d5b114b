/** Whether a commit of an LMDB environment will find room, asked before LMDB is. */

import type { Database, Key, RootDatabase } from 'lmdb';
import { AnteroomError } from '../errors.ts';
import { freeBytes } from '../host/folder.ts';

const PAGE_BYTES = 4096;
/** Longer values have pages of their own, whole ones. */
const INLINE_BYTES = 2000;
/** Pages of the trees that a commit writes anew, several times what was seen. */
const TREE_PAGES = 64;
/** What makes the environment grow leaves so much free for what makes room in it. */
const REMOVAL_PAGES = 64;
/** The list of free pages has 8 bytes for each, and may be written anew as a whole. */
const BYTES_PER_LISTED = PAGE_BYTES / 8;
/** From so little beyond a commit's own need on, the environment's pages are looked at before each. */
const NEAR_FULL_BYTES = 64 * 2 ** 20;

/** How many times the longest value must be there within the file, so that there are pages in a row for it. */
const IN_A_ROW = 8;

/** Promised to commits that are under way, in all environments of this process: they mostly lie on one disk. */
let promisedBytes = 0;

/**
 * LMDB 3.5.6 describes a write that the disk refuses in a buffer of 100 bytes, which the words outgrow: the process then ends by a
 * signal, now or later. So no commit of a store is begun that, by an estimate, the disk has no room for: neither free on the disk nor,
 * by LMDB's own count of pages, within the file, as there is when something was removed. Costs one question to the file system, and
 * near a full disk one to LMDB. Not kept from it: making an environment and its databases, who fills the disk between the question and
 * the write, a quota that the file system does not tell of, pages within the file too scattered for a long value, pages that a reader
 * elsewhere holds, and the first commit after the opening where the process before ended on a removal.
 */
export class LmdbRoom {
  readonly #what: string;
  readonly #path: string;
  readonly #environment: RootDatabase<Uint8Array, Key>;
  readonly #databases: readonly Pick<Database, 'getStats'>[];
  /** After the last two transactions that were looked at: LMDB uses what one freed from the next but one on. */
  #seen: readonly Spare[] = [];

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
   * Takes room for a commit of values of these lengths that removes or replaces `freedBytes`; what it returns gives the room back, when
   * the commit has ended.
   * @throws AnteroomError 'disk-full'; 'io' where the folder is gone.
   */
  take(step: string, valueBytes: readonly number[], freedBytes = 0): () => void {
    const isGrowth = valueBytes.reduce((sum, length) => sum + length, 0) > freedBytes;
    const treePages = TREE_PAGES + (isGrowth ? REMOVAL_PAGES : 0);
    const pages = valueBytes.reduce((sum, length) => sum + pagesOf(length), treePages);
    let listBytes = Math.ceil(freedBytes / BYTES_PER_LISTED);
    let bytes = Math.ceil(pages + listBytes / PAGE_BYTES) * PAGE_BYTES;
    const free = freeBytes(this.#path);
    let usableBytes = Number.POSITIVE_INFINITY;
    if (freedBytes > 0 || (free !== null && free - promisedBytes < bytes + NEAR_FULL_BYTES)) {
      usableBytes = this.#usableBytes();
      listBytes += Math.ceil(usableBytes / BYTES_PER_LISTED);
      bytes = Math.ceil(pages + listBytes / PAGE_BYTES) * PAGE_BYTES;
    }
    // Several times within the file: a value, and the list, want pages in a row.
    const withinFile = Math.max(2 * bytes, IN_A_ROW * Math.max(listBytes, ...valueBytes));
    if (free !== null && free - promisedBytes < bytes && usableBytes < withinFile)
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
    const now = this.#spare();
    const { spareBytes, transaction } = now;
    // A commit that was refused, or wrote nothing, is no transaction.
    const others = this.#seen.filter((seen) => seen.transaction !== transaction);
    this.#seen = [...others.slice(-1), now];
    const before = others.find((seen) => seen.transaction === transaction - 1);
    return Math.min(spareBytes, before?.spareBytes ?? spareBytes);
  }

  #spare(): Spare {
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

export function isDiskFull(error: unknown): boolean {
  return error instanceof AnteroomError && error.code === 'disk-full';
}

const META_PAGES = 2;

/** Bytes of pages within the file that hold nothing, after which transaction. */
interface Spare {
  readonly spareBytes: number;
  readonly transaction: number;
}

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

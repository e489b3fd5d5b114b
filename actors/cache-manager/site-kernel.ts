/** A site's tables side by side in the memory of a kernel, and its books, which it has for a stretch of rows at a time. */

import { compiledOnce, compileWasm, type WasmFunction, type WasmInstance } from '../../streams/sources/wasm-module.ts';
import { type Place, placeIn } from '../kernel-columns.ts';
import { quietCallKinds } from '../quiet-calls.ts';
import { lookCode } from './bounds-code.ts';
import { considerCode } from './consider-code.ts';
import type { DemandDesk } from './demand-desk.ts';
import { LruEviction } from './evictions/lru.ts';
import { LIST_OF } from './ghost.ts';
import type { Landings } from './landings.ts';
import { BUCKETS } from './latency-histogram.ts';
import { missClassNames } from './miss-classes.ts';
import { quietCode } from './quiet-code.ts';
import { rowCode } from './row-code.ts';
import { settleCode } from './settle-code.ts';
import { admitCode, evictCode, knowCode, type SiteFunction, siteFunctions, wasteCode, word } from './site-code.ts';
import {
  ENDS_MAX,
  NUMBERS_MAX,
  SETTLED_MAX,
  type SiteBooks,
  type SiteLayout,
  SiteNumber,
  type SiteRoom,
  SiteWord,
  siteLayout,
  WORDS_AT,
  WORDS_MAX,
} from './site-layout.ts';
import type { SiteSpace } from './site-space.ts';
import type { SiteState } from './site-state.ts';
import type { TrafficGuard } from './traffic-guard.ts';

/** How many segments more there is room for: what is not written takes no memory, and a new kernel must be compiled. */
const ROOM = 2;

type Kernel = WasmInstance<SiteFunction>;

/** Modules by the layout: what was compiled once is compiled for all. */
const starters = new Map<string, (() => Kernel | null) | null>();

/** What of a site a kernel can do: what is kept where all segments are of one unit, in an LRU, and fetches take so many accesses. */
interface KernelParts {
  readonly state: SiteState;
  readonly guard: TrafficGuard;
  readonly reactive: LruEviction;
  readonly fetchTime: number;
}

/**
 * The tables go on in this memory, so whoever reads or changes one of them, plain code or the kernel, finds what the other left. Single numbers
 * are lent to the kernel (`enter`) and taken back (`leave`); between the two nobody may ask the parts about them.
 * What grows moves out by itself and is taken back as long as there is room; else all is to be laid out anew.
 */
export class SiteKernel {
  readonly run: Kernel['run'];
  readonly books: SiteBooks;
  readonly ends: Int32Array;
  /** As `quiet` leaves them. */
  readonly settled: Int32Array;
  readonly missed: Int32Array;
  /** The rows that the ghosts have had, and one more segment. */
  readonly rowSegments: Int32Array;
  readonly rowConsumers: Int32Array;
  readonly borrow: Kernel['borrow'];
  readonly #parts: KernelParts;
  readonly #space: SiteSpace;
  readonly #landings: Landings;
  readonly #demands: DemandDesk;
  readonly #layout: SiteLayout;
  readonly #memory: ArrayBuffer;
  readonly #place: Place;
  /** Lengths of the tables that grow, added up, when they were last taken back. */
  #laid = -1;

  private constructor(
    parts: KernelParts,
    space: SiteSpace,
    landings: Landings,
    demands: DemandDesk,
    layout: SiteLayout,
    kernel: Kernel,
  ) {
    this.#parts = parts;
    this.#space = space;
    this.#landings = landings;
    this.#demands = demands;
    this.#layout = layout;
    this.#memory = kernel.memory;
    this.#place = placeIn(kernel.memory);
    this.run = kernel.run;
    this.books = {
      numbers: new Float64Array(this.#memory, 0, NUMBERS_MAX),
      words: new Int32Array(this.#memory, WORDS_AT, WORDS_MAX),
    };
    this.ends = new Int32Array(this.#memory, layout.at.ends, 2 * ENDS_MAX);
    this.settled = new Int32Array(this.#memory, layout.at.settled, 4 * SETTLED_MAX);
    this.missed = new Int32Array(this.#memory, layout.at.missed, missClassNames.length);
    const { rowsAhead } = layout.room;
    this.rowSegments = new Int32Array(this.#memory, layout.at.rowSegments, rowsAhead + 1);
    this.rowConsumers = new Int32Array(this.#memory, layout.at.rowConsumers, rowsAhead);
    this.borrow = kernel.borrow;
    this.#place(LIST_OF, layout.at.listOfKnown);
    const { state, guard, fetchTime } = parts;
    const { numbers, words } = this.books;
    numbers[SiteNumber.fetchTime] = fetchTime;
    words[SiteWord.capacity] = state.capacity;
    words[SiteWord.isMissBounded] = state.missBound.isBounded ? 1 : 0;
    words[SiteWord.isTrusting] = state.expertTrust === null ? 0 : 1;
    words[SiteWord.isHolding] = state.holdout === null ? 0 : 1;
    guard.baseline.adopt(this.#place, layout.at, layout.room.rowsAhead);
    state.ledger.adopt(this.#place, layout.at);
    landings.adopt(this.#place);
    state.expertTrust?.adopt(this.#place, layout.at);
  }

  /** Lays the tables out; null where the site is of another kind, or there is no WebAssembly, or no memory. */
  static layOut(
    state: SiteState,
    space: SiteSpace,
    landings: Landings,
    demands: DemandDesk,
    rowsAhead: number,
  ): SiteKernel | null {
    const parts = partsOf(state);
    if (parts === null) return null;
    for (const roomy of [ROOM, 1]) {
      const layout = siteLayout(roomOf(parts, rowsAhead, roomy));
      const kernel = started(layout);
      if (kernel === null) continue;
      const laid = new SiteKernel(parts, space, landings, demands, layout, kernel);
      if (laid.#takeBackTables()) return laid;
    }
    return null;
  }

  /** Whether a site may ever have one. */
  static suits(state: SiteState): boolean {
    return partsOf(state) !== null;
  }

  /** Whether the tables are where the kernel has them; false = there is no room for them any more. */
  get isLaidOut(): boolean {
    return this.#lengths() === this.#laid || this.#takeBackTables();
  }

  /** Lends the books. Only where {@link isLaidOut}. */
  enter(): void {
    const { books } = this;
    const { state, guard, reactive } = this.#parts;
    const { numbers, words } = books;
    guard.lend(books);
    reactive.lend(books);
    state.staging.lend(books);
    state.flights.lend(books);
    state.share.lend(books);
    state.ledger.lend(books);
    state.holdout?.lend(books);
    state.expertTrust?.lend(books);
    words[SiteWord.leadCount] = this.#landings.leadCount;
    numbers[SiteNumber.residence] = this.#space.unusedResidence;
    numbers[SiteNumber.pollution] = this.#demands.pollutionCount;
  }

  /** Takes the books back. */
  leave(): void {
    const { books } = this;
    const { state, guard, reactive } = this.#parts;
    const { numbers, words } = books;
    guard.takeBack(books);
    reactive.takeBack(books);
    state.staging.takeBack(books);
    state.flights.takeBack(books);
    state.share.takeBack(books);
    state.ledger.takeBack(books);
    state.holdout?.takeBack(books);
    this.#landings.leadCount = words[SiteWord.leadCount]!;
    this.#space.unusedResidence = numbers[SiteNumber.residence]!;
    this.#demands.pollutionCount = numbers[SiteNumber.pollution]!;
  }

  #lengths(): number {
    const { state, guard, reactive } = this.#parts;
    const { table, classes, staging, share, flights, holdout } = state;
    return (
      table.limit +
      classes.segmentLimit +
      staging.segmentLimit +
      share.wastedLimit +
      share.evictedLimit +
      flights.segmentLimit +
      flights.ringLength +
      (holdout?.segmentLimit ?? 0) +
      guard.baseline.rowCount +
      reactive.segmentLimit
    );
  }

  #takeBackTables(): boolean {
    const { state, guard, reactive } = this.#parts;
    const { table, classes, staging, share, flights, holdout } = state;
    const { at, room } = this.#layout;
    if (segmentsOf(this.#parts) > room.segments || flights.ringLength > room.ringLength) return false;
    const place = this.#place;
    for (const part of [table, classes, staging, share, flights, holdout, reactive]) part?.adopt(place, at);
    guard.baseline.adopt(place, at, room.rowsAhead);
    const { words } = this.books;
    const demandLimit = Math.min(
      table.limit,
      classes.segmentLimit,
      guard.baseline.segmentLimit,
      reactive.segmentLimit,
      share.evictedLimit,
    );
    words[SiteWord.demandLimit] = demandLimit;
    words[SiteWord.prefetchLimit] = Math.min(
      demandLimit,
      staging.segmentLimit,
      share.wastedLimit,
      flights.segmentLimit,
    );
    words[SiteWord.ringMask] = flights.ringLength - 1;
    this.#laid = this.#lengths();
    return true;
  }
}

/** What there is to be done by a kernel; null where too much of it is of another kind. */
function partsOf(state: SiteState): KernelParts | null {
  const { whole, reactive, origin, budget, missBound } = state;
  const { accessesPerFetch } = origin;
  const isOwn = whole !== null && reactive instanceof LruEviction && !whole.hasTwoGhosts;
  const isPlain = !state.isBytes && !state.isTimed && !state.isShared && state.admission === null;
  const isQuiet = state.benefit === null && state.onDecision === null && origin.isAnswered !== true;
  if (!isOwn || !isPlain || !isQuiet || !(budget.isBounded || missBound.isBounded)) return null;
  if (accessesPerFetch === undefined || !(accessesPerFetch >= 1) || state.stagingMax < 1) return null;
  if (!(state.capacity < 2 ** 31)) return null;
  return { state, guard: whole, reactive, fetchTime: accessesPerFetch };
}

/** Segments that any table has a row for. */
function segmentsOf({ state, guard, reactive }: KernelParts): number {
  const { table, classes, staging, share, flights, holdout } = state;
  return Math.max(
    table.limit,
    classes.segmentLimit,
    staging.segmentLimit,
    share.wastedLimit,
    share.evictedLimit,
    flights.segmentLimit,
    holdout?.segmentLimit ?? 0,
    guard.baseline.longest,
    reactive.segmentLimit,
  );
}

function roomOf(parts: KernelParts, rowsAhead: number, roomy: number): SiteRoom {
  const { ledger, flights } = parts.state;
  return {
    segments: roomy * 2 ** Math.ceil(Math.log2(segmentsOf(parts))),
    rowsAhead,
    ringLength: 4 * roomy * flights.ringLength,
    histogramBuckets: BUCKETS,
    outcomes: ledger.outcomes.length,
    refusals: ledger.refusals.length,
    calibrationBins: ledger.calibration.binCount,
  };
}

function started({ at, bytes, room }: SiteLayout): Kernel | null {
  const capacity = word(SiteWord.capacity);
  const codes: Readonly<Record<SiteFunction, () => WasmFunction>> = {
    know: () => knowCode(at),
    settle: () => settleCode(at, room.calibrationBins),
    waste: () => wasteCode(at, capacity),
    evict: () => evictCode(at),
    admit: () => admitCode(at),
    look: () => lookCode(at),
    row: () => rowCode(at),
    consider: () => considerCode(at),
    quiet: () => quietCode(at),
  };
  const compile = () => {
    const functions = Object.fromEntries(siteFunctions.map((name) => [name, codes[name]()]));
    const pageCount = Math.ceil(bytes / 65_536);
    const borrowed = Object.values(quietCallKinds);
    return compileWasm<SiteFunction>(functions as Record<SiteFunction, WasmFunction>, pageCount, borrowed);
  };
  return compiledOnce(starters, JSON.stringify(room), compile)?.() ?? null;
}

/** Rows of a batch that a kernel serves, with plain code for all that is unusual. */

import type { AccessBatch } from '../../streams/access-batch.ts';
import {
  type OutcomeCode,
  Outcome as outcomes,
  type Prefetcher,
  ProposalBuffer,
  RowCursor,
  Served as servedCodes,
} from '../prefetcher.ts';
import { EVICTED as evicted, type QuietCalls, quietCallNames } from '../quiet-calls.ts';
import { ConsiderAnswer } from './consider-code.ts';
import type { DemandDesk } from './demand-desk.ts';
import type { IssueDesk } from './issue-desk.ts';
import type { Landings } from './landings.ts';
import { Refusal } from './ledger.ts';
import { Row as columns, ROW_SHIFT as rowShift, Stage as stages } from './prefetch-table.ts';
import { sortByProbability } from './proposal-order.ts';
import { QuietEnd } from './quiet-code.ts';
import { RowAnswer } from './row-code.ts';
import type { Settlement } from './settlement.ts';
import { DELIVERED } from './site.ts';
import { SiteKernel } from './site-kernel.ts';
import { EASE_LEAST, SiteNumber, SiteWord } from './site-layout.ts';
import type { SiteSpace } from './site-space.ts';
import type { SiteState } from './site-state.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Served = servedCodes;
const Stage = stages;
const Row = columns;
const ROW_SHIFT = rowShift;
const EVICTED = evicted;
const { ease: EASE, share: SHARE, fetchTime: FETCH_TIME } = SiteNumber;
const { endCount: END_COUNT, endsTold: ENDS_TOLD, settledCount: SETTLED_COUNT, fetchedCount: FETCHED_COUNT } = SiteWord;
const { quietEnd: QUIET_END, quietAnswer: QUIET_ANSWER, isSound: IS_SOUND } = SiteWord;
const { quietChosen: QUIET_CHOSEN, quietNext: QUIET_NEXT, quietSent: QUIET_SENT } = SiteWord;
const { served: SERVED, baselineHit: BASELINE_HIT, more: MORE, held: HELD } = RowAnswer;
const SENT = ConsiderAnswer.sent;

/** Rows that plain code serves where the kernel may not, before that is looked at again. */
const PLAIN_ROWS = 16;
/** What is kept of a log position as a word. */
const POSITION_MAX = 2 ** 31;

/**
 * The kernel does what most rows need; who watches is told of it before the access goes to the prefetcher, in the same order. What it leaves, plain code takes
 * up where it stopped: decisions, counters and what is saved do not depend on who served.
 */
export class KernelRows {
  readonly #state: SiteState;
  readonly #space: SiteSpace;
  readonly #landings: Landings;
  readonly #settlement: Settlement;
  readonly #desk: IssueDesk;
  readonly #demands: DemandDesk;
  readonly #rowsAhead: number;
  readonly #serveRow: (batch: AccessBatch, row: number) => void;
  readonly #proposals = new ProposalBuffer();
  readonly #cursor = new RowCursor();
  #prefetcher!: Prefetcher;
  #kernel: SiteKernel | null = null;
  /** The kernel's, here because they are called for each access. */
  #runRow!: SiteKernel['run']['row'];
  #runConsider!: SiteKernel['run']['consider'];
  /** Who weighs for the kernel. */
  #borrowed: QuietCalls | null = null;
  /** The rows being served, and whether the kernel has their columns. */
  #batch: AccessBatch | null = null;
  #from = 0;
  #to = 0;
  #areRowsThere = false;
  /** Whether the kernel has the books. */
  #isIn = false;
  /** Of the row being served: the state learns it where somebody may ask. */
  #position = 0;
  #untilTry = 0;
  /** Rows that the kernel served since the last `takeServed`. */
  #served = 0;

  /** `serveRow` is the plain code. */
  constructor(options: {
    readonly state: SiteState;
    readonly space: SiteSpace;
    readonly landings: Landings;
    readonly settlement: Settlement;
    readonly desk: IssueDesk;
    readonly demands: DemandDesk;
    readonly rowsAhead: number;
    readonly serveRow: (batch: AccessBatch, row: number) => void;
  }) {
    this.#state = options.state;
    this.#space = options.space;
    this.#landings = options.landings;
    this.#settlement = options.settlement;
    this.#desk = options.desk;
    this.#demands = options.demands;
    this.#rowsAhead = options.rowsAhead;
    this.#serveRow = options.serveRow;
  }

  /** As of the site. */
  get trafficHeadroom(): number {
    const state = this.#state;
    return this.#isIn ? state.whole!.headroomIn(this.#kernel!.books) : state.trafficHeadroom;
  }

  /** Lays the tables out for a kernel; false = there is none to be had. */
  layOut(): boolean {
    this.#kernel = SiteKernel.layOut(this.#state, this.#space, this.#landings, this.#demands, this.#rowsAhead);
    this.#prefetcher = this.#state.prefetcher;
    if (this.#kernel === null) return false;
    ({ row: this.#runRow, consider: this.#runConsider } = this.#kernel.run);
    this.#borrowed = null;
    this.#areRowsThere = false;
    return true;
  }

  /** Rows that the kernel served since the last call. */
  takeServed(): number {
    const served = this.#served;
    this.#served = 0;
    return served;
  }

  /** Serves rows [from, to), which the ghosts have had. False = there is no kernel any more; all are served nevertheless. */
  serve(batch: AccessBatch, from: number, to: number): boolean {
    const { ledger } = this.#state;
    this.#batch = batch;
    this.#from = from;
    this.#to = to;
    this.#areRowsThere = false;
    try {
      for (let i = from; i < to; ) {
        if (batch.position + i < ledger.turnsAt && (this.#isIn || this.#enter(batch.position + i))) {
          const next = this.#runQuiet(batch, i, Math.min(to, ledger.turnsAt - batch.position), from);
          if (next > i) {
            i = next;
            continue;
          }
          if (this.#row(batch, i, batch.position + i)) {
            i++;
            continue;
          }
        }
        this.#leave();
        this.#serveRow(batch, i);
        i++;
      }
    } finally {
      this.#leave();
      this.#batch = null;
    }
    return this.#kernel !== null;
  }

  #enter(position: number): boolean {
    if (this.#untilTry > 0) {
      this.#untilTry--;
      return false;
    }
    if (this.#kernel?.isLaidOut === false) this.layOut();
    if (this.#kernel === null) return false;
    const { flights, queue, ledger, sizes } = this.#state;
    const isPlain = flights.isInOrder && queue.count === 0 && ledger.isCounting && !sizes.isAny && !sizes.isGuessed;
    if (!isPlain || position >= POSITION_MAX) {
      this.#untilTry = PLAIN_ROWS;
      return false;
    }
    this.#kernel.enter();
    const { words, numbers } = this.#kernel.books;
    if (numbers[EASE]! < EASE_LEAST) this.#kernel.run.look();
    if (numbers[EASE]! < EASE_LEAST && words[IS_SOUND] === 0) {
      this.#kernel.leave();
      this.#untilTry = PLAIN_ROWS;
      return false;
    }
    this.#isIn = true;
    if (!this.#areRowsThere) this.#bringRows(this.#kernel);
    return true;
  }

  /** Gives the kernel the columns of the rows being served. */
  #bringRows({ rowSegments, rowConsumers }: SiteKernel): void {
    this.#areRowsThere = true;
    const { segment, consumer } = this.#batch!;
    const [from, to] = [this.#from, this.#to];
    rowSegments[to - from] = -1;
    rowSegments.set(segment.subarray(from, to + 1));
    rowConsumers.set(consumer.subarray(from, to));
  }

  /** Lets the kernel serve and weigh rows from `i` on by itself, before `last`, and does what it leaves of the one at which it ended; gives the first row that is not done. */
  #runQuiet(batch: AccessBatch, i: number, last: number, from: number): number {
    const prefetcher = this.#prefetcher;
    const quiet = prefetcher.quietRows?.() ?? null;
    if (quiet === null) return i;
    const kernel = this.#kernel!;
    if (quiet.calls !== this.#borrowed) {
      this.#borrowed = quiet.calls;
      kernel.borrow(quietCallNames.map((name) => quiet.calls[name]));
    }
    const end = Math.min(last, i + quiet.count) - from;
    const first = batch.position + i;
    const at = from + kernel.run.quiet(i - from, end, quiet.step, quiet.fourth, quiet.position | 0, first);
    const { words } = kernel.books;
    const why = words[QUIET_END]!;
    const isWeighed = why === QuietEnd.weighed;
    const weighed = at - i + (isWeighed ? 1 : 0);
    if (weighed > 0) prefetcher.onQuiet!(weighed, first + weighed - 1);
    const served = at - i + (why === QuietEnd.unserved ? 0 : 1);
    this.#served += served;
    if (served > 0) {
      this.#position = first + served - 1;
      this.#catchUp(kernel);
    }
    if (why === QuietEnd.unserved) return at;
    if (isWeighed) this.#considerRest(words, this.#position);
    else this.#goOn(kernel, batch, at, this.#position, words[QUIET_ANSWER]!);
    return at + 1;
  }

  /** Tells and counts what the kernel has left while it served rows by itself: nobody else has asked since. */
  #catchUp(kernel: SiteKernel): void {
    const { words, numbers } = kernel.books;
    const { ledger, fetches, onSettled } = this.#state;
    const { settled, missed } = kernel;
    const count = words[SETTLED_COUNT]!;
    words[SETTLED_COUNT] = 0;
    for (let at = 0; at < 4 * count; at += 4) {
      const segment = settled[at]!;
      const expert = settled[at + 1]!;
      const outcome = settled[at + 2]!;
      if (outcome !== Outcome.wasted) ledger.usedOf(settled[at + 3]!);
      onSettled?.(segment, expert, outcome);
      if (outcome === Outcome.late) onSettled?.(segment, expert, DELIVERED);
    }
    for (let missClass = 0; missClass < missed.length; missClass++) {
      const misses = missed[missClass]!;
      if (misses > 0) ledger.unavoided(missClass, misses);
      missed[missClass] = 0;
    }
    for (let i = words[FETCHED_COUNT]!; i > 0; i--) fetches.add(0, numbers[FETCH_TIME]!);
    words[FETCHED_COUNT] = 0;
  }

  /** Considers what the kernel chose and left. */
  #considerRest(words: Int32Array, position: number): void {
    const proposals = this.#proposals;
    proposals.count = 0;
    this.#prefetcher.proposeChosen!(words[QUIET_CHOSEN]!, proposals);
    const next = words[QUIET_NEXT]!;
    if (next === 0) this.#considerAll(proposals, position);
    else this.#considerFrom(proposals, next, words[QUIET_SENT]!, position);
  }

  #leave(): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    this.#kernel!.leave();
    this.#state.position = this.#position;
    this.#state.now = this.#position;
  }

  /** One row; false = the kernel leaves it, or the rest of it, to plain code. */
  #row(batch: AccessBatch, i: number, position: number): boolean {
    const kernel = this.#kernel!;
    const id = batch.segment[i]! | 0;
    this.#position = position;
    let answer = this.#runRow(id, position);
    if (answer < 0) {
      this.#handOver(kernel);
      if (kernel.books.numbers[EASE]! >= EASE_LEAST) return false;
      kernel.run.look();
      answer = this.#runRow(id, position);
      if (answer < 0) {
        this.#handOver(kernel);
        return false;
      }
    }
    this.#served++;
    this.#goOn(kernel, batch, i, position, answer);
    return true;
  }

  /** What is left to be done of a row whose demand the kernel has served. */
  #goOn(kernel: SiteKernel, batch: AccessBatch, i: number, position: number, answer: number): void {
    const id = batch.segment[i]! | 0;
    const served = answer & SERVED;
    if ((answer & MORE) !== 0) this.#finish(kernel, id, answer, position);
    this.#cursor.pointAt(batch, i, position, id);
    const proposals = this.#proposals;
    proposals.count = 0;
    this.#prefetcher.onAccess(this.#cursor, served, proposals);
    if (proposals.count > 0) this.#considerAll(proposals, position);
  }

  /** What the kernel leaves to be done of a demand that it has served. */
  #finish(kernel: SiteKernel, segment: number, answer: number, position: number): void {
    this.#handOver(kernel);
    const state = this.#state;
    const { classes, fetches } = state;
    state.position = position;
    const served = answer & SERVED;
    if (served === Served.miss || served === Served.late) {
      const stage = served === Served.late ? Stage.inFlight : Stage.none;
      if ((answer & BASELINE_HIT) === 0) this.#demands.classify(segment, stage, 1);
      classes.demanded(segment);
      if (served === Served.miss) fetches.add(0, kernel.books.numbers[FETCH_TIME]!);
    }
    if ((answer & HELD) === 0) return;
    const holdout = this.#state.holdout!;
    holdout.takeBack(kernel.books);
    this.#demands.tellHoldout(holdout, segment);
    holdout.lend(kernel.books);
  }

  /** Tells of what has ended. */
  #handOver(kernel: SiteKernel): void {
    const { words } = kernel.books;
    const count = words[END_COUNT]!;
    if (count === 0) return;
    words[END_COUNT] = 0;
    const first = words[ENDS_TOLD]!;
    words[ENDS_TOLD] = 0;
    const { ends } = kernel;
    const { table, ledger, onSettled } = this.#state;
    const { rows } = table;
    const prefetcher = this.#prefetcher;
    for (let i = first; i < count; i++) {
      const segment = ends[i << 1]!;
      const outcome = ends[(i << 1) | 1]!;
      if (outcome === EVICTED) {
        prefetcher.onEvict?.(segment, false);
        continue;
      }
      const row = segment << ROW_SHIFT;
      const expert = table.expert[segment]!;
      if (outcome !== Outcome.wasted) ledger.usedOf(rows[row | Row.issuedAt]!);
      prefetcher.onHeld?.(segment, false);
      onSettled?.(segment, expert, outcome);
      prefetcher.onOutcome?.(segment, expert, outcome as OutcomeCode, rows[row | Row.probability]!);
      if (outcome === Outcome.late) onSettled?.(segment, expert, DELIVERED);
      if (outcome === Outcome.wasted) prefetcher.onEvict?.(segment, true);
    }
  }

  /** As `IssueDesk.considerAll`. */
  #considerAll(p: ProposalBuffer, position: number): void {
    sortByProbability(p);
    this.#considerFrom(p, 0, 0, position);
  }

  /** The same from number `first` on, of those that are in order and of which so many were sent. */
  #considerFrom(p: ProposalBuffer, first: number, alreadySent: number, position: number): void {
    const room = this.#kernel!.books.numbers[SHARE]!;
    let sent = alreadySent;
    for (let i = first; i < p.count; i++) {
      if (sent >= room && sent > 0) this.#refuse(p, i);
      else if (this.#consider(p, i, position)) sent++;
    }
    if (!this.#isIn && !this.#state.guard.isKnownFar) this.#state.guard.check();
  }

  /** Sends or refuses one; false = refused. */
  #consider(p: ProposalBuffer, i: number, position: number): boolean {
    const segment = p.segment[i]! | 0;
    const probability = p.probability[i]!;
    if (this.#isIn && p.sizeBytes[i]! < 0) {
      const answer = this.#runConsider(segment, p.expert[i]!, probability, position);
      if (answer >= 0) {
        if (answer === SENT) this.#prefetcher.onHeld?.(segment, true);
        return answer === SENT;
      }
    }
    this.#leave();
    const isSent = this.#desk.consider(segment, p.sizeBytes[i]!, probability, p.expert[i]!);
    this.#enter(position);
    return isSent;
  }

  #refuse(p: ProposalBuffer, i: number): void {
    this.#leave();
    this.#settlement.refuse(p.segment[i]! | 0, Refusal.crowded, p.expert[i]!, p.probability[i]!);
  }
}

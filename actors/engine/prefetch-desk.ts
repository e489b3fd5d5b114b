/** Where prefetch requests go out and answers come in. */

import { Observable, Subject } from 'rxjs';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Decision } from '../cache-manager/decision-digest.ts';
import type { LiveStats } from './engine-stats.ts';
import type { LiveOrigin, OpenPrefetch } from './live-origin.ts';

/** Stage this, because. Answer it by `landed(id)` or `failed(id)`. */
export interface PrefetchRequest {
  readonly id: number;
  readonly segment: number;
  readonly name: string;
  /** As last seen, or the mean. */
  readonly sizeBytes: number;
  /** Who accessed last when it was asked for: most often whose next access it is. Null = nobody was named. */
  readonly consumer: string | null;
  /** The expert that asked; null = not known. */
  readonly expert: string | null;
  /** P(demanded before it would leave); null = not stated. */
  readonly probability: number | null;
  /** Event time of the asking, ms, and log position. */
  readonly timeMs: number;
  readonly position: number;
  /** Instant after which an answer is not waited for. */
  readonly deadlineMs: number;
}

export interface PrefetchDeskOptions {
  readonly origin: LiveOrigin;
  /** Requests that may be open at once. */
  readonly waitingMax: number;
  readonly nameOf: (segment: number) => string;
  readonly consumerNameOf: (consumer: number) => string | null;
  readonly expertOf: (expert: number) => string | null;
}

/** What a request says besides what the origin knows of it. */
type Said = Pick<PrefetchRequest, 'consumer' | 'expert' | 'probability'>;

/**
 * Requests are collected while the actors work and sent when they are done, so a subscriber may answer at once. Those that a
 * demand of the same batch overtook are not sent. Without a subscriber they wait for one, as long as they are open.
 */
export class PrefetchDesk {
  readonly requests$: Observable<PrefetchRequest>;
  readonly cancellations$: Observable<number>;
  readonly #options: PrefetchDeskOptions;
  readonly #requests = new Subject<PrefetchRequest>();
  readonly #cancellations = new Subject<number>();
  /** Why each segment was asked for, until it is sent. */
  readonly #reasons = new Map<
    number,
    { readonly expert: number; readonly probability: number; readonly row: number; readonly position: number }
  >();
  /** What was said of the requests that are open, for a restart: nobody knows it any more when they are handed out again. */
  readonly #said = new Map<number, Said>();
  /** Ids handed out again after a restart, until someone subscribes. */
  readonly #reopened = new Set<number>();
  #waiting: PrefetchRequest[] = [];
  #batch: AccessBatch | null = null;
  #isEmitting = false;
  #answered = 0;
  #failed = 0;
  #ignored = 0;
  #overtaken = 0;

  constructor(options: PrefetchDeskOptions) {
    this.#options = options;
    this.requests$ = new Observable((subscriber) => {
      const waiting = this.#waiting;
      this.#waiting = [];
      const subscription = this.#requests.subscribe(subscriber);
      for (const request of waiting) if (this.#isAwaited(request.id)) subscriber.next(request);
      this.#reopened.clear();
      return subscription;
    });
    this.cancellations$ = this.#cancellations.asObservable();
  }

  /** The batch that what follows is decided on. */
  serving(batch: AccessBatch): void {
    this.#batch = batch;
  }

  /** A decision of the site. */
  note(code: number, segment: number, position: number, expert: number, probability: number): void {
    if (code === Decision.issued) {
      this.#reasons.set(segment, { expert, probability, row: position - (this.#batch?.position ?? 0), position });
    }
  }

  /** The prefetch with that id that is open, or that a demand joined; null, counted, where its answer is not waited for. */
  take(id: number): { readonly open: OpenPrefetch; readonly isJoined: boolean } | null {
    const { origin } = this.#options;
    const open = origin.find(id);
    const joined = open === undefined ? origin.findJoined(id) : undefined;
    const taken = open ?? joined;
    if (taken === undefined) {
      this.#ignored++;
      return null;
    }
    this.#answered++;
    return { open: taken, isJoined: joined !== undefined };
  }

  /** Of those taken, one was a failure. */
  failed(): void {
    this.#failed++;
  }

  /** After a restart nobody fetches what is open: it is handed out again, and so is what a demand joined, for its answer still teaches how long fetches take. */
  reopen(): void {
    const { origin } = this.#options;
    origin.takeSent();
    origin.takeCalledBack();
    for (const open of origin.allAwaited()) {
      this.#waiting.push(this.#requestOf(open));
      this.#reopened.add(open.id);
    }
    this.#reasons.clear();
  }

  /**
   * What was said and answered. What is open is the origin's: `reopen`, to be called next, makes #waiting and #reopened of it. The rest
   * lives within a call (#reasons, #batch, #isEmitting) or is what it was made with (#options, #requests, #cancellations).
   */
  persist(fields: StateFields): void {
    this.#forgetSaid();
    for (const [id, said] of fields.plain([...this.#said])) this.#said.set(id, said);
    this.#answered = fields.number(this.#answered);
    this.#failed = fields.number(this.#failed);
    this.#ignored = fields.number(this.#ignored);
    this.#overtaken = fields.number(this.#overtaken);
  }

  /** What a demand joined before it ever went out is not sent; what went out before a restart is sent again. */
  #isAwaited(id: number): boolean {
    const { origin } = this.#options;
    return origin.find(id) !== undefined || (this.#reopened.has(id) && origin.findJoined(id) !== undefined);
  }

  /** Sends what was decided; `close` is told of what a demand overtook. A subscriber that calls the engine adds to it; the outermost call sends all. */
  emit(close: (id: number) => void): void {
    if (this.#isEmitting) return;
    this.#isEmitting = true;
    try {
      for (;;) {
        const sent = this.#options.origin.takeSent();
        const calledBack = this.#options.origin.takeCalledBack();
        if (sent.length === 0 && calledBack.length === 0) break;
        // What was called back before it went out was never anyone's.
        for (const id of calledBack) if (!sent.some((open) => open.id === id)) this.#cancellations.next(id);
        for (const open of sent) this.#send(open, close);
      }
    } finally {
      this.#isEmitting = false;
    }
  }

  complete(): void {
    this.#requests.complete();
    this.#cancellations.complete();
  }

  stats(): LiveStats {
    const { origin } = this.#options;
    return {
      open: origin.openCount,
      landed: this.#answered - this.#failed,
      failed: this.#failed,
      ignoredAnswers: this.#ignored,
      unanswered: origin.unansweredCount,
      overtaken: this.#overtaken,
      firstByteMs: origin.expectedMs(0),
    };
  }

  #send(open: OpenPrefetch, close: (id: number) => void): void {
    const { origin, waitingMax } = this.#options;
    const request = this.#requestOf(open);
    // A segment asked for twice in one batch has one reason, the later; the earlier request must not take it away.
    if (this.#reasons.get(open.segment)?.position === open.position) this.#reasons.delete(open.segment);
    if (origin.find(open.id) === undefined) {
      if (origin.findJoined(open.id) !== undefined) {
        this.#overtaken++;
        close(open.id);
      }
      return;
    }
    const { consumer, expert, probability } = request;
    this.#said.set(open.id, { consumer, expert, probability });
    if (this.#said.size > 4 * waitingMax) this.#forgetSaid();
    if (this.#requests.observed) {
      this.#requests.next(request);
      return;
    }
    this.#waiting.push(request);
    // What is open is bounded, so what waits is once those that are not are gone.
    if (this.#waiting.length > 2 * waitingMax) {
      this.#waiting = this.#waiting.filter(({ id }) => origin.find(id) !== undefined);
    }
  }

  #requestOf(open: OpenPrefetch): PrefetchRequest {
    const { expertOf, nameOf } = this.#options;
    const reason = this.#reasons.get(open.segment);
    const said = this.#said.get(open.id);
    return {
      id: open.id,
      segment: open.segment,
      name: nameOf(open.segment),
      sizeBytes: open.sizeBytes,
      consumer: said === undefined ? this.#consumerAt(reason?.row ?? -1) : said.consumer,
      expert: said?.expert ?? (reason === undefined ? null : expertOf(reason.expert)),
      probability:
        said?.probability ?? (reason === undefined || Number.isNaN(reason.probability) ? null : reason.probability),
      timeMs: open.sentAt,
      position: open.position,
      deadlineMs: open.until,
    };
  }

  /** What is open or joined is bounded, and so is what is said of it. */
  #forgetSaid(): void {
    const { origin } = this.#options;
    for (const id of this.#said.keys()) {
      if (origin.find(id) === undefined && origin.findJoined(id) === undefined) this.#said.delete(id);
    }
  }

  #consumerAt(row: number): string | null {
    const consumer = this.#batch?.consumer[row] ?? -1;
    return consumer < 0 ? null : this.#options.consumerNameOf(consumer);
  }
}

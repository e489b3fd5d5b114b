/** What goes into an engine, in order: accesses, and everything else that changes its state; the journal has each of them. */

import { parseConfig } from '../../engine/config.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { type AccessBatch, isTime } from '../../streams/access-batch.ts';
import { HINTS_MAX, type Hint, type HintInput, hintsSchema } from '../hints/hints-config.ts';
import type { EngineParts } from './engine-parts.ts';
import type { EngineState } from './engine-state.ts';
import type { JournalEvent } from './journal.ts';

/** What came of hints that were added, in distinct names. */
export interface HintsTaken {
  readonly lists: number;
  readonly names: number;
  /** Of these, names that nobody had accessed or named before: they count once someone does. All of them, where they are written in another way. */
  readonly unknown: number;
  /** Of these, names for which `segmentsMax` left no room: they are passed over. */
  readonly refused: number;
}

/** The one way in, so that a journal that is told again comes to the same engine. */
export class EngineFeed {
  readonly #parts: EngineParts;
  #latestMs = Number.NaN;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    // Those of the settings are there at every start, so the journal need not have them.
    for (const hint of parts.config.hints.lists) this.#addHint(hint);
  }

  /** Event time of the latest access, ms; NaN = none had one. */
  get latestMs(): number {
    return this.#latestMs;
  }

  /** The instant that a caller means: as said where that is a time, else by the clock, else that of the latest access, else 0. */
  instant(timeMs: number | undefined): number {
    const isSaid = timeMs !== undefined && isTime(timeMs);
    const now = isSaid ? timeMs : (this.#parts.clock?.now() ?? this.#latestMs);
    return Number.isNaN(now) ? 0 : now;
  }

  /** The next accesses, at least one. @throws AnteroomError 'actor-stopped' where an actor fails over them. */
  serve(batch: AccessBatch): void {
    const { desk, models, journal, driver, health, origin } = this.#parts;
    const last = batch.length - 1;
    if (!Number.isNaN(batch.timeMs[last]!)) this.#latestMs = batch.timeMs[last]!;
    desk?.serving(batch);
    models.observe(batch);
    journal.access(batch);
    try {
      driver.push(batch);
    } catch (error) {
      // A broken invariant leaves the actors between two states.
      health.failed(error instanceof Error ? error.message : String(error));
      throw health.error(error);
    }
    origin?.expireJoined(this.#latestMs);
  }

  /** What is no access. Returns what `landed` and `failed` came to; true for the others. */
  tell(event: JournalEvent): boolean {
    const { journal, pipeline, origin, nearLoop } = this.#parts;
    journal.event(event);
    const { site } = pipeline;
    switch (event.kind) {
      case 'landed':
        return site.land(event.segment, event.timeMs, event.sizeBytes);
      case 'failed':
        return site.fail(event.segment, event.timeMs);
      case 'closed': {
        const joined = origin?.closeJoined(event.id);
        if (joined === undefined || event.isFailed) return true;
        // A state that an earlier version saved has no proposal.
        const { segment, expert, probability, proposal = null } = joined;
        const confirm = (): void => site.confirm(segment, expert, probability ?? Number.NaN);
        if (proposal === null) confirm();
        else nearLoop.judgeAs(segment, proposal, confirm);
        return true;
      }
      case 'measured':
        origin?.measured(event.sizeBytes, event.durationMs);
        return true;
      case 'hinted':
        this.#addHint(event.hint);
        return true;
      case 'sized':
        site.learnSize(event.segment, event.sizeBytes);
        return true;
      case 'invalidated':
        site.invalidate(event.segment);
        return true;
    }
  }

  /** @throws AnteroomError 'bad-config' for a list that cannot be, 'limit' for too many; then none is added. */
  addHints(lists: readonly HintInput[]): HintsTaken {
    const { hints, names } = this.#parts;
    const { count } = hints;
    const { lists: checked } = parseConfig(hintsSchema, { lists }, 'hints');
    if (count + checked.length > HINTS_MAX)
      throw new AnteroomError('limit', `more than ${HINTS_MAX} lists of hints`, { context: { known: count } });
    const named = new Set(checked.flatMap(({ segments }) => segments));
    const isUnknown = (name: string): boolean => names.idOf(name) < 0;
    const unknown = [...named].filter(isUnknown);
    for (const hint of checked) this.tell({ kind: 'hinted', hint });
    return {
      lists: checked.length,
      names: named.size,
      unknown: unknown.length,
      refused: unknown.filter(isUnknown).length,
    };
  }

  /** What an engine was told, in its order: batches cut where something came between their rows. */
  retell({ batches, events }: Pick<EngineState, 'batches' | 'events'>): void {
    let next = 0;
    for (const batch of batches) {
      for (let from = 0; from < batch.length; ) {
        const position = batch.position + from;
        for (; events[next] !== undefined && events[next]!.position <= position; next++) this.tell(events[next]!.event);
        const until = Math.min(batch.length, (events[next]?.position ?? Infinity) - batch.position);
        this.serve(batch.slice(from, until));
        from = until;
      }
    }
    for (; next < events.length; next++) this.tell(events[next]!.event);
  }

  /** Where it stands; what it feeds (#parts) is listed by `persistEngine`. */
  persist(fields: StateFields): void {
    this.#latestMs = fields.number(this.#latestMs);
  }

  #addHint(hint: Hint): void {
    const { hints, intake } = this.#parts;
    hints.add(
      hint,
      Int32Array.from(hint.segments, (name) => intake.idOf(name)),
    );
  }
}

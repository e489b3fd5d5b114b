/** What those who fetch tell an engine: that a prefetch landed or failed, what a fetch took, that the truth changed. */

import type { EngineFeed } from './engine-feed.ts';
import type { EngineParts } from './engine-parts.ts';

/** How a fetch ended. Absent: size unknown, now, nothing is said of the version. */
export interface FetchAnswer {
  readonly sizeBytes?: number;
  readonly timeMs?: number;
  readonly version?: string | number;
}

/** What a fetch of the caller's own was like; absent = unknown. */
export interface MeasuredFetch {
  readonly sizeBytes?: number;
  readonly durationMs?: number;
}

/** Each answer is told to the site; `emit` sends what came of it. The caller has seen that the engine runs. */
export class EngineAnswers {
  readonly #parts: EngineParts;
  readonly #feed: EngineFeed;
  readonly #emit: () => void;

  constructor(parts: EngineParts, feed: EngineFeed, emit: () => void) {
    this.#parts = parts;
    this.#feed = feed;
    this.#emit = emit;
  }

  landed(id: number, answer: FetchAnswer): boolean {
    const { desk, versions } = this.#parts;
    const taken = desk?.take(id) ?? null;
    if (taken === null) return false;
    const { open, isJoined } = taken;
    const { segment } = open;
    const timeMs = this.#feed.instant(answer.timeMs);
    const { sizeBytes: said = -1 } = answer;
    const sizeBytes = said >= 0 && Number.isSafeInteger(said) ? said : -1;
    this.#feed.tell({
      kind: 'measured',
      sizeBytes: sizeBytes >= 0 ? sizeBytes : open.sizeBytes,
      durationMs: Math.max(0, timeMs - open.sentAt),
    });
    if (isJoined) {
      this.#feed.tell({ kind: 'closed', id, isFailed: false });
      return false;
    }
    // A version that is not the one last said is older or newer than what readers have seen: either way one of the two is stale.
    const isStale = answer.version !== undefined && versions.differs(segment, answer.version);
    if (isStale) this.#feed.tell({ kind: 'invalidated', segment });
    const isStaged = !isStale && this.#feed.tell({ kind: 'landed', segment, timeMs, sizeBytes });
    this.#emit();
    return isStaged;
  }

  failed(id: number, timeMs: number | undefined): boolean {
    const { desk } = this.#parts;
    const taken = desk?.take(id) ?? null;
    if (taken === null) return false;
    desk?.failed();
    if (taken.isJoined) {
      this.#feed.tell({ kind: 'closed', id, isFailed: true });
      return false;
    }
    this.#feed.tell({ kind: 'failed', segment: taken.open.segment, timeMs: this.#feed.instant(timeMs) });
    this.#emit();
    return true;
  }

  fetched(segment: string | number, { sizeBytes = -1, durationMs = -1 }: MeasuredFetch): void {
    const id = this.#parts.names.idOf(segment);
    if (this.#parts.origin === null || id < 0) return;
    if (sizeBytes >= 0 && Number.isSafeInteger(sizeBytes)) this.#feed.tell({ kind: 'sized', segment: id, sizeBytes });
    if (durationMs >= 0 && Number.isFinite(durationMs)) this.#feed.tell({ kind: 'measured', sizeBytes, durationMs });
  }

  invalidate(segment: string | number, version: string | number | undefined): void {
    const id = this.#parts.names.idOf(segment);
    if (id >= 0 && (version === undefined || this.#parts.versions.isNews(id, version)))
      this.#feed.tell({ kind: 'invalidated', segment: id });
    this.#emit();
  }
}

/** Which accesses of a post are taken: times that can be, names that are not too long. */

import { AnteroomError } from '../../engine/errors.ts';
import { printable } from '../../engine/printable.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import type { frameNames } from './log-frame.ts';

export interface RowLimits {
  /** Instant of accesses that say none. */
  readonly nowMs: number;
  /** Accesses later than this are refused. */
  readonly latestMs: number;
  /** Bytes of the name of a segment, consumer or site. */
  readonly nameBytesMax: number;
}

type Names = ReturnType<typeof frameNames>;

/** Refusals that are told in words. */
const TOLD = 10;
/** Characters of a name that are told, and bytes that are more than those in any case. */
const NAME_SHOWN = 60;
const NAME_BYTES = 4 * NAME_SHOWN;
const kinds = ['segment', 'consumer', 'site'] as const;

/** Rows of one post, batch by batch. Without faults a batch costs a look at its times and at the names that are new. */
export class RowRules {
  readonly #names: Names;
  readonly #limits: RowLimits;
  readonly #isLenient: boolean;
  /** Names looked at so far, and those that are too long. */
  readonly #seen = { segment: 0, consumer: 0, site: 0 };
  readonly #tooLong = { segment: new Set<number>(), consumer: new Set<number>(), site: new Set<number>() };
  /** Rows left out (lenient), the first ten with their places. */
  rejected = 0;
  readonly rejections: string[] = [];

  constructor(names: Names, limits: RowLimits, isLenient: boolean) {
    this.#names = names;
    this.#limits = limits;
    this.#isLenient = isLenient;
  }

  /** The rows that are taken, each with a time. @throws AnteroomError 'bad-record' for the first that is not, unless lenient. */
  admit(batch: AccessBatch): AccessBatch {
    this.#look();
    const kept: number[] = [];
    const { nowMs, latestMs } = this.#limits;
    const hasLongNames = kinds.some((kind) => this.#tooLong[kind].size > 0);
    const { timeMs } = batch;
    let times = timeMs;
    for (let i = 0; i < timeMs.length; i++) {
      if (timeMs[i]! > latestMs || hasLongNames) {
        const fault = this.#faultOf(batch, i);
        if (fault !== null) {
          this.#refuse(batch.position + i, fault);
          continue;
        }
      }
      kept.push(i);
      if (!Number.isNaN(timeMs[i]!)) continue;
      if (times === timeMs) times = timeMs.slice();
      times[i] = nowMs;
    }
    const timed = times === timeMs ? batch : batch.with({ timeMs: times });
    return kept.length === batch.length ? timed : chosen(timed, kept);
  }

  #look(): void {
    const { segments: segment, consumers: consumer, sites: site } = this.#names;
    for (const [kind, names] of Object.entries({ segment, consumer, site }) as [
      (typeof kinds)[number],
      typeof segment,
    ][])
      for (; this.#seen[kind] < names.count; this.#seen[kind]++)
        if (names.byteLengthOf(this.#seen[kind]) > this.#limits.nameBytesMax) this.#tooLong[kind].add(this.#seen[kind]);
  }

  #faultOf(batch: AccessBatch, row: number): string | null {
    const { nowMs, latestMs, nameBytesMax } = this.#limits;
    const timeMs = batch.timeMs[row]!;
    if (timeMs > latestMs)
      return `its time ${new Date(timeMs).toISOString()} is too far ahead of the clock, which says ${new Date(nowMs).toISOString()}; is it in another unit (time-unit=s|ms|us|ns)?`;
    const kind = kinds.find((one) => this.#tooLong[one].has(batch[one][row]!));
    if (kind === undefined) return null;
    const names = this.#names[`${kind}s`];
    const bytes = names.bytesOf(batch[kind][row]!);
    const shown = printable(new TextDecoder().decode(bytes.subarray(0, NAME_BYTES)), NAME_SHOWN);
    return `its ${kind} has a name of ${bytes.length} bytes (${shown}): expected at most ${nameBytesMax}`;
  }

  #refuse(row: number, fault: string): void {
    const text = `access ${row + 1}: ${fault}`;
    if (!this.#isLenient) throw new AnteroomError('bad-record', text, { context: { row } });
    this.rejected++;
    if (this.rejections.length < TOLD) this.rejections.push(text);
  }
}

/** Those rows of a batch. */
function chosen(batch: AccessBatch, rows: readonly number[]): AccessBatch {
  const { timeMs, segment, consumer, site, op, size, weight } = batch;
  return new AccessBatch(batch.position, {
    timeMs: Float64Array.from(rows, (i) => timeMs[i]!),
    segment: Uint32Array.from(rows, (i) => segment[i]!),
    consumer: Int32Array.from(rows, (i) => consumer[i]!),
    site: Int32Array.from(rows, (i) => site[i]!),
    op: Uint8Array.from(rows, (i) => op[i]!),
    size: Float64Array.from(rows, (i) => size[i]!),
    weight: Float64Array.from(rows, (i) => weight[i]!),
  });
}

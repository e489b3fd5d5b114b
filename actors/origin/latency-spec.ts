/** How long a fetch from the origin takes, as `--latency` says it. */

import { AnteroomError } from '../../engine/errors.ts';

/** A parsed `--latency`. */
export type LatencySpec =
  | { readonly kind: 'instant' }
  | { readonly kind: 'requests'; readonly requests: number }
  | {
      readonly kind: 'time';
      /** Time to first byte, ms: the constant, or the median of a log-normal distribution. */
      readonly firstByteMs: number;
      /** Sigma of the logarithm; 0 = constant. */
      readonly sigma: number;
      /** Bytes per second of one fetch; Infinity = size does not matter. */
      readonly bytesPerSecond: number;
      /** Fetches under way at once; Infinity = no limit. */
      readonly concurrency: number;
    };

const DURATION = { ms: 1, s: 1000, us: 0.001 } as const;
const RATE = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;
/** A slot is looked at for each fetch. */
const CONCURRENCY_MAX = 65_536;
/** With more some draws would take longer than any time. */
const SIGMA_MAX = 10;
const TIME =
  /^(?:(lognormal):)?(\d+(?:\.\d+)?)(us|ms|s)(?::(\d+(?:\.\d+)?))?(?:@(\d+(?:\.\d+)?)(B|kB|MB|GB|KiB|MiB|GiB)\/s)?(?:x(\d+))?$/;

/**
 * Parses `0`, `4req`, `50ms`, `50ms@20MB/s`, `50ms@20MB/sx32`, `lognormal:50ms:0.5@20MB/sx32`.
 * @param setting where it was said; it leads the message
 * @throws AnteroomError('bad-usage') naming what was expected.
 */
export function parseLatencySpec(text: string, setting = '--latency'): LatencySpec {
  if (text === '0') return { kind: 'instant' };
  const requests = /^(\d+)req$/.exec(text);
  if (requests !== null) {
    const count = Number(requests[1]);
    return count === 0 ? { kind: 'instant' } : { kind: 'requests', requests: count };
  }
  const time = TIME.exec(text);
  const isLogNormal = time?.[1] !== undefined;
  if (time === null || isLogNormal !== (time[4] !== undefined)) {
    throw new AnteroomError(
      'bad-usage',
      `${setting}: expected 0, 4req, 50ms, 50ms@20MB/s, 50ms@20MB/sx32 or lognormal:50ms:0.5@20MB/sx32, found "${text}"`,
    );
  }
  const spec: LatencySpec = {
    kind: 'time',
    firstByteMs: Number(time[2]) * DURATION[time[3] as keyof typeof DURATION],
    sigma: isLogNormal ? Number(time[4]) : 0,
    bytesPerSecond: time[5] === undefined ? Infinity : Number(time[5]) * RATE[time[6] as keyof typeof RATE],
    concurrency: time[7] === undefined ? Infinity : Number(time[7]),
  };
  const refuse = (why: string): never => {
    throw new AnteroomError('bad-usage', `${setting}: ${why}: "${text}"`);
  };
  if (spec.bytesPerSecond === 0) refuse('a bandwidth of 0 never delivers');
  if (spec.concurrency === 0 || (spec.concurrency > CONCURRENCY_MAX && time[7] !== undefined))
    refuse(`1 to ${CONCURRENCY_MAX} fetches at once, or without x... as many as there are`);
  if (spec.sigma > SIGMA_MAX) refuse(`a sigma of at most ${SIGMA_MAX}`);
  return spec;
}

/** The default: by time where the trace has it, by requests where not. */
export function defaultLatency(hasTime: boolean): string {
  return hasTime ? '50ms@100MB/sx32' : '8req';
}

/** What the process has used so far, for reports: never for decisions. */

/** Milliseconds of a clock that only goes forward, for measuring durations. */
export function elapsedMs(): number {
  return performance.now();
}

/** The most memory that the process has held resident, in bytes. */
export function residentBytesMax(): number {
  // libuv reports kilobytes on every platform.
  return process.resourceUsage().maxRSS * 1024;
}

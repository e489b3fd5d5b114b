/** What the process has used so far and may use yet, for reports and for how much to do at once: never for decisions. */

import { availableParallelism } from 'node:os';

/** Milliseconds of a clock that only goes forward, for measuring durations. */
export function elapsedMs(): number {
  return performance.now();
}

/** The most memory that the process has held resident, in bytes. */
export function residentBytesMax(): number {
  // libuv reports kilobytes on every platform.
  return process.resourceUsage().maxRSS * 1024;
}

/** Memory that the process holds resident now, in bytes. */
export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/** Time that its threads have spent on a core so far, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Threads that can run at once. */
export function coreCount(): number {
  return availableParallelism();
}

/** Bytes that the process could take now without others having to give way, as far as the system says. */
export function availableBytes(): number {
  return process.availableMemory();
}

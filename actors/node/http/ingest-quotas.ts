/** How much the holder of each token may post on average. */

import type { Clock } from '../../../engine/clock.ts';
import { TokenBucket } from '../../prefetch-scheduler/token-bucket.ts';

/** Seconds for which an unused quota is saved up. */
const BURST_SECONDS = 10;

interface Account {
  readonly bytesPerSecond: number;
  readonly bucket: TokenBucket;
  atMs: number;
}

/**
 * One bucket a name. A post is let in as long as anything is left and may take it below zero, so that one larger than what is saved up is
 * not refused for ever; the next waits until the debt is paid.
 */
export class IngestQuotas {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes `bytes` from the quota of `name`. Returns 0, or the seconds after which there is something left again; then nothing was taken. */
  take(name: string, bytesPerSecond: number, bytes: number): number {
    const now = this.#clock.now();
    let account = this.#accounts.get(name);
    if (account?.bytesPerSecond !== bytesPerSecond) {
      account = { bytesPerSecond, bucket: new TokenBucket(bytesPerSecond, BURST_SECONDS), atMs: now };
      account.bucket.fill(BURST_SECONDS);
      this.#accounts.set(name, account);
    }
    const { bucket } = account;
    bucket.fill(Math.max(0, now - account.atMs) / 1000);
    account.atMs = now;
    if (bucket.tokens <= 0) return Math.max(1, Math.ceil(-bucket.tokens / bytesPerSecond));
    bucket.spend(bytes);
    return 0;
  }
}

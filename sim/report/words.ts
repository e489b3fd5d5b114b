/** Figures as a person reads them: shares, counts, amounts, waits. Written here because locales differ between machines. */

import type { RunResult } from '../replay/result.ts';
import { bytesText, readableMs } from './table.ts';

/** The cache of a run: `10 % (495 segments)`. */
export function cacheText(run: Pick<RunResult, 'cache'>): string {
  const size = run.cache.unit === 'bytes' ? bytesText(run.cache.size) : countedText(run.cache.size, 'segment');
  return run.cache.fraction === null ? size : `${percent(run.cache.fraction)} (${size})`;
}

/** An amount of money, signed, with as many digits as it has to say. */
export function amountText(amount: number): string {
  const text = Math.abs(amount).toFixed(Math.abs(amount) >= 1 ? 2 : 4);
  if (Number(text) === 0) return '0';
  return `${amount >= 0 ? '+' : '-'}${text}`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** `9.4 % fewer requests`, `12 % more bytes`, `no more requests`. */
export function moreOrFewer(share: number, what: string): string {
  if (percent(Math.abs(share)) === '0 %') return `no more ${what}`;
  return `${percent(Math.abs(share))} ${share >= 0 ? 'more' : 'fewer'} ${what}`;
}

export function waitText(wait: number, run: Pick<RunResult, 'latencyUnit'>): string {
  const [amount, unit] = run.latencyUnit === 'ms' ? readableMs(wait) : [wait, 'accesses'];
  return `${Number(amount.toPrecision(3))} ${unit}`;
}

/** A number, to the nearest whole one (counts of a sample are estimates), with its thousands set apart. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 prefetch`, `2,000 prefetches`. */
export function countedText(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${Math.round(count) === 1 ? one : many}`;
}

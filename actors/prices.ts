/** Prices: the one currency in which waiting, transfers, requests and space are weighed against each other. */

import { z } from 'zod';

/** What a second of waiting, a byte, a request and space are worth, in one currency. */
export const pricesSchema = z
  .strictObject({
    secondOfWaiting: z
      .number()
      .min(0)
      .default(0.003)
      .describe('Value of one second of waiting that a consumer is spared. Default: about 10 an hour of attention.'),
    gigabyteTransferred: z
      .number()
      .min(0)
      .default(0.09)
      .describe('Price of 10^9 bytes fetched from the origin. Default: a common public egress price.'),
    request: z
      .number()
      .min(0)
      .default(4e-7)
      .describe('Price of one request to the origin. Default: 0.40 per million, a common object-store price.'),
    gigabyteHour: z
      .number()
      .min(0)
      .default(0.0002)
      .describe('Price of keeping 10^9 bytes staged for one hour. Default: local flash storage.'),
  })
  .describe('Prices in any one currency; only their ratios decide.');

/** Validated prices, in any one currency. */
export type Prices = Readonly<z.infer<typeof pricesSchema>>;

/** Every price at its documented default. */
export const defaultPrices: Prices = pricesSchema.parse({});

const gigabyte = 1e9;
const hourMs = 3_600_000;

/** Value of sparing a consumer `waitMs` milliseconds. */
export function valueOfTime(prices: Prices, waitMs: number): number {
  return (waitMs / 1000) * prices.secondOfWaiting;
}

/** Price of `requests` requests that move `bytes` bytes in all. */
export function priceOfTransfer(prices: Prices, bytes: number, requests: number): number {
  return (bytes / gigabyte) * prices.gigabyteTransferred + requests * prices.request;
}

/** Price of holding `bytes` bytes for `durationMs` milliseconds. */
export function priceOfSpace(prices: Prices, bytes: number, durationMs: number): number {
  return (bytes / gigabyte) * (durationMs / hourMs) * prices.gigabyteHour;
}

/** Whole numbers of the command line. */

import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError for what is none, or less than 1. */
export function positiveInteger(text: string): number {
  return wholeNumber(text, 1);
}

/** @throws InvalidArgumentError for what is none, or negative. */
export function nonNegativeInteger(text: string): number {
  return wholeNumber(text, 0);
}

/** @throws InvalidArgumentError for what is no port. */
export function portNumber(text: string): number {
  const value = wholeNumber(text, 0);
  if (value > 65_535) throw new InvalidArgumentError('expected a port from 0 to 65535.');
  return value;
}

function wholeNumber(text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > Number.MAX_SAFE_INTEGER)
    throw new InvalidArgumentError(`expected at most ${Number.MAX_SAFE_INTEGER}.`);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`expected a whole number from ${least}.`);
  return value;
}

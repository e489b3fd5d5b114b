/** Transcendental functions whose last bit is the same on every JavaScript engine. */

/*
 * ECMAScript lets an engine choose how it approximates these, and V8 has changed its choice between releases. Where a figure
 * decides something (a landing instant, a generated access), a different last bit would break replay, so these use only
 * the operations that IEEE 754 fixes: + - * / and sqrt. They cost a few times the library's; do not use them where nothing depends on it.
 */

const LN2 = Math.LN2;
const HALF_PI = Math.PI / 2;

/** e^x, relative error below 1e-13 for |x| <= 700; 0 and Infinity where a double cannot hold the result. */
export function exponential(x: number): number {
  // Beyond these the scaling below would take a step a power of two, without end for an infinity.
  if (!(x > -746)) return Number.isNaN(x) ? x : 0;
  if (x > 710) return Number.POSITIVE_INFINITY;
  const halvings = Math.round(x / LN2);
  const r = x - halvings * LN2;
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= 16; n++) {
    term *= r / n;
    const next = sum + term;
    // Terms only shrink from here on.
    if (next === sum) break;
    sum = next;
  }
  return scaleByPowerOfTwo(sum, halvings);
}

/** Natural logarithm of x > 0, relative error below 1e-13; -Infinity at 0, NaN below. */
export function logarithm(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (!(x > 0)) return Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let exponent = 0;
  let m = x;
  while (m > 1.5) {
    m /= 2;
    exponent++;
  }
  while (m < 0.75) {
    m *= 2;
    exponent--;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), |argument| <= 0.2: the series gains 1.4 digits a term.
  const z = (m - 1) / (m + 1);
  const zz = z * z;
  let power = z;
  let sum = 0;
  for (let n = 1; n <= 25; n += 2) {
    sum += power / n;
    power *= zz;
  }
  return 2 * sum + exponent * LN2;
}

/** base^exponent for base >= 0. */
export function power(base: number, exponent: number): number {
  if (base === 0) return exponent === 0 ? 1 : 0;
  return exponential(exponent * logarithm(base));
}

/** Cosine of x radians, absolute error below 1e-12 for |x| < 1e4. */
export function cosine(x: number): number {
  return sine(x + HALF_PI);
}

function sine(x: number): number {
  const turns = Math.round(x / (2 * HALF_PI));
  const r = x - turns * 2 * HALF_PI;
  let term = r;
  let sum = r;
  for (let n = 1; n <= 11; n++) {
    term *= (-r * r) / (2 * n * (2 * n + 1));
    sum += term;
  }
  return turns % 2 === 0 ? sum : -sum;
}

function scaleByPowerOfTwo(x: number, exponent: number): number {
  let result = x;
  for (let i = 0; i < exponent; i++) result *= 2;
  for (let i = 0; i > exponent; i--) result /= 2;
  return result;
}

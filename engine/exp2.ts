/** Powers of two from plain arithmetic, so that decay is the same to the last bit on every engine. */

const tableBits = 8;
const tableSize = 1 << tableBits;
const exponentMin = -1074;
const exponentMax = 1023;
const ln2 = Math.LN2;

const integerPowers = new Float64Array(exponentMax - exponentMin + 1);
const fractionPowers = new Float64Array(tableSize);
fillTables();

/**
 * 2^x for x in about -1074..1023; 0 below, Infinity above.
 *
 * Table of 2^(k/256) from repeated square roots (which IEEE 754 rounds exactly) times a Taylor polynomial of degree 4 in
 * the rest: relative error below 1e-15. Math.pow and Math.exp may differ in the last bit between V8 versions; this does not.
 */
export function exp2(x: number): number {
  const scaled = Math.floor(x * tableSize + 0.5);
  const whole = Math.floor(scaled / tableSize);
  if (!(whole >= exponentMin)) return 0; // also NaN
  if (whole > exponentMax) return Infinity;
  const r = (x - scaled / tableSize) * ln2;
  const tail = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24))));
  return integerPowers[whole - exponentMin]! * (fractionPowers[scaled - whole * tableSize]! * tail);
}

function fillTables(): void {
  const zero = -exponentMin;
  integerPowers[zero] = 1;
  for (let i = zero + 1; i < integerPowers.length; i++) integerPowers[i] = integerPowers[i - 1]! * 2;
  for (let i = zero - 1; i >= 0; i--) integerPowers[i] = integerPowers[i + 1]! / 2;
  // roots[b] = 2^(1 / 2^(b + 1)); a fraction's bits pick which of them to multiply.
  const roots: number[] = [];
  for (let b = 0, root = 2; b < tableBits; b++) {
    root = Math.sqrt(root);
    roots.push(root);
  }
  for (let k = 0; k < tableSize; k++) {
    let product = 1;
    for (let b = tableBits - 1; b >= 0; b--) if ((k >> (tableBits - 1 - b)) & 1) product *= roots[b]!;
    fractionPowers[k] = product;
  }
}

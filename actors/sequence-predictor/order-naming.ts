/** Naming by order for one access, as WebAssembly: from a segment's row of successors and from the entry of its pair. */

import { type Code, F64, I32, V128, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { AGE_BINS, binBase, Opinion, SCORE_BINS, SUPPORT_BINS } from '../near-loop/opinion-bins.ts';
import { evenWords, KernelField, low, type OrderPlace, oddWords, SLOT, WEIGHT } from './order-fields.ts';

const { get, set, i32, add, sub, multiply, and, or, shiftLeft, shiftRight } = wasm;
const { equal, isZero, isLess, exceeds, load, storeAt, block, loop, branch, branchIf, ifElse } = wasm;

/** Log2 of how many times a row of bins takes the bytes of who is named. */
const BINS_LOG = 2;
/** Who follows the pair, in the bits of those that are named; below them the successors. */
const [IS_NEXT, IS_OTHER] = [256, 512];
const SUCCESSOR_BASE = binBase[Opinion.consumerSuccessor]!;
const CONTEXT_BASE = binBase[Opinion.context]!;

/** What is named from: locals that hold where a row and a pair's entry begin and the row's tick and visits, and bytes from the entry to its fields, which lie in this order. */
export interface NamingSource {
  readonly row: number;
  readonly entry: number;
  readonly own: number;
  readonly next: number;
  readonly other: number;
  readonly counts: number;
}

export interface Naming {
  readonly locals: WasmFunction['locals'];
  /** Chooses who is named, of those that weigh enough and are not at the site. */
  readonly choose: Code;
  /** Names them, with their bins; nothing that `choose` has read may have been changed. */
  readonly name: Code;
  /** How many were named, after `name`. */
  readonly count: Code;
}

/** The two steps of naming, whose own locals are from `n` on. */
export function namingCode(degree: number, to: OrderPlace, from: NamingSource, n: number): Naming {
  const [visits, weight, mask, named, x, at, out, one] = [n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7];
  const [tick, packed, age, seen, scale, share] = [n + 8, n + 9, n + 10, n + 11, n + 12, n + 13];
  const [slots, furtherSlots, pairFlags, flags] = [n + 14, n + 15, n + 16, n + 17];
  const { row, entry, own } = from;
  const home = to.at;
  const bump = (local: number, by: number): Code => set(local, add(get(local), i32(by)));

  /** The row of bins of who is named at `local`. */
  const binsAt = (local: number): Code =>
    add(shiftLeft(get(local), i32(BINS_LOG)), i32(to.bins - (to.named << BINS_LOG)));
  const bitLength = (value: Code): Code => sub(i32(32), wasm.leadingZeros(value));
  const atMost = (local: number, most: number): Code =>
    ifElse(exceeds(get(local), i32(most)), set(local, i32(most)), []);

  /** Where the flags of those are whose keys fill the vector; who is nobody counts as at the site, who lies beyond as unknown. */
  const flagsOf = (vector: Code): Code =>
    wasm.addWords(
      wasm.leastWords(vector, wasm.loadVector(i32(0), home + KernelField.flagsEnd)),
      wasm.loadVector(i32(0), home + KernelField.flags),
    );
  const heavyEnough = (words: Code): Code =>
    wasm.atLeastWords(wasm.andVector(words, wasm.splat(i32(WEIGHT))), wasm.splat(get(weight)));
  const flagAt = (flags: Code, vector: number, lane: number, to: number): Code =>
    wasm.loadByteLane(flags, wasm.wordOf(get(vector), lane), to);

  /** Leaves in `named` who is named: which successors, of those that weigh enough, then as `IS_NEXT` and `IS_OTHER` who follows the pair. */
  const choose: Code = [
    set(pairFlags, flagsOf(wasm.loadVector(get(entry), from.next))),
    set(visits, low(get(own))),
    set(weight, load(shiftLeft(get(visits), i32(2)), home + KernelField.weightMin)),
    set(slots, flagsOf(evenWords(row, 0))),
    set(furtherSlots, flagsOf(evenWords(row, 32))),
    set(
      flags,
      [0, 1, 2, 3, 4, 5, 6, 7].reduce(
        (flags, lane) => flagAt(flags, lane < 4 ? slots : furtherSlots, lane & 3, lane),
        flagAt(flagAt(wasm.splat(i32(0)), pairFlags, 0, 8), pairFlags, 1, 9),
      ),
    ),
    set(slots, wasm.narrowWords(heavyEnough(oddWords(row, 0)), heavyEnough(oddWords(row, 32)))),
    set(mask, wasm.bitmask(wasm.narrowShorts(get(slots), get(slots)))),
    set(
      named,
      and(
        or(and(get(mask), i32((1 << degree) - 1)), i32(IS_NEXT | IS_OTHER)),
        wasm.bitmask(wasm.equalBytes(get(flags), wasm.splat(i32(0)))),
      ),
    ),
  ];

  /** What `successorBin` adds for the visits of the row. */
  const support: Code = [
    ifElse(isLess(get(visits), i32(4)), set(one, sub(get(visits), i32(1))), [
      set(one, add(bitLength(sub(get(visits), i32(2))), i32(1))),
      atMost(one, SUPPORT_BINS - 1),
    ]),
    set(one, add(multiply(get(one), i32(SCORE_BINS)), i32(SUCCESSOR_BASE + 1))),
    set(scale, wasm.divideDouble(wasm.double(1), wasm.doubleOf(shiftLeft(get(visits), i32(4))))),
  ];
  /** Names the successor in the first slot of `named`, with its `successorBin`. */
  const nameSuccessor: Code = [
    set(at, add(get(row), multiply(wasm.trailingZeros(get(named)), i32(SLOT)))),
    set(packed, load(get(at), 4)),
    set(age, and(sub(get(tick), shiftRight(get(packed), i32(16))), i32(255))),
    ifElse(
      isLess(get(age), i32(3)),
      [set(age, sub(get(age), i32(1))), ifElse(isLess(get(age), i32(0)), set(age, i32(0)), [])],
      [set(age, bitLength(sub(get(age), i32(1)))), atMost(age, AGE_BINS - 1)],
    ),
    set(share, wasm.multiplyDouble(wasm.doubleOf(low(get(packed))), get(scale))),
    ifElse(wasm.atLeastDouble(get(share), wasm.double(1)), set(share, wasm.double(1)), []),
    storeAt(get(out), 0, sub(load(get(at)), i32(1))),
    storeAt(
      binsAt(out),
      0,
      add(
        add(
          get(one),
          wasm.loadByte(
            wasm.wholePart(wasm.multiplyDouble(get(share), wasm.double(256))),
            home + KernelField.scoreBins,
          ),
        ),
        multiply(get(age), i32(SCORE_BINS * SUPPORT_BINS)),
      ),
    ),
    bump(out, 4),
    set(named, and(get(named), sub(get(named), i32(1)))),
  ];

  /** Names what follows the pair, or adds its `contextBin` to what was named already. */
  const nameAfterPair = (offset: number, shift: number): Code => [
    set(x, sub(load(get(entry), offset), i32(1))),
    set(at, i32(to.named)),
    block(
      loop(branchIf(1, equal(get(at), get(out))), branchIf(1, equal(load(get(at)), get(x))), bump(at, 4), branch(0)),
    ),
    ifElse(equal(get(at), get(out)), [storeAt(get(at), 0, get(x)), storeAt(binsAt(at), 0, i32(0)), bump(out, 4)], []),
    wasm.storeShort(
      binsAt(at),
      2,
      add(
        add(and(shiftRight(get(seen), i32(shift)), i32(15)), i32(CONTEXT_BASE + 1)),
        shiftLeft(and(shiftRight(get(seen), i32(8)), i32(15)), i32(4)),
      ),
    ),
  ];
  const name: Code = [
    set(out, i32(to.named)),
    ifElse(
      get(named),
      [
        set(tick, add(and(shiftRight(get(own), i32(16)), i32(255)), i32(1))),
        support,
        block(loop(branchIf(1, isZero(and(get(named), i32(IS_NEXT - 1)))), nameSuccessor, branch(0))),
        set(seen, load(get(entry), from.counts)),
        ifElse(and(get(named), i32(IS_NEXT)), nameAfterPair(from.next, 0), []),
        ifElse(and(get(named), i32(IS_OTHER)), nameAfterPair(from.other, 4), []),
      ],
      [],
    ),
  ];
  return {
    locals: [
      [12, I32],
      [2, F64],
      [4, V128],
    ],
    choose,
    name,
    count: shiftRight(sub(get(out), i32(to.named)), i32(2)),
  };
}

/** Learning and naming by order for one access, as WebAssembly over the tables of `SuccessorTable`, `ContextTable` and `RecentHistory`. */

import {
  type Code,
  compiledOnce,
  compileWasm,
  F64,
  I32,
  I64,
  V128,
  type WasmFunction,
  type WasmInstance,
  wasm,
} from '../../streams/sources/wasm-module.ts';
import { AGE_BINS, binBase, Opinion, SCORE_BINS, SUPPORT_BINS } from '../near-loop/opinion-bins.ts';
import { HISTORY_LENGTH, HISTORY_MASK, HistoryField } from './recent-history.ts';

const { get, set, i32, add, sub, multiply, and, or, xor, shiftLeft, shiftRight, select } = wasm;
const { equal, notEqual, isZero, isLess, exceeds, atLeast, load, storeAt, block, loop, branch, branchIf, ifElse } =
  wasm;

/** Where its words lie, in bytes from where they begin: what the tables are, and what one call leaves. */
export const KernelField = {
  /** A row before the first. */
  rows: 0,
  index: 4,
  /** Two words that stay 0: in the index, and behind a pair that is not known. */
  nobody: 8,
  contexts: 16,
  bucketMask: 20,
  visitsMax: 24,
  filledMax: 28,
  /** Segments in the index. */
  indexLength: 32,
  /** The consumer's segment before this one, or -1; and the word at which its record begins. */
  latest: 36,
  /** Byte at which the consumers' records begin, how many bytes they take, and how many consumers have one of their own. */
  history: 80,
  historyBytes: 84,
  consumerMax: 88,
  /** Four times the same: where a byte lies that is not 0, and behind it the flags. */
  flags: 48,
  /** Four times the same: how far behind that byte another lies, which is 0; all flags are between them. */
  flagsEnd: 64,
  /** Where who is named is left, and what is said of it, unless there is a better place. */
  named: 96,
  bins: 144,
  /** Bytes: `scoreBinOf`. */
  scoreBins: 320,
  /** By visits of a row, up to the most that there may be: what a successor must weigh to be named. */
  weightMin: 580,
} as const;

/** Where the kernel finds its words, and leaves who is named: a word each, and a row of bins as a `CandidateSet` has it, of which the first two are said. */
export interface OrderPlace {
  readonly at: number;
  readonly named: number;
  readonly bins: number;
}

/** In a memory of its own. */
export const ownPlace: OrderPlace = { at: 0, named: KernelField.named, bins: KernelField.bins };
/** At most so many are named: eight successors, and two that follow the pair. */
export const NAMED_MAX = 10;
/** Log2 of how many times a row of bins takes the bytes of who is named. */
const BINS_LOG = 2;

/** What `step` gives instead of how many are named. */
export const KernelAnswer = { left: -1, repeated: -2 } as const;

/** Who follows the pair, in the bits of those that are named; below them the successors. */
const [IS_NEXT, IS_OTHER] = [256, 512];
/** Slots of a row that are looked at together, which is all that a row may have where there is to be a kernel: one cache line. */
export const KERNEL_DEGREE_MAX = 8;

const SUCCESSOR_BASE = binBase[Opinion.consumerSuccessor]!;
const CONTEXT_BASE = binBase[Opinion.context]!;
const WEIGHT = 0xffff;
/** Bytes of a slot, and of a segment in the index. */
const [SLOT, INDEX] = [8, 8];
/** Bytes of a context's fields. */
const [NEXT, OTHER, COUNTS, ENTRY] = [8, 12, 16, 20];
const FILLED_AT = 60;

/** `step(record, segment, position, lead)`: see `stepCode`. */
export function stepOf(degree: number, weights: readonly number[], place: OrderPlace): WasmFunction {
  const given = { record: 0, segment: 1, position: 2, lead: 3, own: 4 };
  const { locals, value } = stepCode(degree, weights, place, given, wasm.giveBack(i32(KernelAnswer.repeated)));
  return { parameterCount: 4, hasResult: true, locals, body: value };
}

/** Locals that hold what `stepCode` is told: see there. */
export interface StepLocals {
  readonly record: number;
  readonly segment: number;
  readonly position: number;
  readonly lead: number;
  /** The first that is its own. */
  readonly own: number;
}

/**
 * Given the byte of the consumer's record, a segment, a log position and accesses that a fetch takes, it does what `SequencePredictor` does with an access and then with its naming, to the last bit,
 * unless something would have to grow: then the function ends with `KernelAnswer.left`, and entries of the history that it made ripe stay so. A repeat of the
 * consumer's previous segment comes to `repeated`, two ifs deep. What it is worth is how many are named.
 *
 * What decides differently from access to access is chosen without branches where that is short: a branch that is guessed wrong costs as much as sixty instructions.
 */
export function stepCode(
  degree: number,
  weights: readonly number[],
  to: OrderPlace,
  { record, segment, position, lead, own: n }: StepLocals,
  repeated: Code,
): { readonly locals: WasmFunction['locals']; readonly value: Code } {
  const [pushed, ripe, previous, oldest, source, place, base, header] = [
    n,
    n + 1,
    n + 2,
    n + 3,
    n + 4,
    n + 5,
    n + 6,
    n + 7,
  ];
  const [a, b, at, first, entry, packed, x, last, key, weight] = [
    n + 8,
    n + 9,
    n + 10,
    n + 11,
    n + 12,
    n + 13,
    n + 14,
    n + 15,
    n + 16,
    n + 17,
  ];
  const [tick, visits, one, two, seen, row, mask, raised, isKept] = [
    n + 18,
    n + 19,
    n + 20,
    n + 21,
    n + 22,
    n + 23,
    n + 24,
    n + 25,
    n + 26,
  ];
  const [isNext, isOther, named, own] = [n + 27, n + 28, n + 29, n + 30];
  const [age, out, ownAt, pairOf, scale, share] = [n + 31, n + 32, n + 33, n + 34, n + 35, n + 36];
  const [keys, slots, furtherSlots, pairFlags, flags] = [n + 37, n + 38, n + 39, n + 40, n + 41];
  const ROW = SLOT * degree;

  const home = to.at;
  const field = (offset: number): Code => load(i32(0), home + offset);
  const bump = (local: number, by: number): Code => set(local, add(get(local), i32(by)));
  const placeAt = (index: Code): Code => add(get(record), shiftLeft(and(index, i32(HISTORY_MASK)), i32(2)));
  const segmentAt = (index: Code): Code => load(placeAt(index), 4 * HistoryField.segments);
  const low = (code: Code): Code => and(code, i32(WEIGHT));
  const nibble = (shift: number): Code => and(shiftRight(get(packed), i32(shift)), i32(15));
  const not = isZero;

  const rowOf = (number: Code): Code => add(field(KernelField.rows), multiply(number, i32(ROW)));
  /** Leaves in `x` which row the segment at `at` of the index has, in `base` where it begins, in `header` its tick and visits. */
  const readIndex: Code = [set(x, load(get(at))), set(header, load(get(at), 4)), set(base, rowOf(get(x)))];
  const indexOf = (of: number): Code => add(field(KernelField.index), multiply(get(of), i32(INDEX)));

  /** The four words at even places, from slots two by two, which are keys; at odd places: ticks and weights. */
  const evenWords = (offset: number): Code =>
    wasm.words(wasm.loadVector(get(base), offset), wasm.loadVector(get(base), offset + 16), [0, 2, 4, 6]);
  const oddWords = (offset: number): Code =>
    wasm.words(wasm.loadVector(get(base), offset), wasm.loadVector(get(base), offset + 16), [1, 3, 5, 7]);
  /** What is -1 in a slot sets its bits, two a slot; those beyond the row are 0. */
  const bitsOf = (a: Code, b: Code): Code => {
    const bits = wasm.bitmask(wasm.narrowWords(a, b));
    return degree === KERNEL_DEGREE_MAX ? bits : and(bits, i32((1 << (2 * degree)) - 1));
  };
  /** Which slots of the row at `base` hold the key that fills the vector. */
  const slotsWith = (key: Code): Code =>
    bitsOf(wasm.equalWords(evenWords(0), key), wasm.equalWords(evenWords(32), key));
  const slotAt = (bits: Code): Code => add(get(base), multiply(wasm.trailingZeros(bits), i32(SLOT / 2)));

  /** Leaves in `first` where the bucket of (`a`, `b`) begins. */
  const findBucket: Code = [
    set(x, xor(multiply(get(a), i32(0x9e3779b1 | 0)), multiply(get(b), i32(0x85ebca6b | 0)))),
    set(x, multiply(xor(get(x), shiftRight(get(x), i32(15))), i32(0x2c1b3c6d))),
    set(x, xor(get(x), shiftRight(get(x), i32(13)))),
    set(first, add(field(KernelField.contexts), shiftLeft(and(get(x), field(KernelField.bucketMask)), i32(6)))),
  ];
  const orIfThere = (offset: number, otherwise: Code): Code =>
    select(wasm.equal64(wasm.load64(get(first), offset), get(pairOf)), add(get(first), i32(offset)), otherwise);
  /** Leaves in `entry` where the context (`a`, `b`) is, or 0; in `first` where its bucket begins. */
  const findContext: Code = [
    findBucket,
    set(pairOf, wasm.or64(wasm.extend(get(a)), wasm.shiftLeft64(wasm.extend(get(b)), wasm.i64(32)))),
    set(entry, orIfThere(0, orIfThere(ENTRY, orIfThere(2 * ENTRY, i32(home))))),
  ];

  /** Another visit of the row at `base`, which the index has at `at`. */
  const visit: Code = [
    set(visits, low(get(header))),
    ifElse(
      atLeast(get(visits), field(KernelField.visitsMax)),
      [
        set(visits, shiftRight(get(visits), i32(1))),
        set(place, get(base)),
        set(last, add(get(base), i32(ROW))),
        loop(
          set(packed, load(get(place), 4)),
          set(weight, shiftRight(low(get(packed)), i32(1))),
          storeAt(get(place), 4, or(and(get(packed), i32(~WEIGHT)), get(weight))),
          ifElse(get(weight), [], storeAt(get(place), 0, i32(0))),
          bump(place, SLOT),
          branchIf(0, isLess(get(place), get(last))),
        ),
      ],
      [],
    ),
    set(tick, and(add(shiftRight(get(header), i32(16)), i32(1)), i32(255))),
    storeAt(get(at), 4, or(shiftLeft(get(tick), i32(16)), add(get(visits), i32(1)))),
  ];

  const leave = wasm.giveBack(i32(KernelAnswer.left));
  /** The context at `entry` was followed by `key`. */
  const confirmContext: Code = [
    set(packed, load(get(entry), COUNTS)),
    set(a, load(get(entry), NEXT)),
    set(b, load(get(entry), OTHER)),
    set(isNext, equal(get(a), get(key))),
    set(isOther, and(equal(get(b), get(key)), isZero(get(isNext)))),
    set(one, add(nibble(0), get(isNext))),
    // A challenger that was wrong again is worn down, and gives way at one.
    set(two, nibble(4)),
    set(x, or(or(get(isNext), get(isOther)), exceeds(get(two), i32(1)))),
    set(two, add(get(two), sub(get(isOther), select(or(get(isNext), get(isOther)), i32(0), i32(1))))),
    set(two, select(get(x), get(two), i32(1))),
    set(b, select(get(x), get(b), get(key))),
    set(isOther, and(get(isOther), exceeds(get(two), get(one)))),
    storeAt(get(entry), NEXT, select(get(isOther), get(b), get(a))),
    storeAt(get(entry), OTHER, select(get(isOther), get(a), get(b))),
    set(x, select(get(isOther), get(two), get(one))),
    set(two, select(get(isOther), get(one), get(two))),
    // At sixteen sightings everything is halved; short of that a count stays at fifteen.
    set(seen, add(nibble(8), i32(1))),
    set(one, shiftRight(get(seen), i32(4))),
    set(x, shiftRight(get(x), get(one))),
    set(two, shiftRight(get(two), get(one))),
    set(x, sub(get(x), shiftRight(get(x), i32(4)))),
    set(two, sub(get(two), shiftRight(get(two), i32(4)))),
    set(seen, shiftRight(get(seen), get(one))),
    storeAt(get(entry), COUNTS, or(get(x), or(shiftLeft(get(two), i32(4)), shiftLeft(get(seen), i32(8))))),
  ];

  const confirmations = (address: Code, offset = 0): Code => and(load(address, COUNTS + offset), i32(15));
  const payOne = (offset: number): Code =>
    ifElse(
      and(notEqual(add(get(first), i32(offset)), get(entry)), exceeds(confirmations(get(first), offset), i32(0))),
      storeAt(get(first), COUNTS + offset, sub(load(get(first), COUNTS + offset), i32(1))),
      [],
    );
  /** Takes `at` where it is less confirmed than `entry`. */
  const orLess = (offset: number): Code =>
    ifElse(
      isLess(confirmations(get(first), offset), confirmations(get(entry))),
      set(entry, add(get(first), i32(offset))),
      [],
    );
  /** (`a`, `b`) takes the first free place of its bucket, or that of the least confirmed. */
  const claimContext: Code = [
    ifElse(exceeds(load(field(KernelField.contexts), FILLED_AT), field(KernelField.filledMax)), leave, []),
    set(entry, get(first)),
    ifElse(
      load(get(first)),
      ifElse(
        load(get(first), ENTRY),
        [
          orLess(ENTRY),
          ifElse(load(get(first), 2 * ENTRY), orLess(2 * ENTRY), set(entry, add(get(first), i32(2 * ENTRY)))),
        ],
        set(entry, add(get(first), i32(ENTRY))),
      ),
      [],
    ),
    ifElse(
      load(get(entry)),
      [payOne(0), payOne(ENTRY), payOne(2 * ENTRY)],
      storeAt(field(KernelField.contexts), FILLED_AT, add(load(field(KernelField.contexts), FILLED_AT), i32(1))),
    ),
    storeAt(get(entry), 0, get(a)),
    storeAt(get(entry), 4, get(b)),
    storeAt(get(entry), NEXT, get(key)),
    storeAt(get(entry), OTHER, i32(0)),
    storeAt(get(entry), COUNTS, i32(1 | (1 << 8))),
  ];

  /** Whether the slot before `at` weighs less than `raised`. */
  const isOverLighter = and(
    notEqual(get(at), get(base)),
    isLess(wasm.loadShort(sub(get(at), i32(SLOT)), 4), get(raised)),
  );
  /**
   * `key`, which fills `keys`, was seen after the row at `base`, worth `weight`. Kept is a slot that was confirmed within this visit, and the weakest, which is
   * worn down by what it did not foresee.
   */
  const confirmRow = (weight: number): Code => [
    set(tick, and(shiftRight(get(header), i32(16)), i32(255))),
    set(mask, slotsWith(get(keys))),
    // Where it stands, else the last place.
    set(at, slotAt(or(get(mask), i32(1 << (2 * (degree - 1)))))),
    set(packed, load(get(at), 4)),
    set(x, low(get(packed))),
    // The last place is free, so there may be one before it.
    ifElse(get(x), [], set(at, slotAt(slotsWith(wasm.splat(i32(0)))))),
    set(isKept, select(get(mask), equal(shiftRight(get(packed), i32(16)), get(tick)), exceeds(get(x), i32(weight)))),
    set(raised, or(shiftLeft(get(tick), i32(16)), add(select(get(mask), get(x), i32(0)), i32(weight)))),
    set(packed, select(get(isKept), sub(get(packed), select(get(mask), i32(0), i32(weight))), get(raised))),
    set(x, select(get(isKept), load(get(at)), get(key))),
    set(raised, low(get(packed))),
    ifElse(
      isOverLighter,
      loop(wasm.store64(get(at), wasm.load64(sub(get(at), i32(SLOT)))), bump(at, -SLOT), branchIf(0, isOverLighter)),
      [],
    ),
    storeAt(get(at), 0, get(x)),
    storeAt(get(at), 4, get(packed)),
  ];

  const look: Code = [
    set(pushed, load(get(record), 4 * HistoryField.pushed)),
    set(ripe, load(get(record), 4 * HistoryField.ripe)),
    set(previous, i32(-1)),
    ifElse(
      get(pushed),
      [set(previous, segmentAt(sub(get(pushed), i32(1)))), ifElse(equal(get(previous), get(segment)), repeated, [])],
      [],
    ),
    storeAt(i32(0), home + KernelField.latest, get(previous)),
    set(key, add(get(segment), i32(1))),
    set(keys, wasm.splat(get(key))),
  ];

  /**
   * Finds the segment's row, and writes 0 where it stands already in the two lines that naming will read, for they may come from far: unlike a read,
   * nothing waits for a write. They are the highest bytes of a row's first slot and of the counts of a bucket's first context.
   */
  const touch: Code = [
    set(
      ownAt,
      select(isLess(get(segment), field(KernelField.indexLength)), indexOf(segment), i32(home + KernelField.nobody)),
    ),
    set(row, rowOf(load(get(ownAt)))),
    wasm.storeByte(get(row), SLOT - 1, i32(0)),
    set(a, add(get(previous), i32(1))),
    set(b, get(key)),
    findBucket,
    wasm.storeByte(get(first), COUNTS + 3, i32(0)),
  ];

  const ripen: Code = block(
    loop(
      branchIf(1, equal(get(ripe), get(pushed))),
      set(place, placeAt(get(ripe))),
      branchIf(
        1,
        and(
          not(exceeds(sub(get(position), load(get(place), 4 * HistoryField.positions)), get(lead))),
          isLess(sub(get(pushed), get(ripe)), i32(HISTORY_LENGTH)),
        ),
      ),
      set(source, load(get(place), 4 * HistoryField.segments)),
      ifElse(isLess(get(source), field(KernelField.indexLength)), [], leave),
      set(at, indexOf(source)),
      readIndex,
      ifElse(get(x), [], leave),
      ifElse(
        exceeds(get(ripe), i32(0)),
        [
          set(a, add(segmentAt(sub(get(ripe), i32(1))), i32(1))),
          set(b, add(get(source), i32(1))),
          findContext,
          ifElse(equal(get(entry), i32(home)), claimContext, confirmContext),
        ],
        [],
      ),
      visit,
      bump(ripe, 1),
      storeAt(get(record), 4 * HistoryField.ripe, get(ripe)),
      branch(0),
    ),
  );

  const follow: Code = [
    set(x, sub(get(pushed), i32(HISTORY_LENGTH))),
    set(oldest, select(isLess(get(x), i32(0)), i32(0), get(x))),
    block(
      ...weights.map((weight, lag): Code => {
        const index = sub(get(ripe), i32(lag + 1));
        return [
          branchIf(0, isLess(index, get(oldest))),
          set(source, segmentAt(index)),
          ifElse(
            notEqual(get(source), get(segment)),
            // Who was visited has a row.
            [set(at, indexOf(source)), readIndex, confirmRow(weight)],
            [],
          ),
        ];
      }),
    ),
  ];

  const push: Code = [
    storeAt(get(record), 4 * HistoryField.pushed, add(get(pushed), i32(1))),
    set(place, placeAt(get(pushed))),
    storeAt(get(place), 4 * HistoryField.segments, get(segment)),
    storeAt(get(place), 4 * HistoryField.positions, get(position)),
  ];

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
    set(entry, i32(home)),
    set(a, add(get(previous), i32(1))),
    set(b, get(key)),
    ifElse(
      exceeds(get(a), i32(0)),
      [findContext, set(x, shiftRight(sub(get(entry), field(KernelField.contexts)), i32(2)))],
      [],
    ),
    // As the index of a word, which is what the tables' own code takes for a hint.
    storeAt(get(record), 4 * HistoryField.hint, select(equal(get(entry), i32(home)), i32(-1), get(x))),
    set(pairFlags, flagsOf(wasm.loadVector(get(entry), NEXT))),
    set(own, load(get(ownAt), 4)),
    set(visits, low(get(own))),
    set(weight, load(shiftLeft(get(visits), i32(2)), home + KernelField.weightMin)),
    set(base, get(row)),
    set(slots, flagsOf(evenWords(0))),
    set(furtherSlots, flagsOf(evenWords(32))),
    set(
      flags,
      [0, 1, 2, 3, 4, 5, 6, 7].reduce(
        (flags, lane) => flagAt(flags, lane < 4 ? slots : furtherSlots, lane & 3, lane),
        flagAt(flagAt(wasm.splat(i32(0)), pairFlags, 0, 8), pairFlags, 1, 9),
      ),
    ),
    set(slots, wasm.narrowWords(heavyEnough(oddWords(0)), heavyEnough(oddWords(32)))),
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
        set(seen, load(get(entry), COUNTS)),
        ifElse(and(get(named), i32(IS_NEXT)), nameAfterPair(NEXT, 0), []),
        ifElse(and(get(named), i32(IS_OTHER)), nameAfterPair(OTHER, 4), []),
      ],
      [],
    ),
  ];

  return {
    locals: [
      [34, I32],
      [1, I64],
      [2, F64],
      [5, V128],
    ],
    value: [look, touch, ripen, choose, follow, push, name, shiftRight(sub(get(out), i32(to.named)), i32(2))],
  };
}

/** Asks memory for what an access of the segment in `next` after one of that in `segment` will need, as `touch` of `stepCode`; `x` is overwritten. */
export function touchCode(degree: number, { at: home }: OrderPlace, segment: number, next: number, x: number): Code {
  const field = (offset: number): Code => load(i32(0), home + offset);
  const mixed = (shift: number): Code => xor(get(x), shiftRight(get(x), i32(shift)));
  const key = (local: number, factor: number): Code => multiply(add(get(local), i32(1)), i32(factor | 0));
  return [
    ifElse(
      wasm.atLeastUnsigned(get(next), field(KernelField.indexLength)),
      [],
      wasm.storeByte(
        add(
          field(KernelField.rows),
          multiply(load(add(field(KernelField.index), multiply(get(next), i32(INDEX)))), i32(SLOT * degree)),
        ),
        SLOT - 1,
        i32(0),
      ),
    ),
    set(x, xor(key(segment, 0x9e3779b1), key(next, 0x85ebca6b))),
    set(x, multiply(mixed(15), i32(0x2c1b3c6d))),
    set(x, mixed(13)),
    wasm.storeByte(
      add(field(KernelField.contexts), shiftLeft(and(get(x), field(KernelField.bucketMask)), i32(6))),
      COUNTS + 3,
      i32(0),
    ),
  ];
}

/** Modules by what their code depends on: what was compiled once is compiled for all. */
const starters = new Map<string, (() => WasmInstance<'step'> | null) | null>();

/**
 * A kernel for rows of `degree` successors, of which those that come later weigh less (`weights` by lag), over a memory of at least `bytes` bytes;
 * null where there is no WebAssembly, or no memory for it.
 */
export function startKernel(degree: number, weights: readonly number[], bytes: number): WasmInstance<'step'> | null {
  let pageCount = 4;
  while (pageCount * 65_536 < bytes) pageCount *= 2;
  const name = [degree, pageCount, ...weights].join();
  return (
    compiledOnce(starters, name, () => compileWasm({ step: stepOf(degree, weights, ownPlace) }, pageCount))?.() ?? null
  );
}

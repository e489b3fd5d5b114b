/** The steps of learning one access by order, as WebAssembly, for whoever puts them together: the kernel of one access, and that of many rows ahead. */

import { type Code, I32, I64, V128, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import {
  COUNTS,
  ENTRY,
  evenWords,
  indexAt,
  KERNEL_DEGREE_MAX,
  KernelField,
  low,
  NEXT,
  OTHER,
  orderField,
  rowAt,
  SLOT,
  WEIGHT,
} from './order-fields.ts';
import { HISTORY_LENGTH, HISTORY_MASK, HistoryField } from './recent-history.ts';

const { get, set, i32, add, sub, multiply, and, or, xor, shiftLeft, shiftRight, select } = wasm;
const { equal, notEqual, isZero, isLess, exceeds, atLeast, load, storeAt, block, loop, branch, branchIf, ifElse } =
  wasm;

const FILLED_AT = 60;

/** Locals that hold what `stepCode` is told: see there. */
export interface StepLocals {
  readonly record: number;
  readonly segment: number;
  readonly position: number;
  readonly lead: number;
  /** The first that is its own. */
  readonly own: number;
}

/** The steps of learning one access, for whoever puts them together; and locals that hold what they leave. */
export interface Learning {
  readonly locals: WasmFunction['locals'];
  /** The first local that is free behind them. */
  readonly free: number;
  /** Leaves in `pushed` how many segments the consumer has asked for, in `previous` the latest of them, or -1. */
  readonly look: Code;
  /** Leaves in `row` where the segment's row begins, in `ownAt` where the index has it. */
  readonly touch: Code;
  /** Visits what has become ripe. */
  readonly ripen: Code;
  /** Leaves in `entry` where the pair (`previous`, segment) is, or where what is not known is; not while anything is ripened. */
  readonly find: Code;
  /** Keeps where that was, for the consumer's next access. */
  readonly hint: Code;
  readonly follow: Code;
  readonly push: Code;
  readonly segment: number;
  readonly pushed: number;
  readonly previous: number;
  readonly row: number;
  readonly entry: number;
  readonly ownAt: number;
  /** The consumer's latest segment but `count` - 1. */
  segmentBefore(count: number): Code;
}

/**
 * What decides differently from access to access is chosen without branches where that is short: a branch that is guessed wrong costs as much as sixty instructions.
 * `leave` ends the function where something would have to grow.
 */
export function learningCode(
  degree: number,
  weights: readonly number[],
  home: number,
  { record, segment, position, lead, own: n }: StepLocals,
  leave: Code,
): Learning {
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
  const [isNext, isOther, ownAt, pairOf, keys] = [n + 27, n + 28, n + 29, n + 30, n + 31];
  const ROW = SLOT * degree;

  const field = (offset: number): Code => orderField(home, offset);
  const bump = (local: number, by: number): Code => set(local, add(get(local), i32(by)));
  const placeAt = (index: Code): Code => add(get(record), shiftLeft(and(index, i32(HISTORY_MASK)), i32(2)));
  const segmentAt = (index: Code): Code => load(placeAt(index), 4 * HistoryField.segments);
  const nibble = (shift: number): Code => and(shiftRight(get(packed), i32(shift)), i32(15));
  const not = isZero;

  const rowOf = (number: Code): Code => rowAt(home, number, degree);
  /** Leaves in `x` which row the segment at `at` of the index has, in `base` where it begins, in `header` its tick and visits. */
  const readIndex: Code = [set(x, load(get(at))), set(header, load(get(at), 4)), set(base, rowOf(get(x)))];
  const indexOf = (of: number): Code => indexAt(home, get(of));

  /** What is -1 in a slot sets its bits, two a slot; those beyond the row are 0. */
  const bitsOf = (a: Code, b: Code): Code => {
    const bits = wasm.bitmask(wasm.narrowWords(a, b));
    return degree === KERNEL_DEGREE_MAX ? bits : and(bits, i32((1 << (2 * degree)) - 1));
  };
  /** Which slots of the row at `base` hold the key that fills the vector. */
  const slotsWith = (key: Code): Code =>
    bitsOf(wasm.equalWords(evenWords(base, 0), key), wasm.equalWords(evenWords(base, 32), key));
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
    set(previous, select(get(pushed), segmentAt(sub(get(pushed), i32(1))), i32(-1))),
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

  const find: Code = [
    set(entry, i32(home)),
    set(a, add(get(previous), i32(1))),
    set(b, get(key)),
    ifElse(exceeds(get(a), i32(0)), findContext, []),
  ];
  /** As the index of a word, which is what the tables' own code takes. */
  const hint: Code = storeAt(
    get(record),
    4 * HistoryField.hint,
    select(equal(get(entry), i32(home)), i32(-1), shiftRight(sub(get(entry), field(KernelField.contexts)), i32(2))),
  );

  return {
    locals: [
      [30, I32],
      [1, I64],
      [1, V128],
    ],
    free: n + 32,
    look,
    touch,
    ripen,
    find,
    hint,
    follow,
    push,
    segment,
    pushed,
    previous,
    row,
    entry,
    ownAt,
    segmentBefore: (count) => segmentAt(sub(get(pushed), i32(count))),
  };
}

/** Learning and naming by order for one access, as WebAssembly over the tables of `SuccessorTable`, `ContextTable` and `RecentHistory`. */

import {
  type Code,
  compileWasm,
  F64,
  I32,
  type WasmFunction,
  type WasmInstance,
  wasm,
} from '../../streams/sources/wasm-module.ts';
import { AGE_BINS, SCORE_BINS, SUPPORT_BINS } from '../near-loop/opinion-bins.ts';
import { HISTORY_LENGTH, HISTORY_MASK, HistoryField } from './recent-history.ts';

const { get, set, i32, add, sub, multiply, and, or, xor, shiftLeft, shiftRight } = wasm;
const { equal, notEqual, isZero, isLess, exceeds, atLeast, load, storeAt, block, loop, branch, branchIf, ifElse } =
  wasm;

/** Where the first words of the memory lie, in bytes: what the tables are, and what one call leaves. */
export const KernelField = {
  rows: 0,
  rowIndex: 4,
  rowIndexLength: 8,
  /** Bytes. */
  stride: 12,
  contexts: 16,
  bucketMask: 20,
  flags: 24,
  flagsLength: 28,
  visitsMax: 32,
  lookahead: 36,
  filledMax: 40,
  /** The consumer's segment before this one, or -1. */
  previous: 48,
  /** A double. */
  scoreMin: 56,
  /** Sixteen words. */
  weights: 64,
  /** Three words each: who is named, the bin as successor and the bin after the pair, 0 = silent. */
  named: 128,
  /** Bytes: `scoreBinOf`. */
  scoreBins: 1024,
} as const;
/** Where the tables may begin. */
export const KERNEL_TABLES_AT = 1536;

/** Words of one that is named. */
export const NAMED_STRIDE = 3;

/** What `step` gives instead of the bytes of those that are named. */
export const KernelAnswer = { left: -1, repeated: -2 } as const;

const HEADER_VISITS = 0xffff;
const WEIGHT = 0xffff;
/** Bytes of a context's fields. */
const [NEXT, OTHER, COUNTS, ENTRY] = [8, 12, 16, 20];
const FILLED_AT = 60;

/**
 * `step(record, segment, position, lead)` does what `SequencePredictor` does with an access and then with its naming, to the last bit,
 * unless something would have to grow: then it changes nothing and gives `KernelAnswer.left`.
 */
const step: WasmFunction = (() => {
  const [record, segment, position, lead] = [0, 1, 2, 3];
  const [pushed, ripe, previous, i, source, base, header, visits] = [4, 5, 6, 7, 8, 9, 10, 11];
  const [a, b, id, at, first, packed, x, last, key, weight] = [12, 13, 14, 15, 16, 17, 18, 19, 20, 21];
  const [tick, out, ripened, stride, entry, one, two, seen, row, oldest] = [22, 23, 24, 25, 26, 27, 28, 29, 30, 31];
  const [age, scale, share] = [32, 33, 34];

  const field = (offset: number): Code => load(i32(offset));
  const bump = (local: number, by: number): Code => set(local, add(get(local), i32(by)));
  const segmentAt = (index: Code): Code =>
    load(add(get(record), shiftLeft(and(index, i32(HISTORY_MASK)), i32(2))), 4 * HistoryField.segments);
  const placeAt = (index: Code): Code => add(get(record), shiftLeft(and(index, i32(HISTORY_MASK)), i32(2)));
  const low = (code: Code): Code => and(code, i32(WEIGHT));
  const nibble = (shift: number): Code => and(shiftRight(get(packed), i32(shift)), i32(15));

  /** Leaves in `base` where the row of the segment in a local begins, or 0. */
  const findRow = (of: number): Code => [
    set(base, i32(0)),
    ifElse(
      isLess(get(of), field(KernelField.rowIndexLength)),
      [
        set(x, load(add(field(KernelField.rowIndex), shiftLeft(get(of), i32(2))))),
        ifElse(get(x), set(base, add(field(KernelField.rows), multiply(sub(get(x), i32(1)), get(stride)))), []),
      ],
      [],
    ),
  ];

  /** Leaves in `first` where the bucket of (`a`, `b`) begins. */
  const findBucket: Code = [
    set(x, xor(multiply(get(a), i32(0x9e3779b1 | 0)), multiply(get(b), i32(0x85ebca6b | 0)))),
    set(x, multiply(xor(get(x), shiftRight(get(x), i32(15))), i32(0x2c1b3c6d))),
    set(x, xor(get(x), shiftRight(get(x), i32(13)))),
    set(first, add(field(KernelField.contexts), shiftLeft(and(get(x), field(KernelField.bucketMask)), i32(6)))),
  ];
  const isThere = (address: Code, offset: number): Code =>
    and(equal(load(address, offset), get(a)), equal(load(address, offset + 4), get(b)));
  /** Leaves in `entry` where the context (`a`, `b`) is, or 0; in `first` where its bucket begins. */
  const findContext: Code = [
    findBucket,
    set(entry, get(first)),
    ifElse(
      isThere(get(first), 0),
      [],
      ifElse(
        isThere(get(first), ENTRY),
        bump(entry, ENTRY),
        ifElse(isThere(get(first), 2 * ENTRY), bump(entry, 2 * ENTRY), set(entry, i32(0))),
      ),
    ),
  ];

  /** Another visit of the row at `base`. */
  const visit: Code = [
    set(header, load(get(base))),
    set(visits, and(get(header), i32(HEADER_VISITS))),
    ifElse(
      atLeast(get(visits), field(KernelField.visitsMax)),
      [
        set(visits, shiftRight(get(visits), i32(1))),
        set(at, add(get(base), i32(4))),
        set(last, add(get(base), get(stride))),
        loop(
          set(packed, load(get(at), 4)),
          set(weight, shiftRight(low(get(packed)), i32(1))),
          storeAt(get(at), 4, or(and(get(packed), i32(~WEIGHT)), get(weight))),
          ifElse(get(weight), [], storeAt(get(at), 0, i32(0))),
          bump(at, 8),
          branchIf(0, isLess(get(at), get(last))),
        ),
      ],
      [],
    ),
    set(tick, and(add(shiftRight(get(header), i32(16)), i32(1)), i32(255))),
    storeAt(get(base), 0, or(shiftLeft(get(tick), i32(16)), add(get(visits), i32(1)))),
  ];

  /** The context at `entry` was followed by `id`. */
  const confirmContext: Code = [
    set(packed, load(get(entry), COUNTS)),
    set(one, nibble(0)),
    set(two, nibble(4)),
    set(seen, add(nibble(8), i32(1))),
    ifElse(
      equal(load(get(entry), NEXT), get(id)),
      bump(one, 1),
      ifElse(
        equal(load(get(entry), OTHER), get(id)),
        [
          bump(two, 1),
          ifElse(
            exceeds(get(two), get(one)),
            [
              storeAt(get(entry), OTHER, load(get(entry), NEXT)),
              storeAt(get(entry), NEXT, get(id)),
              set(x, get(one)),
              set(one, get(two)),
              set(two, get(x)),
            ],
            [],
          ),
        ],
        ifElse(exceeds(get(two), i32(1)), bump(two, -1), [storeAt(get(entry), OTHER, get(id)), set(two, i32(1))]),
      ),
    ),
    ifElse(
      exceeds(get(seen), i32(15)),
      [set(seen, i32(8)), set(one, shiftRight(get(one), i32(1))), set(two, shiftRight(get(two), i32(1)))],
      [],
    ),
    ifElse(exceeds(get(one), i32(15)), set(one, i32(15)), []),
    ifElse(exceeds(get(two), i32(15)), set(two, i32(15)), []),
    storeAt(get(entry), COUNTS, or(get(one), or(shiftLeft(get(two), i32(4)), shiftLeft(get(seen), i32(8))))),
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
    storeAt(get(entry), NEXT, get(id)),
    storeAt(get(entry), OTHER, i32(0)),
    storeAt(get(entry), COUNTS, i32(1 | (1 << 8))),
  ];

  /** `key` was seen after the row at `base`, worth `weight`. */
  const confirmRow: Code = block(
    set(tick, and(shiftRight(load(get(base)), i32(16)), i32(255))),
    set(at, add(get(base), i32(4))),
    set(last, sub(add(get(base), get(stride)), i32(8))),
    block(
      loop(
        branchIf(1, equal(get(at), get(last))),
        set(x, load(get(at))),
        branchIf(1, equal(get(x), get(key))),
        branchIf(1, isZero(get(x))),
        bump(at, 8),
        branch(0),
      ),
    ),
    set(packed, load(get(at), 4)),
    ifElse(
      equal(load(get(at)), get(key)),
      [
        branchIf(1, equal(shiftRight(get(packed), i32(16)), get(tick))),
        set(weight, add(get(weight), low(get(packed)))),
      ],
      ifElse(
        exceeds(low(get(packed)), get(weight)),
        [storeAt(get(at), 4, sub(get(packed), get(weight))), branch(2)],
        [],
      ),
    ),
    set(first, add(get(base), i32(4))),
    block(
      loop(
        branchIf(1, equal(get(at), get(first))),
        set(packed, load(sub(get(at), i32(4)))),
        branchIf(1, atLeast(low(get(packed)), get(weight))),
        storeAt(get(at), 0, load(sub(get(at), i32(8)))),
        storeAt(get(at), 4, get(packed)),
        bump(at, -8),
        branch(0),
      ),
    ),
    storeAt(get(at), 0, get(key)),
    storeAt(get(at), 4, or(shiftLeft(get(tick), i32(16)), get(weight))),
  );

  const leave = wasm.giveBack(i32(KernelAnswer.left));
  const look: Code = [
    set(stride, field(KernelField.stride)),
    set(pushed, load(get(record), 4 * HistoryField.pushed)),
    set(ripe, load(get(record), 4 * HistoryField.ripe)),
    set(previous, i32(-1)),
    ifElse(
      get(pushed),
      [
        set(previous, segmentAt(sub(get(pushed), i32(1)))),
        ifElse(equal(get(previous), get(segment)), wasm.giveBack(i32(KernelAnswer.repeated)), []),
      ],
      [],
    ),
    storeAt(i32(KernelField.previous), 0, get(previous)),
    // Who will be ripe, and whether all of them have rows.
    set(ripened, get(ripe)),
    block(
      loop(
        branchIf(1, equal(get(ripened), get(pushed))),
        branchIf(
          1,
          and(
            isZero(exceeds(sub(get(position), load(placeAt(get(ripened)), 4 * HistoryField.positions)), get(lead))),
            isLess(sub(get(pushed), get(ripened)), i32(HISTORY_LENGTH)),
          ),
        ),
        set(source, segmentAt(get(ripened))),
        findRow(source),
        ifElse(get(base), [], leave),
        bump(ripened, 1),
        branch(0),
      ),
    ),
    ifElse(
      exceeds(
        add(load(field(KernelField.contexts), FILLED_AT), sub(get(ripened), get(ripe))),
        field(KernelField.filledMax),
      ),
      leave,
      [],
    ),
  ];

  const ripen: Code = block(
    set(i, get(ripe)),
    set(id, add(get(segment), i32(1))),
    loop(
      branchIf(1, equal(get(i), get(ripened))),
      set(source, segmentAt(get(i))),
      findRow(source),
      visit,
      ifElse(
        exceeds(get(i), i32(0)),
        [
          set(a, add(segmentAt(sub(get(i), i32(1))), i32(1))),
          set(b, add(get(source), i32(1))),
          findContext,
          ifElse(get(entry), confirmContext, claimContext),
        ],
        [],
      ),
      bump(i, 1),
      branch(0),
    ),
  );

  const follow: Code = [
    set(key, add(get(segment), i32(1))),
    set(oldest, sub(get(ripened), field(KernelField.lookahead))),
    ifElse(
      isLess(get(oldest), sub(get(pushed), i32(HISTORY_LENGTH))),
      set(oldest, sub(get(pushed), i32(HISTORY_LENGTH))),
      [],
    ),
    ifElse(isLess(get(oldest), i32(0)), set(oldest, i32(0)), []),
    set(i, sub(get(ripened), i32(1))),
    block(
      loop(
        branchIf(1, isLess(get(i), get(oldest))),
        set(source, segmentAt(get(i))),
        ifElse(
          notEqual(get(source), get(segment)),
          [
            findRow(source),
            ifElse(
              get(base),
              [
                set(weight, load(shiftLeft(sub(sub(get(ripened), i32(1)), get(i)), i32(2)), KernelField.weights)),
                confirmRow,
              ],
              [],
            ),
          ],
          [],
        ),
        bump(i, -1),
        branch(0),
      ),
    ),
  ];

  const push: Code = [
    storeAt(get(record), 4 * HistoryField.pushed, add(get(pushed), i32(1))),
    storeAt(get(record), 4 * HistoryField.ripe, get(ripened)),
    storeAt(get(record), 4 * HistoryField.hint, i32(-1)),
    storeAt(placeAt(get(pushed)), 4 * HistoryField.segments, get(segment)),
    storeAt(placeAt(get(pushed)), 4 * HistoryField.positions, get(position)),
  ];

  /** Leaves the block that it stands in where the segment in `x` is at the site for certain. */
  const passOver: Code = ifElse(
    isLess(get(x), field(KernelField.flagsLength)),
    branchIf(1, wasm.loadByte(add(field(KernelField.flags), get(x)))),
    [],
  );
  const bitLength = (value: Code): Code => sub(i32(32), wasm.leadingZeros(value));
  const atMost = (local: number, most: number): Code =>
    ifElse(exceeds(get(local), i32(most)), set(local, i32(most)), []);

  /** What `successorBin` adds for the visits of the row. */
  const support: Code = [
    ifElse(isLess(get(visits), i32(4)), set(row, sub(get(visits), i32(1))), [
      set(row, add(bitLength(sub(get(visits), i32(2))), i32(1))),
      atMost(row, SUPPORT_BINS - 1),
    ]),
    set(row, add(multiply(get(row), i32(SCORE_BINS)), i32(1))),
    set(scale, wasm.divideDouble(wasm.double(1), wasm.doubleOf(shiftLeft(get(visits), i32(4))))),
  ];
  /** Names the successor in `x`, whose slot is `packed`, with its `successorBin`. */
  const nameSuccessor: Code = block(
    passOver,
    set(age, and(sub(get(tick), shiftRight(get(packed), i32(16))), i32(255))),
    ifElse(
      isLess(get(age), i32(3)),
      [set(age, sub(get(age), i32(1))), ifElse(isLess(get(age), i32(0)), set(age, i32(0)), [])],
      [set(age, bitLength(sub(get(age), i32(1)))), atMost(age, AGE_BINS - 1)],
    ),
    set(share, wasm.multiplyDouble(wasm.doubleOf(low(get(packed))), get(scale))),
    ifElse(wasm.atLeastDouble(get(share), wasm.double(1)), set(share, wasm.double(1)), []),
    storeAt(get(out), 0, get(x)),
    storeAt(
      get(out),
      4,
      add(
        add(
          get(row),
          wasm.loadByte(wasm.wholePart(wasm.multiplyDouble(get(share), wasm.double(256))), KernelField.scoreBins),
        ),
        multiply(get(age), i32(SCORE_BINS * SUPPORT_BINS)),
      ),
    ),
    storeAt(get(out), 8, i32(0)),
    bump(out, 4 * NAMED_STRIDE),
  );

  const successors: Code = [
    set(out, i32(KernelField.named)),
    findRow(segment),
    ifElse(
      get(base),
      [
        set(header, load(get(base))),
        set(visits, and(get(header), i32(HEADER_VISITS))),
        ifElse(
          get(visits),
          [
            set(tick, add(and(shiftRight(get(header), i32(16)), i32(255)), i32(1))),
            support,
            set(
              weight,
              wasm.ceiling(
                wasm.multiplyDouble(
                  wasm.multiplyDouble(wasm.loadDouble(i32(KernelField.scoreMin)), wasm.doubleOf(get(visits))),
                  wasm.doubleOf(i32(16)),
                ),
              ),
            ),
            ifElse(isLess(get(weight), i32(1)), set(weight, i32(1)), []),
            set(at, add(get(base), i32(4))),
            set(last, add(get(base), get(stride))),
            block(
              loop(
                branchIf(1, equal(get(at), get(last))),
                set(packed, load(get(at), 4)),
                branchIf(1, isLess(low(get(packed)), get(weight))),
                set(x, sub(load(get(at)), i32(1))),
                nameSuccessor,
                bump(at, 8),
                branch(0),
              ),
            ),
          ],
          [],
        ),
      ],
      [],
    ),
  ];

  /** Names what follows the pair, or adds its `contextBin` to what was named already. */
  const nameAfterPair = (offset: number, shift: number): Code =>
    block(
      set(x, sub(load(get(entry), offset), i32(1))),
      branchIf(0, isLess(get(x), i32(0))),
      passOver,
      set(at, i32(KernelField.named)),
      block(
        loop(
          branchIf(1, equal(get(at), get(out))),
          branchIf(1, equal(load(get(at)), get(x))),
          bump(at, 4 * NAMED_STRIDE),
          branch(0),
        ),
      ),
      ifElse(
        equal(get(at), get(out)),
        [storeAt(get(at), 0, get(x)), storeAt(get(at), 4, i32(0)), bump(out, 4 * NAMED_STRIDE)],
        [],
      ),
      storeAt(
        get(at),
        8,
        add(
          add(and(shiftRight(get(seen), i32(shift)), i32(15)), i32(1)),
          shiftLeft(and(shiftRight(get(seen), i32(8)), i32(15)), i32(4)),
        ),
      ),
    );
  const pair: Code = ifElse(
    isLess(get(previous), i32(0)),
    [],
    [
      set(a, add(get(previous), i32(1))),
      set(b, add(get(segment), i32(1))),
      findContext,
      ifElse(
        get(entry),
        [
          // As the index of a word, which is what the tables' own code takes for a hint.
          storeAt(get(record), 4 * HistoryField.hint, shiftRight(sub(get(entry), field(KernelField.contexts)), i32(2))),
          set(seen, load(get(entry), COUNTS)),
          nameAfterPair(NEXT, 0),
          nameAfterPair(OTHER, 4),
        ],
        [],
      ),
    ],
  );

  return {
    parameterCount: 4,
    hasResult: true,
    locals: [
      [29, I32],
      [2, F64],
    ],
    body: [
      look,
      ripen,
      follow,
      push,
      successors,
      pair,
      // A multiple of few bytes: told as such, for it is not worth a division.
      sub(get(out), i32(KernelField.named)),
    ],
  };
})();

/** Modules by the pages of their memory, a power of two: what was compiled once is compiled for all. */
const starters = new Map<number, (() => WasmInstance<'step'> | null) | null>();

/** A kernel over a memory of at least `bytes` bytes; null where there is no WebAssembly, or no memory for it. */
export function startKernel(bytes: number): WasmInstance<'step'> | null {
  let pageCount = 4;
  while (pageCount * 65_536 < bytes) pageCount *= 2;
  let start = starters.get(pageCount);
  if (start === undefined) {
    start = compileWasm({ step }, pageCount);
    starters.set(pageCount, start);
  }
  return start?.() ?? null;
}

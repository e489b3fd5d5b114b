/** Settling and weighing forecasts as WebAssembly over the tables of `CandidateMixture`, `CandidateSet` and `SegmentFacts`. */

import {
  type Code,
  compileWasm,
  F64,
  I32,
  type WasmFunction,
  type WasmInstance,
  wasm,
} from '../../streams/sources/wasm-module.ts';
import { binBase, Opinion } from './opinion-bins.ts';
import { BIAS, BIAS_AT, RARE } from './opinion-mixer.ts';
import { FACT_STRIDE, Fact } from './segment-facts.ts';
import { SQUASH_STEPS, STRETCH_MAX, STRETCH_STEPS } from './stretch.ts';

const { get, set, i32, add, sub, multiply, and, or, shiftLeft, shiftRight, load, loadByte, storeAt } = wasm;
const { equal, notEqual, isZero, isLess, exceeds, atLeast, block, loop, branch, branchIf, ifElse } = wasm;
const { loadShort, storeShort, storeByte, loadDouble, storeDouble, loadFloat, storeFloat, double } = wasm;
const { addDouble, subDouble, multiplyDouble, divideDouble, isLessDouble, exceedsDouble, atMostDouble } = wasm;
const { atLeastDouble, doubleOf, doubleOfUnsigned, wholePart, magnitude, leadingZeros } = wasm;

/** Where the first words of the memory lie, in bytes: where the tables begin, and what does not change from call to call. */
export const MixtureField = {
  facts: 0,
  trialSegment: 4,
  trialAt: 8,
  trialOlder: 12,
  trialNewest: 16,
  trialNewestLength: 20,
  trialBins: 24,
  trialFinal: 28,
  trialCapacity: 32,
  /** Words: the first trial, how many there are, how many were refused. */
  trialState: 36,
  binProbability: 40,
  binLogOdds: 44,
  binTrials: 48,
  finalProbability: 52,
  finalLogOdds: 56,
  finalTrials: 60,
  memory: 64,
  weights: 68,
  updates: 72,
  squash: 76,
  stretch: 80,
  candidateSegment: 84,
  candidateBins: 88,
  candidateSpoke: 92,
  mixed: 96,
  /** Words: forecasts that were all tried, and how many are passed over until the next trial. */
  sampling: 100,
  triesFull: 104,
  tryEvery: 108,
  isForecastOn: 112,
  isPopularityOn: 116,
  /** Doubles. */
  rateLast: 120,
  rateFall: 128,
  position: 136,
  horizon: 144,
} as const;
/** Where the tables may begin. */
export const MIXTURE_TABLES_AT = 256;

/** Words of a weight set and of a candidate's bins. */
const WORDS_LOG = 3;
/** Accesses after which an earlier forecast says nothing. */
export const FORECAST_AGE_MAX = 128;
/** What is kept of a forecast's log position beside the forecast itself. */
export const POSITION_MASK = 2 ** 28 - 1;

const field = (offset: number): Code => load(i32(offset));
const bump = (local: number, by: number): Code => set(local, add(get(local), i32(by)));
const wordOf = (table: number, index: Code): Code => add(field(table), shiftLeft(index, i32(2)));
const shortOf = (table: number, index: Code): Code => add(field(table), shiftLeft(index, i32(1)));
const doubleAt = (table: number, index: Code): Code => add(field(table), shiftLeft(index, i32(3)));

interface MixLocals {
  /** Bytes at which the bins and the weights begin, and the set. */
  readonly bins: number;
  readonly weights: number;
  readonly set: number;
  /** A double: what comes of it. */
  readonly sum: number;
}

const logOddsOf = (bins: number, opinion: number): Code =>
  loadFloat(wordOf(MixtureField.binLogOdds, loadShort(get(bins), 2 * opinion)));

/** `mixed` of opinion-mixer.ts: leaves in `sum` the weighted log-odds, added up in the same order. */
function mix(locals: MixLocals, rare: Code): Code {
  const { bins, weights, sum } = locals;
  const term = (opinion: number): Code =>
    set(sum, addDouble(get(sum), multiplyDouble(loadFloat(get(weights), 4 * opinion), logOddsOf(bins, opinion))));
  return [
    set(weights, add(field(MixtureField.weights), shiftLeft(get(locals.set), i32(WORDS_LOG + 2)))),
    set(sum, multiplyDouble(loadFloat(get(weights), 4 * BIAS_AT), double(BIAS))),
    term(0),
    term(1),
    ifElse(rare, [term(2), term(3), term(4)], []),
    term(5),
    term(6),
  ];
}

/** `squash` of stretch.ts: turns the log-odds in `x` into a probability. `at`, `low` are doubles to be overwritten, `i` a word. */
function squashed(x: number, at: number, low: number, i: number): Code {
  const edge = loadDouble(field(MixtureField.squash), 8 * SQUASH_STEPS);
  return [
    set(at, magnitude(get(x))),
    ifElse(atLeastDouble(get(at), double(STRETCH_MAX)), set(low, edge), [
      set(at, divideDouble(multiplyDouble(get(at), double(SQUASH_STEPS)), double(STRETCH_MAX))),
      set(i, doubleAt(MixtureField.squash, wholePart(get(at)))),
      set(at, subDouble(get(at), doubleOf(wholePart(get(at))))),
      set(low, loadDouble(get(i))),
      set(low, addDouble(get(low), multiplyDouble(subDouble(loadDouble(get(i), 8), get(low)), get(at)))),
    ]),
    ifElse(isLessDouble(get(x), double(0)), set(x, subDouble(double(1), get(low))), set(x, get(low))),
  ];
}

/** `settle(segment)`: the open trials of a demanded segment are settled, then those whose horizon has passed. */
const settle: WasmFunction = (() => {
  const [segment, slot, bins, weights, set_, i, bin, n, end, state] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const [sum, at, low, truth, step, moved] = [10, 11, 12, 13, 14, 15];
  const mixLocals: MixLocals = { bins, weights, set: set_, sum };

  /** `BinCalibration.observe` of `bin` with `truth`. */
  const observe = (probability: number, logOdds: number, trials: number): Code => [
    set(n, loadShort(shortOf(trials, get(bin)))),
    set(moved, loadFloat(wordOf(probability, get(bin)))),
    set(
      moved,
      addDouble(get(moved), divideDouble(subDouble(get(truth), get(moved)), addDouble(doubleOf(get(n)), double(2)))),
    ),
    storeFloat(wordOf(probability, get(bin)), 0, get(moved)),
    storeFloat(
      wordOf(logOdds, get(bin)),
      0,
      loadDouble(
        doubleAt(
          MixtureField.stretch,
          wholePart(addDouble(multiplyDouble(get(moved), double(STRETCH_STEPS)), double(0.5))),
        ),
      ),
    ),
    ifElse(
      isLess(get(n), field(MixtureField.memory)),
      storeShort(shortOf(trials, get(bin)), 0, add(get(n), i32(1))),
      [],
    ),
  ];
  const learned = (opinion: number): Code =>
    storeFloat(
      get(weights),
      4 * opinion,
      addDouble(loadFloat(get(weights), 4 * opinion), multiplyDouble(get(step), logOddsOf(bins, opinion))),
    );
  const isRare = and(get(set_), i32(RARE));

  /** The trial in `slot` came to `truth`. */
  const end_: Code = [
    set(bins, add(field(MixtureField.trialBins), shiftLeft(get(slot), i32(WORDS_LOG + 1)))),
    set(set_, loadShort(get(bins), 14)),
    mix(mixLocals, isRare),
    squashed(sum, at, low, i),
    // The set's updates, counted without a sign.
    set(i, wordOf(MixtureField.updates, get(set_))),
    set(n, load(get(i))),
    storeAt(get(i), 0, add(get(n), i32(1))),
    set(
      step,
      multiplyDouble(
        addDouble(
          loadDouble(i32(MixtureField.rateLast)),
          divideDouble(loadDouble(i32(MixtureField.rateFall)), addDouble(double(256), doubleOfUnsigned(get(n)))),
        ),
        subDouble(get(truth), get(sum)),
      ),
    ),
    learned(0),
    learned(1),
    ifElse(isRare, [learned(2), learned(3), learned(4)], []),
    learned(5),
    learned(6),
    storeFloat(
      get(weights),
      4 * BIAS_AT,
      addDouble(loadFloat(get(weights), 4 * BIAS_AT), multiplyDouble(get(step), double(BIAS))),
    ),
    set(end, add(get(bins), i32(14))),
    loop(
      set(bin, loadShort(get(bins))),
      ifElse(get(bin), observe(MixtureField.binProbability, MixtureField.binLogOdds, MixtureField.binTrials), []),
      bump(bins, 2),
      branchIf(0, isLess(get(bins), get(end))),
    ),
    set(bin, loadByte(add(field(MixtureField.trialFinal), get(slot)))),
    observe(MixtureField.finalProbability, MixtureField.finalLogOdds, MixtureField.finalTrials),
  ];

  /** `TrialRing.takeDemanded`, until there is none. */
  const demanded: Code = block(
    branchIf(0, atLeast(get(segment), field(MixtureField.trialNewestLength))),
    loop(
      set(slot, load(wordOf(MixtureField.trialNewest, get(segment)))),
      branchIf(1, isLess(get(slot), i32(0))),
      ifElse(
        notEqual(load(wordOf(MixtureField.trialSegment, get(slot))), get(segment)),
        [storeAt(wordOf(MixtureField.trialNewest, get(segment)), 0, i32(-1)), branch(2)],
        [],
      ),
      storeAt(wordOf(MixtureField.trialNewest, get(segment)), 0, load(wordOf(MixtureField.trialOlder, get(slot)))),
      storeAt(wordOf(MixtureField.trialSegment, get(slot)), 0, i32(-1)),
      set(
        truth,
        doubleOf(
          atMostDouble(
            subDouble(loadDouble(i32(MixtureField.position)), loadDouble(doubleAt(MixtureField.trialAt, get(slot)))),
            loadDouble(i32(MixtureField.horizon)),
          ),
        ),
      ),
      end_,
      branch(0),
    ),
  );

  /** `TrialRing.takeExpired`, until there is none. */
  const expired: Code = block(
    set(state, field(MixtureField.trialState)),
    set(truth, double(0)),
    loop(
      branchIf(1, isZero(load(get(state), 4))),
      set(slot, load(get(state))),
      set(i, load(wordOf(MixtureField.trialSegment, get(slot)))),
      branchIf(
        1,
        and(
          atLeast(get(i), i32(0)),
          atLeastDouble(
            loadDouble(doubleAt(MixtureField.trialAt, get(slot))),
            subDouble(loadDouble(i32(MixtureField.position)), loadDouble(i32(MixtureField.horizon))),
          ),
        ),
      ),
      set(n, add(get(slot), i32(1))),
      ifElse(equal(get(n), field(MixtureField.trialCapacity)), set(n, i32(0)), []),
      storeAt(get(state), 0, get(n)),
      storeAt(get(state), 4, sub(load(get(state), 4), i32(1))),
      ifElse(isLess(get(i), i32(0)), [], [storeAt(wordOf(MixtureField.trialSegment, get(slot)), 0, i32(-1)), end_]),
      branch(0),
    ),
  );

  return {
    parameterCount: 1,
    hasResult: false,
    locals: [
      [9, I32],
      [6, F64],
    ],
    body: [demanded, expired],
  };
})();

/** `weigh(count, servedClass, position)`: forecasts each candidate, leaves its probability in `mixed` and the forecast in its facts, and tries it. */
const weigh: WasmFunction = (() => {
  const [count, served, position, slot, bins, weights, set_, i, row, since] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const [segment, finalBin, state, trial, x] = [10, 11, 12, 13, 14];
  const [sum, at, low] = [15, 16, 17];
  const bitLength = (value: Code): Code => sub(i32(32), leadingZeros(value));
  const fact = (which: number): Code => load(get(row), 4 * which);

  const comment: Code = [
    set(x, fact(Fact.forecast)),
    ifElse(
      and(notEqual(field(MixtureField.isForecastOn), i32(0)), notEqual(get(x), i32(0))),
      [
        set(since, and(sub(add(get(position), i32(1)), shiftRight(get(x), i32(4))), i32(POSITION_MASK))),
        ifElse(
          isLess(get(since), i32(FORECAST_AGE_MAX)),
          storeShort(
            get(bins),
            2 * Opinion.earlierForecast,
            add(
              add(i32(binBase[Opinion.earlierForecast]! + 1), and(get(x), i32(15))),
              shiftLeft(bitLength(get(since)), i32(4)),
            ),
          ),
          [],
        ),
      ],
      [],
    ),
    set(x, fact(Fact.count)),
    ifElse(
      and(notEqual(field(MixtureField.isPopularityOn), i32(0)), exceeds(get(x), i32(0))),
      [
        set(since, bitLength(sub(get(position), fact(Fact.lastAt)))),
        ifElse(exceeds(get(since), i32(19)), set(since, i32(19)), []),
        storeShort(
          get(bins),
          2 * Opinion.popularity,
          add(add(i32(binBase[Opinion.popularity]!), bitLength(get(x))), multiply(get(since), i32(9))),
        ),
      ],
      [],
    ),
  ];

  const forecast: Code = [
    set(set_, add(shiftLeft(get(served), i32(5)), loadByte(add(field(MixtureField.candidateSpoke), get(slot))))),
    mix({ bins, weights, set: set_, sum }, and(get(set_), i32(RARE))),
    ifElse(exceedsDouble(get(sum), double(8)), set(sum, double(8)), []),
    ifElse(isLessDouble(get(sum), double(-8)), set(sum, double(-8)), []),
    set(
      finalBin,
      add(multiply(get(served), i32(33)), wholePart(addDouble(multiplyDouble(get(sum), double(2)), double(16.5)))),
    ),
    squashed(sum, at, low, i),
    set(
      sum,
      divideDouble(addDouble(get(sum), loadFloat(wordOf(MixtureField.finalProbability, get(finalBin)))), double(2)),
    ),
    storeDouble(doubleAt(MixtureField.mixed, get(slot)), 0, get(sum)),
    set(x, wholePart(multiplyDouble(get(sum), double(16)))),
    ifElse(exceeds(get(x), i32(15)), set(x, i32(15)), []),
    storeAt(get(row), 4 * Fact.forecast, or(shiftLeft(add(get(position), i32(1)), i32(4)), get(x))),
  ];

  /** All forecasts at first, later every so manyth; where the ring is full none. */
  const attempt: Code = block(
    set(state, field(MixtureField.sampling)),
    ifElse(
      isLess(load(get(state)), field(MixtureField.triesFull)),
      storeAt(get(state), 0, add(load(get(state)), i32(1))),
      [
        set(x, sub(load(get(state), 4), i32(1))),
        storeAt(get(state), 4, get(x)),
        branchIf(1, exceeds(get(x), i32(0))),
        storeAt(get(state), 4, field(MixtureField.tryEvery)),
      ],
    ),
    set(state, field(MixtureField.trialState)),
    set(x, load(get(state), 4)),
    ifElse(
      equal(get(x), field(MixtureField.trialCapacity)),
      [storeAt(get(state), 8, add(load(get(state), 8), i32(1))), branch(1)],
      [],
    ),
    storeAt(get(state), 4, add(get(x), i32(1))),
    set(trial, add(load(get(state)), get(x))),
    ifElse(
      atLeast(get(trial), field(MixtureField.trialCapacity)),
      set(trial, sub(get(trial), field(MixtureField.trialCapacity))),
      [],
    ),
    storeAt(wordOf(MixtureField.trialSegment, get(trial)), 0, get(segment)),
    storeDouble(doubleAt(MixtureField.trialAt, get(trial)), 0, loadDouble(i32(MixtureField.position))),
    set(i, wordOf(MixtureField.trialNewest, get(segment))),
    set(x, load(get(i))),
    storeAt(get(i), 0, get(trial)),
    ifElse(equal(get(x), get(trial)), set(x, i32(-1)), []),
    storeAt(wordOf(MixtureField.trialOlder, get(trial)), 0, get(x)),
    set(i, add(field(MixtureField.trialBins), shiftLeft(get(trial), i32(WORDS_LOG + 1)))),
    storeAt(get(i), 0, load(get(bins), 0)),
    storeAt(get(i), 4, load(get(bins), 4)),
    storeAt(get(i), 8, load(get(bins), 8)),
    storeShort(get(i), 12, loadShort(get(bins), 12)),
    storeShort(get(i), 14, get(set_)),
    storeByte(add(field(MixtureField.trialFinal), get(trial)), 0, get(finalBin)),
  );

  return {
    parameterCount: 3,
    hasResult: false,
    locals: [
      [12, I32],
      [3, F64],
    ],
    body: [
      block(
        loop(
          branchIf(1, atLeast(get(slot), get(count))),
          set(segment, load(wordOf(MixtureField.candidateSegment, get(slot)))),
          set(row, add(field(MixtureField.facts), multiply(get(segment), i32(4 * FACT_STRIDE)))),
          set(bins, add(field(MixtureField.candidateBins), shiftLeft(get(slot), i32(WORDS_LOG + 1)))),
          comment,
          forecast,
          attempt,
          bump(slot, 1),
          branch(0),
        ),
      ),
    ],
  };
})();

/** Modules by the pages of their memory, a power of two: what was compiled once is compiled for all. */
const starters = new Map<number, (() => WasmInstance<'settle' | 'weigh'> | null) | null>();

/** A kernel over a memory of at least `bytes` bytes; null where there is no WebAssembly, or no memory for it. */
export function startMixtureKernel(bytes: number): WasmInstance<'settle' | 'weigh'> | null {
  let pageCount = 16;
  while (pageCount * 65_536 < bytes) pageCount *= 2;
  let start = starters.get(pageCount);
  if (start === undefined) {
    start = compileWasm({ settle, weigh }, pageCount);
    starters.set(pageCount, start);
  }
  return start?.() ?? null;
}

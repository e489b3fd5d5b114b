/** The kernel's work on one access: settles forecasts, notes the access, weighs candidates and asks the gate about them. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { BELIEVED_FROM, TRIAL_EVERY } from './consumer-trust.ts';
import {
  accountOf,
  bitLength,
  bump,
  doubleAt,
  factOf,
  field,
  floatAt,
  logOddsOf,
  mix,
  number,
  putDouble,
  putFact,
  putFloat,
  putWord,
  rowOf,
  shortAt,
  squashed,
  stretched,
  trustOf,
  weightOf,
  wordAt,
} from './mixture-code.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { binBase, Opinion } from './opinion-bins.ts';
import { BIAS, BIAS_AT, RARE } from './opinion-mixer.ts';
import { Fact } from './segment-facts.ts';
import { EVEN_BINS, EVEN_SCALE, GATE_BIN_COUNT } from './value-gate.ts';

const { get, set, i32, add, sub, multiply, and, or, shiftLeft, shiftRight, load, storeAt } = wasm;
const { equal, notEqual, isLess, exceeds, atLeast, block, loop, branch, branchIf, ifElse } = wasm;
const { loadByte, loadShort, storeShort, storeByte, storeFloat, double, addDouble, subDouble } = wasm;
const { multiplyDouble, divideDouble, isLessDouble, exceedsDouble, atMostDouble, atLeastDouble } = wasm;
const { storeDouble, doubleOf, doubleOfUnsigned, wholeOf } = wasm;

/** Accesses after which an earlier forecast says nothing. */
export const FORECAST_AGE_MAX = 128;
/** What is kept of a forecast's log position beside the forecast itself. */
export const POSITION_MASK = 2 ** 28 - 1;
/** What `serve` is told beside the class: the candidates have the opinions of order alone; whether they pass is decided elsewhere. */
export const ServeMode = { named: 4, undecided: 8 } as const;

/** What it is told: whose access, of which consumer, how it was served, how many candidates; where in the log, and how many accesses fetches take. */
const [segment, consumer, how, count, now, lead] = [0, 1, 2, 3, 4, 5];
const [slot, bins, weights, set_, i, bin, n, x, row, since] = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const [finalBin, trial, account, admitted, served, position] = [16, 17, 18, 19, 20, 21];
const [sum, y, low, truth, step, moved, horizon, trust, left] = [22, 23, 24, 25, 26, 27, 28, 29, 30];
const [w0, w1, w5, w6, l0, l1, l5, l6] = [31, 32, 33, 34, 35, 36, 37, 38];
/** Those that whoever has this code in its own may know of, and the first that is free behind them. */
export const ServeLocal = { segment, consumer, how, count, now, lead, x, row, admitted, position, free: 39 } as const;
export const serveLocals: WasmFunction['locals'] = [
  [16, I32],
  [17, F64],
];
const isRare = and(get(set_), i32(RARE));

/** The code of `serve` over tables at these addresses. */
export function serveCode(at: MixtureAddresses): WasmFunction {
  return {
    parameterCount: 4,
    doubleCount: 2,
    hasResult: true,
    locals: serveLocals,
    body: [set(position, wholeOf(get(now))), servedCode(at), get(admitted)],
  };
}

/** What it does, in a function with the same locals where `position` is known; leaves in `admitted` how many pass. */
export function servedCode(at: MixtureAddresses): Code {
  return [
    set(horizon, addDouble(number(MixtureField.horizon), get(lead))),
    set(row, rowOf(get(segment))),
    set(x, factOf(at, row, Fact.count)),
    ifElse(isLess(get(x), i32(255)), putFact(at, row, Fact.count, add(get(x), i32(1))), []),
    putFact(at, row, Fact.lastAt, get(position)),
    // Rows of those that will be weighed: what is settled meanwhile takes about as long as they do to come.
    ifElse(get(count), touched(at), []),
    settled(at),
    ifElse(get(count), weighed(at), []),
  ];
}

function touched(at: MixtureAddresses): Code {
  return [
    set(slot, i32(0)),
    loop(
      storeAt(rowOf(wordAt(at.candidateSegment, get(slot))), at.facts + 4 * Fact.touched, i32(0)),
      bump(slot, 1),
      branchIf(0, isLess(get(slot), get(count))),
    ),
  ];
}

/** The open trials of the demanded segment, then those whose horizon has passed, as `TrialRing` takes them. */
function settled(at: MixtureAddresses): Code {
  const taken: Code = ifElse(
    isLess(get(slot), i32(0)),
    [],
    ifElse(
      equal(wordAt(at.trialSegment, get(slot)), get(segment)),
      [
        set(trial, get(slot)),
        set(slot, wordAt(at.trialOlder, get(trial))),
        putFact(at, row, Fact.newestTrial, add(get(slot), i32(1))),
        putWord(at.trialSegment, get(trial), i32(-1)),
        set(truth, doubleOf(atMostDouble(subDouble(get(now), doubleAt(at.trialAt, get(trial))), get(horizon)))),
        // Out of both, to where it is settled.
        branch(2),
      ],
      [putFact(at, row, Fact.newestTrial, i32(0)), set(slot, i32(-1))],
    ),
  );
  return [
    set(slot, sub(factOf(at, row, Fact.newestTrial), i32(1))),
    block(
      loop(
        block(
          taken,
          loop(
            set(n, load(i32(0), at.trialState + 4)),
            ifElse(get(n), [], branch(4)),
            set(trial, load(i32(0), at.trialState)),
            set(i, wordAt(at.trialSegment, get(trial))),
            ifElse(
              isLess(get(i), i32(0)),
              [],
              branchIf(4, atLeastDouble(doubleAt(at.trialAt, get(trial)), subDouble(get(now), get(horizon)))),
            ),
            set(x, add(get(trial), i32(1))),
            ifElse(equal(get(x), field(MixtureField.trialCapacity)), set(x, i32(0)), []),
            storeAt(i32(0), at.trialState, get(x)),
            storeAt(i32(0), at.trialState + 4, sub(get(n), i32(1))),
            branchIf(0, isLess(get(i), i32(0))),
          ),
          putWord(at.trialSegment, get(trial), i32(-1)),
          set(truth, double(0)),
        ),
        ended(at),
        branch(0),
      ),
    ),
  ];
}

/** The trial came to `truth`: what `CandidateMixture` learns from it. */
function ended(at: MixtureAddresses): Code {
  const term = (w: number, l: number, opinion: number): Code => [
    set(w, weightOf(at, weights, opinion)),
    set(l, logOddsOf(at, bins, opinion)),
    set(sum, addDouble(get(sum), multiplyDouble(get(w), get(l)))),
  ];
  const rareTerm = (opinion: number): Code =>
    set(sum, addDouble(get(sum), multiplyDouble(weightOf(at, weights, opinion), logOddsOf(at, bins, opinion))));
  const learned = (opinion: number, w: Code, l: Code): Code =>
    storeFloat(get(weights), at.weights + 4 * opinion, addDouble(w, multiplyDouble(get(step), l)));
  const rarelyLearned = (opinion: number): Code =>
    learned(opinion, weightOf(at, weights, opinion), logOddsOf(at, bins, opinion));
  /** `BinCalibration.observe` of `bin`. */
  const observed = (probability: number, logOdds: number, trials: number): Code => [
    set(n, shortAt(trials, get(bin))),
    set(moved, floatAt(probability, get(bin))),
    set(
      moved,
      addDouble(get(moved), divideDouble(subDouble(get(truth), get(moved)), addDouble(doubleOf(get(n)), double(2)))),
    ),
    putFloat(probability, get(bin), get(moved)),
    putFloat(logOdds, get(bin), stretched(at, get(moved))),
    ifElse(
      isLess(get(n), field(MixtureField.memory)),
      storeShort(shiftLeft(get(bin), i32(1)), trials, add(get(n), i32(1))),
      [],
    ),
  ];
  const opinion = (which: number): Code => [
    set(bin, loadShort(get(bins), 2 * which)),
    ifElse(get(bin), observed(at.binProbability, at.binLogOdds, at.binTrials), []),
  ];
  return [
    set(bins, add(shiftLeft(get(trial), i32(4)), i32(at.trialBins))),
    set(set_, loadShort(get(bins), 14)),
    set(weights, shiftLeft(get(set_), i32(5))),
    set(sum, multiplyDouble(weightOf(at, weights, BIAS_AT), double(BIAS))),
    term(w0, l0, 0),
    term(w1, l1, 1),
    ifElse(isRare, [rareTerm(2), rareTerm(3), rareTerm(4)], []),
    term(w5, l5, 5),
    term(w6, l6, 6),
    squashed(at, sum, y, low, i),
    // The set's updates, counted without a sign.
    set(n, wordAt(at.updates, get(set_))),
    putWord(at.updates, get(set_), add(get(n), i32(1))),
    set(
      step,
      multiplyDouble(
        addDouble(
          number(MixtureField.rateLast),
          divideDouble(number(MixtureField.rateFall), addDouble(double(256), doubleOfUnsigned(get(n)))),
        ),
        subDouble(get(truth), get(sum)),
      ),
    ),
    learned(0, get(w0), get(l0)),
    learned(1, get(w1), get(l1)),
    ifElse(isRare, [rarelyLearned(2), rarelyLearned(3), rarelyLearned(4)], []),
    learned(5, get(w5), get(l5)),
    learned(6, get(w6), get(l6)),
    learned(BIAS_AT, weightOf(at, weights, BIAS_AT), double(BIAS)),
    opinion(0),
    opinion(1),
    ifElse(isRare, [opinion(2), opinion(3), opinion(4)], []),
    opinion(5),
    opinion(6),
    set(bin, loadByte(get(trial), at.trialFinal)),
    observed(at.finalProbability, at.finalLogOdds, at.finalTrials),
  ];
}

/** Each candidate is forecast and tried; leaves its probability in `mixed` and the forecast in its facts; and the gate is asked. */
function weighed(at: MixtureAddresses): Code {
  return [
    set(slot, i32(0)),
    set(served, and(get(how), i32(3))),
    set(trust, double(1)),
    accountOf(account, consumer),
    ifElse(isLess(get(account), field(MixtureField.accountLimit)), set(trust, trustOf(at, account)), []),
    loop(
      set(segment, wordAt(at.candidateSegment, get(slot))),
      set(row, rowOf(get(segment))),
      set(bins, add(shiftLeft(get(slot), i32(4)), i32(at.candidateBins))),
      ifElse(and(get(how), i32(ServeMode.named)), named(at), []),
      commented(at),
      forecast(at),
      tried(at),
      ifElse(and(get(how), i32(ServeMode.undecided)), [], asked(at)),
      bump(slot, 1),
      branchIf(0, isLess(get(slot), get(count))),
    ),
  ];
}

/** Only what order says was filled in. */
function named(at: MixtureAddresses): Code {
  return [
    storeAt(get(bins), 4, i32(0)),
    storeByte(
      get(slot),
      at.candidateSpoke,
      or(notEqual(loadShort(get(bins)), i32(0)), shiftLeft(notEqual(loadShort(get(bins), 2), i32(0)), i32(1))),
    ),
  ];
}

function commented(at: MixtureAddresses): Code {
  const fact = (which: number): Code => factOf(at, row, which);
  return [
    set(x, fact(Fact.forecast)),
    set(bin, i32(binBase[Opinion.earlierForecast]!)),
    ifElse(
      and(notEqual(get(x), i32(0)), field(MixtureField.isForecastOn)),
      [
        set(since, and(sub(add(get(position), i32(1)), shiftRight(get(x), i32(4))), i32(POSITION_MASK))),
        ifElse(
          isLess(get(since), i32(FORECAST_AGE_MAX)),
          set(
            bin,
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
    // Beside it is the opinion of next items, of which a kernel knows nothing: one word, read as one.
    storeAt(get(bins), 2 * Opinion.nextItem, shiftLeft(get(bin), i32(16))),
    set(x, fact(Fact.count)),
    set(bin, i32(binBase[Opinion.popularity]!)),
    ifElse(
      and(exceeds(get(x), i32(0)), field(MixtureField.isPopularityOn)),
      [
        set(since, bitLength(sub(get(position), fact(Fact.lastAt)))),
        ifElse(exceeds(get(since), i32(19)), set(since, i32(19)), []),
        set(bin, add(add(get(bin), bitLength(get(x))), multiply(get(since), i32(9)))),
      ],
      [],
    ),
    storeShort(get(bins), 2 * Opinion.popularity, get(bin)),
  ];
}

function forecast(at: MixtureAddresses): Code {
  return [
    set(set_, add(shiftLeft(get(served), i32(5)), loadByte(get(slot), at.candidateSpoke))),
    set(weights, shiftLeft(get(set_), i32(5))),
    mix(at, { bins, weights, sum }, isRare),
    ifElse(exceedsDouble(get(sum), double(8)), set(sum, double(8)), []),
    ifElse(isLessDouble(get(sum), double(-8)), set(sum, double(-8)), []),
    set(
      finalBin,
      add(multiply(get(served), i32(33)), wholeOf(addDouble(multiplyDouble(get(sum), double(2)), double(16.5)))),
    ),
    squashed(at, sum, y, low, i),
    // Halved: a power of two.
    set(sum, multiplyDouble(addDouble(get(sum), floatAt(at.finalProbability, get(finalBin))), double(0.5))),
    putDouble(at.mixed, get(slot), get(sum)),
    set(x, wholeOf(multiplyDouble(get(sum), double(16)))),
    ifElse(exceeds(get(x), i32(15)), set(x, i32(15)), []),
    putFact(at, row, Fact.forecast, or(shiftLeft(add(get(position), i32(1)), i32(4)), get(x))),
  ];
}

/** All forecasts at first, later every so manyth; where the ring is full none. */
function tried(at: MixtureAddresses): Code {
  return block(
    set(x, load(i32(0), at.sampling)),
    ifElse(isLess(get(x), field(MixtureField.triesFull)), storeAt(i32(0), at.sampling, add(get(x), i32(1))), [
      set(x, sub(load(i32(0), at.sampling + 4), i32(1))),
      storeAt(i32(0), at.sampling + 4, get(x)),
      branchIf(1, exceeds(get(x), i32(0))),
      storeAt(i32(0), at.sampling + 4, field(MixtureField.tryEvery)),
    ]),
    set(n, load(i32(0), at.trialState + 4)),
    ifElse(
      equal(get(n), field(MixtureField.trialCapacity)),
      [storeAt(i32(0), at.trialState + 8, add(load(i32(0), at.trialState + 8), i32(1))), branch(1)],
      [],
    ),
    storeAt(i32(0), at.trialState + 4, add(get(n), i32(1))),
    set(trial, add(load(i32(0), at.trialState), get(n))),
    ifElse(
      atLeast(get(trial), field(MixtureField.trialCapacity)),
      set(trial, sub(get(trial), field(MixtureField.trialCapacity))),
      [],
    ),
    putWord(at.trialSegment, get(trial), get(segment)),
    putDouble(at.trialAt, get(trial), get(now)),
    set(x, sub(factOf(at, row, Fact.newestTrial), i32(1))),
    putFact(at, row, Fact.newestTrial, add(get(trial), i32(1))),
    // A link to its own place would be one to itself: what stood there has expired.
    ifElse(equal(get(x), get(trial)), set(x, i32(-1)), []),
    putWord(at.trialOlder, get(trial), get(x)),
    set(i, shiftLeft(get(trial), i32(4))),
    storeAt(get(i), at.trialBins, load(get(bins))),
    storeAt(get(i), at.trialBins + 4, load(get(bins), 4)),
    storeAt(get(i), at.trialBins + 8, load(get(bins), 8)),
    storeAt(get(i), at.trialBins + 12, or(loadShort(get(bins), 12), shiftLeft(get(set_), i32(16)))),
    storeByte(get(trial), at.trialFinal, get(finalBin)),
  );
}

/** What `ConsumerTrust` makes of the probability in `sum`, and `ValueGate` of that. */
function asked(at: MixtureAddresses): Code {
  return [
    ifElse(
      isLessDouble(get(trust), double(BELIEVED_FROM)),
      [
        set(x, add(loadByte(get(account), at.trustPassedOver), i32(1))),
        ifElse(equal(get(x), i32(TRIAL_EVERY)), storeByte(get(account), at.trustPassedOver, i32(0)), [
          storeByte(get(account), at.trustPassedOver, get(x)),
          storeDouble(i32(0), at.trustLowered, addDouble(number(at.trustLowered), double(1))),
          set(sum, multiplyDouble(get(sum), get(trust))),
        ]),
      ],
      [],
    ),
    putDouble(at.believed, get(slot), get(sum)),
    set(left, subDouble(double(1), get(sum))),
    ifElse(
      isLessDouble(get(sum), double(EVEN_BINS / EVEN_SCALE)),
      set(bin, wholeOf(multiplyDouble(get(sum), double(EVEN_SCALE)))),
      [
        set(bin, i32(EVEN_BINS)),
        set(y, multiplyDouble(get(left), double(16))),
        block(
          loop(
            branchIf(1, exceedsDouble(get(y), double(0.5))),
            branchIf(1, atLeast(get(bin), i32(GATE_BIN_COUNT - 4))),
            set(y, multiplyDouble(get(y), double(2))),
            bump(bin, 4),
            branch(0),
          ),
        ),
        ifElse(
          exceedsDouble(get(y), double(0.5)),
          [
            set(x, wholeOf(multiplyDouble(subDouble(double(1), get(y)), double(8)))),
            ifElse(exceeds(get(x), i32(3)), set(x, i32(3)), []),
            set(bin, add(get(bin), get(x))),
          ],
          set(bin, i32(GATE_BIN_COUNT - 1)),
        ),
      ],
    ),
    putDouble(at.gateWaste, get(bin), addDouble(doubleAt(at.gateWaste, get(bin)), get(left))),
    ifElse(
      atLeastDouble(get(sum), number(at.gateLive)),
      [putWord(at.admitted, get(admitted), get(slot)), bump(admitted, 1)],
      [],
    ),
  ];
}

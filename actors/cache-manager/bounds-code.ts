/** What the bounds leave, by the books of a site's kernel, where segments are of one unit and there is one ghost: `TrafficGuard`, its terms in the same order. */

import { type Code, F64, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { number, putNumber, putWord, word, wordAt } from './site-code.ts';
import { BOOKS_MAX, type SiteAddresses, SiteNumber, SiteWord } from './site-layout.ts';
import { FAR, FAR_TO_SEND } from './traffic-guard.ts';

const { get, set, i32, sub, and, exceeds, ifElse, double, doubleOf, atMostDouble, atLeastDouble } = wasm;
const { addDouble, subDouble, multiplyDouble, negated, least, greatest } = wasm;

/** Doubles to be overwritten: by how much fetches stand above the limit of the tighter book, and what they leave until they stand as high as they may; and three more. */
export interface BoundsLocals {
  readonly excess: number;
  readonly slack: number;
  readonly x: number;
  readonly r: number;
  readonly b: number;
}

const lost = (at: SiteAddresses): Code => doubleOf(wordAt(at.listCounts, i32(1)));
const lent = greatest(double(0), doubleOf(sub(word(SiteWord.ghostCount), word(SiteWord.reactiveCount))));
const inFlight = doubleOf(word(SiteWord.flightCount));

/** Leaves `excess` and `slack`; traffic is bounded. */
function measured(at: SiteAddresses, { excess, slack, x, r, b }: BoundsLocals): Code {
  const allowance = number(SiteNumber.allowance);
  const above = multiplyDouble(number(SiteNumber.ratioAbove), get(r));
  const book = (index: number): Code => {
    const own = (offset: number): Code => number(SiteNumber.books + 3 * index + offset);
    const fetched = subDouble(number(SiteNumber.fetches), own(2));
    const limit = addDouble(addDouble(allowance, above), greatest(get(r), get(b)));
    const most = addDouble(addDouble(addDouble(allowance, number(SiteNumber.overshootMax)), above), get(b));
    return [
      set(r, subDouble(number(SiteNumber.ghostMisses), own(0))),
      set(b, subDouble(number(SiteNumber.ghostMisses), own(1))),
      set(x, subDouble(fetched, limit)),
      set(excess, greatest(get(excess), get(x))),
      set(x, subDouble(most, fetched)),
      set(slack, least(get(slack), subDouble(get(x), lost(at)))),
    ];
  };
  return [
    set(excess, double(-Infinity)),
    set(slack, double(Infinity)),
    book(0),
    Array.from({ length: BOOKS_MAX - 1 }, (_, i) =>
      ifElse(exceeds(word(SiteWord.bookCount), i32(i + 1)), book(i + 1), []),
    ),
  ];
}

/** `TrafficGuard.headroomIn`, left in `slack`. */
export function headroomLeft(at: SiteAddresses, locals: BoundsLocals): Code {
  const { excess, slack } = locals;
  const toSend = subDouble(subDouble(negated(get(excess)), addDouble(lent, inFlight)), double(2));
  return ifElse(
    word(SiteWord.bookCount),
    [measured(at, locals), set(slack, least(toSend, get(slack)))],
    set(slack, double(Infinity)),
  );
}

/** The code of `look()`: measures what may be taken before it is looked again, and whether all is sound. */
export function lookCode(at: SiteAddresses): WasmFunction {
  const locals = { excess: 0, slack: 1, x: 2, r: 3, b: 4 };
  const { slack, x } = locals;
  const [ratioMax, allowance] = [number(SiteNumber.missRatioMax), number(SiteNumber.missAllowance)];
  const missesLeft = subDouble(
    subDouble(
      addDouble(multiplyDouble(ratioMax, number(SiteNumber.ghostMisses)), allowance),
      number(SiteNumber.siteMisses),
    ),
    lost(at),
  );
  const toSend = subDouble(subDouble(negated(get(locals.excess)), lent), inFlight);
  return {
    parameterCount: 0,
    hasResult: false,
    locals: [[5, F64]],
    body: [
      putWord(SiteWord.isSound, i32(1)),
      set(slack, double(Infinity)),
      ifElse(
        word(SiteWord.bookCount),
        [
          measured(at, locals),
          putWord(SiteWord.isSound, atMostDouble(get(locals.excess), number(SiteNumber.overshootMax))),
          set(slack, least(get(slack), addDouble(double(FAR - FAR_TO_SEND), toSend))),
        ],
        [],
      ),
      ifElse(
        word(SiteWord.isMissBounded),
        [
          set(x, missesLeft),
          putWord(SiteWord.isSound, and(word(SiteWord.isSound), atLeastDouble(get(x), double(0)))),
          set(slack, least(get(slack), subDouble(get(x), inFlight))),
        ],
        [],
      ),
      putNumber(SiteNumber.ease, subDouble(get(slack), double(FAR))),
    ],
  };
}

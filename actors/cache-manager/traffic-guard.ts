/** Keeps the traffic bound: what may be fetched beyond the ghosts, and which ghost to fall back on when nothing more may be. */

import type { StateFields } from '../../engine/state-fields.ts';
import { Ghost, type GhostSite, type Where } from './ghost.ts';
import type { MissBound } from './miss-bound.ts';
import type { SegmentSizes } from './segment-sizes.ts';
import type { SiteOptions } from './site.ts';
import type { GhostBytes, SiteGuard } from './site-guard.ts';
import { type SiteBooks, SiteNumber, SiteWord } from './site-layout.ts';
import type { TrafficBudget } from './traffic-budget.ts';

/** Sums of fractions err in their last bits. */
const ROUNDING = 1e-6;
/** What is left of a bound from which on it counts as far: more than any caller asks for at once. */
export const FAR = 32;
/** The same of what may still be sent, of which nobody asks for as much: a prefetch is sent with 3, and the baseline is followed below -3. */
export const FAR_TO_SEND = 4;
/** Questions that are answered by measuring, where a bound was found near, before it is looked whether the bounds are far again. */
const LOOK_EVERY = 64;
/** Hits of one ghost, and fetches here that the reference was spared, over which it is told whether the baseline is ahead. */
const LEAD_MEMORY = 128;
/** Share of what Kelly's rule would stake: half of it grows nearly as fast, and how far the baseline is ahead is only an estimate. */
const STAKE_SHARE = 0.5;
/** By how much what is left of a bound shrinks with one thing told, at most. */
export const STEP = 2;

/** What had been fetched when a book was opened, and what it grants. */
interface Book {
  readonly fetches: number;
  readonly fetchBytes: number;
  readonly baseline: number;
  readonly baselineBytes: number;
  readonly reference: number;
  readonly referenceBytes: number;
  /** Bytes of the reference's first `allowance` fetches since then. */
  allowanceBytes: number;
  /** The same of its first `overshootMax`. */
  overshootBytes: number;
}

/**
 * A demand cannot be refused, so a bound is kept by never owing more than it leaves.
 *
 * Let F be what the site fetched, R and B what the reference and the baseline did, A the allowance, C the overshoot; the limit is
 * L = A + (bound - 1) R + max(R, B). For a ghost X of the two, every segment that X holds and the site does not (`lost`) may cost the
 * site one fetch that X is spared, and nothing else can while the site gives up only what X does not hold (`extras`): a demand
 * that both miss raises F and the limit alike, and there is always room for it, since what both hold fits into X's cache, which is as large.
 * So F + lost(X) <= A + C + (bound - 1) R + X, once true, stays true on every eviction, as long as the site either
 * can pay for what it loses or gives up extras of X only. The slack is the difference, of whichever ghost leaves more.
 *
 * Prefetches are sent while F and the space lent stay within L alone. To keep `lost` within L as well would be exact without C,
 * but costs quality: evictions that adapt part from their ghosts for good, though hardly any of what they lost is asked for again.
 *
 * There is a book over the whole run and, with a warm-up, one over what is counted; the tighter one rules. When the second opens,
 * `lost` may exceed C; such fetches, and they alone, can then stand above it. In a cache of bytes what takes more here than in X counts as lost
 * too (`larger`, see `MissBound`); then requests are bounded whatever sizes do, and bytes but for what a lost segment grows by until it is
 * demanded, which nobody can know. O(1) a call.
 */
export class TrafficGuard implements SiteGuard {
  isBaselineHit = false;
  isReferenceHit = false;
  readonly weight = 1;
  readonly rate = 1;
  readonly ghostError = 0;
  /** Whether anything is bounded, fetches or misses. */
  readonly isBounded: boolean;
  readonly isTrafficBounded: boolean;
  readonly baseline: Ghost;
  /** LRU; the baseline itself where that is LRU. */
  readonly reference: Ghost;
  readonly #budget: TrafficBudget;
  readonly #missBound: MissBound;
  readonly #sizes: SegmentSizes;
  readonly #isBytes: boolean;
  /** Whether the reference is another ghost than the baseline. */
  readonly hasTwoGhosts: boolean;
  readonly #books: Book[] = [];
  readonly #warmup: number;
  #fetches = 0;
  #fetchBytes = 0;
  #requests = 0;
  #bytes = 0;
  #isBreach = false;
  /** What was fetched and missed when `check` last looked, all in one sum, for none of it ever falls. */
  #checkedAt = -1;
  /** What is left of the tightest bound at least; 0 or less = not known. */
  #ease = 0;
  #untilLook = 0;
  /** Of late, hits of the baseline alone less those of the reference alone and what was fetched here meanwhile: -1 to 1. */
  #lead = 0;

  constructor(
    options: SiteOptions,
    budget: TrafficBudget,
    missBound: MissBound,
    sizes: SegmentSizes,
    site: GhostSite,
    onLead?: (expert: number) => void,
  ) {
    const { capacity, makeEviction, makeReference, segmentCountHint = 1024, unit } = options;
    const isBytes = unit === 'bytes';
    const beside = { isBytes, site: budget.isBounded || missBound.isBounded ? site : null, segmentCountHint };
    this.baseline = new Ghost({ ...beside, makeEviction: (onEvict) => makeEviction(capacity, onEvict), onLead });
    this.reference =
      makeReference === undefined
        ? this.baseline
        : new Ghost({ ...beside, makeEviction: (onEvict) => makeReference(capacity, onEvict) });
    this.hasTwoGhosts = makeReference !== undefined;
    this.isTrafficBounded = budget.isBounded;
    this.isBounded = budget.isBounded || missBound.isBounded;
    this.#budget = budget;
    this.#missBound = missBound;
    this.#sizes = sizes;
    this.#isBytes = isBytes;
    this.#warmup = options.warmup ?? 0;
    this.#open();
  }

  get isKnownFar(): boolean {
    return this.#ease > 0;
  }

  /** To be called before the access at `position`. */
  moveTo(position: number): void {
    if (this.#books.length === 1 && this.#warmup > 0 && position >= this.#warmup) this.#open();
  }

  /**
   * Whether every bound leaves more than {@link FAR} fetches and misses ({@link FAR_TO_SEND} to be sent), whatever is lent or in flight: so nothing need be measured. What is told
   * takes a little of what was left when it was last measured, and only when that is used up it is measured anew: beside a bound that is not
   * near, once in hundreds of accesses. In bytes never, since one fetch may take any part of what is left.
   */
  isFar(reactiveCount: number, inFlightCount: number): boolean {
    if (this.#ease > 0) return true;
    if (this.#isBytes || --this.#untilLook >= 0) return false;
    return this.#look(reactiveCount, inFlightCount) > 0;
  }

  /** Measures what the tightest bound leaves beyond {@link FAR}. */
  #look(reactiveCount: number, inFlightCount: number): number {
    let left = this.missSlack - inFlightCount;
    if (this.#budget.isBounded) {
      this.#measure(this.baseline);
      left = Math.min(left, this.#requests);
      this.#measureExcess();
      const headroom = -this.#requests - this.lentCount(reactiveCount) - inFlightCount;
      left = Math.min(left, FAR - FAR_TO_SEND + headroom);
    }
    this.#ease = left - FAR;
    this.#untilLook = this.#ease > 0 ? 0 : LOOK_EVERY;
    return this.#ease;
  }

  /** Lets the ghosts have rows [from, to), of one unit each, ahead: `demand` is told of each after that, and nothing is invalidated before. */
  runAhead(segment: Uint32Array, from: number, to: number): void {
    this.baseline.runAhead(segment, from, to);
    if (this.hasTwoGhosts) this.reference.runAhead(segment, from, to);
  }

  demand(segment: number, units: number, bytes: number): void {
    const { baseline, reference } = this;
    const isHit = baseline.passHit() || baseline.access(segment, units, bytes);
    const isReferenceHit = this.hasTwoGhosts ? reference.passHit() || reference.access(segment, units, bytes) : isHit;
    this.isBaselineHit = isHit;
    this.isReferenceHit = isReferenceHit;
    if (isHit !== isReferenceHit) this.#lead += ((isHit ? 1 : -1) - this.#lead) / LEAD_MEMORY;
    if (!isHit) this.#ease -= STEP;
    if (!isReferenceHit && this.#isBytes) this.#referenceFetched(bytes);
  }

  get ghostMisses(): number {
    return this.baseline.misses;
  }

  get ghostBytes(): GhostBytes {
    return { baseline: this.baseline.missBytes, reference: this.reference.missBytes };
  }

  lentCount(reactiveCount: number): number {
    return Math.max(0, this.baseline.count - reactiveCount);
  }

  departed(): void {}

  fetched(_segment: number, bytes: number, isPrefetch: boolean): void {
    // What was staked on the baseline was lost, whether that hit or not.
    if (!isPrefetch && this.hasTwoGhosts && this.isReferenceHit) this.#lead -= (1 + this.#lead) / LEAD_MEMORY;
    this.#fetches++;
    this.#fetchBytes += bytes;
    this.#ease -= STEP;
  }

  missed(): void {
    const { baseline } = this;
    const missBound = this.#missBound;
    missBound.misses++;
    this.#ease -= STEP;
    // `check` is not called where the bounds are far, but how far misses ever stood apart is noted all the same.
    if (missBound.isBounded) missBound.note(missBound.misses - baseline.misses);
  }

  /** The reference fetched, in a cache of bytes; for the allowance. */
  #referenceFetched(bytes: number): void {
    for (const book of this.#books) {
      const count = this.reference.misses - book.reference;
      if (count <= this.#budget.allowance) book.allowanceBytes += bytes;
      if (count <= this.#budget.overshootMax) book.overshootBytes += bytes;
    }
  }

  /** The site gained or gave up a segment. */
  compare(segment: number, where: Where): void {
    this.#ease -= STEP;
    this.baseline.compare(segment, where);
    if (this.hasTwoGhosts) this.reference.compare(segment, where);
  }

  invalidate(segment: number): void {
    this.baseline.invalidate(segment);
    if (this.reference !== this.baseline) this.reference.invalidate(segment);
    this.compare(segment, 'nowhere');
  }

  /** Fetches of mean size that may still be sent while `lentCount` segments may have to be fetched again; Infinity without a bound. */
  headroom(lentCount: number): number {
    if (!this.#budget.isBounded) return Infinity;
    this.#measureExcess();
    const bytes = this.#isBytes ? this.#bytes / Math.max(1, this.#sizes.mean) : -Infinity;
    return -Math.max(this.#requests, bytes) - lentCount;
  }

  /** Fetches of mean size, or misses, that may still be lost without breaking a bound, whichever ghost leaves more of the former. */
  get slack(): number {
    return Math.min(this.trafficSlack, this.missSlack);
  }

  /** Whether misses leave room for a prefetch while `inFlightCount` others are on their way: each displaces what may have to be missed. */
  canLose(inFlightCount: number): boolean {
    return !this.#missBound.isBounded || this.missSlack >= inFlightCount + 2;
  }

  /** Whether a prefetch of `bytes` bytes may be sent: it takes a fetch, lends space that may have to be fetched again, and leaves one. */
  canSend(bytes: number, lentCount: number): boolean {
    if (!this.#budget.isBounded) return true;
    this.#measureExcess();
    if (this.#requests + lentCount + 3 > 0 || this.#bytes + lentCount * this.#sizes.mean + 2 * bytes > 0) return false;
    return this.#hasTrafficSlack(1, bytes);
  }

  /**
   * Fetches of mean size by which the limit stands above what the baseline fetched, less the allowance: what there would be to spend if prefetching were
   * free. It falls where the reference gains on the baseline. 0 where the two are one.
   */
  get granted(): number {
    if (!this.#budget.isBounded || !this.hasTwoGhosts) return 0;
    const { baseline, reference } = this;
    const { ratioMax } = this.#budget;
    let granted = Infinity;
    for (const book of this.#books) {
      const r = reference.misses - book.reference;
      granted = Math.min(granted, (ratioMax - 1) * r + Math.max(0, r - (baseline.misses - book.baseline)));
      if (!this.#isBytes) continue;
      const rb = reference.missBytes - book.referenceBytes;
      const bytes = (ratioMax - 1) * rb + Math.max(0, rb - (baseline.missBytes - book.baselineBytes));
      granted = Math.min(granted, bytes / Math.max(1, this.#sizes.mean));
    }
    return granted;
  }

  /**
   * Slack that an eviction's own choices are to leave: `most` where there is more. Where there is not, it follows a ghost, and by following the reference fetches never come back
   * below the limit. So a part of what is left is staked on the baseline's choices: of slack and what is lost together a share that grows with how far the baseline is ahead of late (Kelly, "A new
   * interpretation of information rate", Bell System Technical Journal 35 (4), 1956), which never loses all.
   */
  slackKept(most: number): number {
    const { slack } = this;
    if (slack > most || this.#lead <= 0) return most;
    return Math.min(most, (slack + this.followed.lost.count) * (1 - STAKE_SHARE * this.#lead));
  }

  /** The ghost that leaves more slack, to be followed where it covers nothing. */
  get followed(): Ghost {
    if (this.reference === this.baseline || !this.#budget.isBounded) return this.baseline;
    this.#measure(this.baseline);
    const slack = this.#slackMeasured();
    this.#measure(this.reference);
    const referenceSlack = this.#slackMeasured();
    // Misses are bounded by the baseline alone; the reference comes first only where fetches are shorter still.
    if (slack >= referenceSlack || this.missSlack < referenceSlack) return this.baseline;
    return this.reference;
  }

  /** Whether the slack covers whatever an eviction of `residentCount` segments gives up for `units` units. */
  covers(units: number, residentCount: number): boolean {
    // In bytes, one more for a segment that does not fit beside what is staged, and so is lost itself.
    const requests = this.#isBytes ? 1 + Math.min(residentCount, this.#segmentsIn(units)) : units;
    return this.#hasSlack(requests, units + this.#sizes.most);
  }

  /** Whether `requests` segments more may be given up that a ghost holds, to make room for a demand or for what was sent, in a cache of bytes. */
  mayGiveUp(requests: number): boolean {
    if (this.missSlack < requests) return false;
    return this.#hasTrafficSlack(requests, 1 + this.#sizes.most);
  }

  lend(books: SiteBooks): void {
    this.#missBound.lend(books);
    this.baseline.lend(books);
    const { numbers, words } = books;
    numbers[SiteNumber.ease] = this.#ease;
    numbers[SiteNumber.fetches] = this.#fetches;
    const { allowance, ratioMax, overshootMax, isBounded } = this.#budget;
    words[SiteWord.bookCount] = isBounded ? this.#books.length : 0;
    words[SiteWord.isSound] = 0;
    numbers[SiteNumber.allowance] = allowance;
    numbers[SiteNumber.ratioAbove] = ratioMax - 1;
    numbers[SiteNumber.overshootMax] = overshootMax;
    for (const [i, { reference, baseline, fetches }] of this.#books.entries()) {
      numbers[SiteNumber.books + 3 * i] = reference;
      numbers[SiteNumber.books + 3 * i + 1] = baseline;
      numbers[SiteNumber.books + 3 * i + 2] = fetches;
    }
  }

  takeBack(books: SiteBooks): void {
    const { numbers } = books;
    this.#missBound.takeBack(books);
    this.baseline.takeBack(books);
    this.#fetches = numbers[SiteNumber.fetches]!;
    this.#ease = numbers[SiteNumber.ease]!;
  }

  /** `SiteState.trafficHeadroom` by the books of a kernel, where segments are of one unit and there is one ghost; the terms in the same order. */
  headroomIn({ numbers, words }: SiteBooks): number {
    if (!this.#budget.isBounded) return Infinity;
    const misses = numbers[SiteNumber.ghostMisses]!;
    const fetches = numbers[SiteNumber.fetches]!;
    const lent = Math.max(0, words[SiteWord.ghostCount]! - words[SiteWord.reactiveCount]!);
    const { ratioMax, allowance, overshootMax } = this.#budget;
    let [excess, slack] = [-Infinity, Infinity];
    for (const book of this.#books) {
      const r = misses - book.reference;
      const b = misses - book.baseline;
      excess = Math.max(excess, fetches - book.fetches - (allowance + (ratioMax - 1) * r + Math.max(r, b)));
      const left = allowance + overshootMax + (ratioMax - 1) * r + b - (fetches - book.fetches);
      slack = Math.min(slack, left - this.baseline.lost.count);
    }
    return Math.min(-excess - (lent + words[SiteWord.flightCount]!) - 2, slack);
  }

  /** Everything but what the settings give: #budget, #missBound, #sizes, #isBytes, hasTwoGhosts, #warmup; and #requests, #bytes, #isBreach, #checkedAt, #ease, #untilLook, which are measured anew: how often depends on who serves. */
  persist(fields: StateFields): void {
    this.baseline.persist(fields);
    if (this.reference !== this.baseline) this.reference.persist(fields);
    const books = fields.plain(this.#books.map((book) => ({ ...book })));
    this.#books.splice(0, this.#books.length, ...books);
    this.#fetches = fields.number(this.#fetches);
    this.#fetchBytes = fields.number(this.#fetchBytes);
    this.#lead = fields.number(this.#lead);
    // In the places of what is measured anew.
    fields.number(0);
    fields.flag(false);
    fields.number(-1);
    if (fields.isRestoring) this.#checkedAt = -1;
    this.#ease = 0;
    this.#untilLook = 0;
  }

  #hasSlack(requests: number, bytes: number): boolean {
    return this.missSlack >= requests && this.#hasTrafficSlack(requests, bytes);
  }

  #hasTrafficSlack(requests: number, bytes: number): boolean {
    if (!this.#budget.isBounded) return true;
    this.#measure(this.baseline);
    if (this.#requests >= requests && this.#bytes >= bytes) return true;
    if (this.reference === this.baseline) return false;
    this.#measure(this.reference);
    return this.#requests >= requests && this.#bytes >= bytes;
  }

  /** Looks, after an access, whether the bound was kept. */
  check(): void {
    const { baseline, reference } = this;
    const at = this.#fetches + this.#missBound.misses + baseline.misses + reference.misses;
    // An access that changed nothing finds what the last one found; a breach counts for as long as it lasts.
    if (at === this.#checkedAt && !this.#isBreach && this.#books.length === 1) return;
    this.#checkedAt = at;
    if (this.#missBound.isBounded) this.#missBound.check(this.baseline);
    if (!this.#budget.isBounded) return;
    this.#measureExcess();
    this.#budget.check(this.#requests, this.#isBreach);
  }

  /** Leaves in `#requests` and `#bytes` by how much fetches stand above the limit of the tighter book. */
  #measureExcess(): void {
    const { baseline, reference } = this;
    const { ratioMax, allowance, overshootMax } = this.#budget;
    this.#bytes = -Infinity;
    if (!this.#isBytes && this.#books.length === 1) {
      // The common case, several times an access: one book, in requests.
      const book = this.#books[0]!;
      const r = reference.misses - book.reference;
      const b = baseline.misses - book.baseline;
      this.#requests = this.#fetches - book.fetches - (allowance + (ratioMax - 1) * r + Math.max(r, b));
      this.#isBreach = this.#requests > overshootMax + ROUNDING;
      return;
    }
    this.#requests = -Infinity;
    this.#isBreach = false;
    for (const book of this.#books) {
      const r = reference.misses - book.reference;
      const b = baseline.misses - book.baseline;
      const requests = this.#fetches - book.fetches - (allowance + (ratioMax - 1) * r + Math.max(r, b));
      if (requests > this.#requests) this.#requests = requests;
      if (requests > overshootMax + ROUNDING) this.#isBreach = true;
      if (!this.#isBytes) continue;
      const rb = reference.missBytes - book.referenceBytes;
      const bb = baseline.missBytes - book.baselineBytes;
      const limit = book.allowanceBytes + (ratioMax - 1) * rb + Math.max(rb, bb);
      const bytes = this.#fetchBytes - book.fetchBytes - limit;
      if (bytes > this.#bytes) this.#bytes = bytes;
      // A byte, because sums of as many fractions err by more.
      if (bytes > book.overshootBytes + 1) this.#isBreach = true;
    }
  }

  #open(): void {
    this.#ease = 0;
    this.#books.push({
      fetches: this.#fetches,
      fetchBytes: this.#fetchBytes,
      baseline: this.baseline.misses,
      baselineBytes: this.baseline.missBytes,
      reference: this.reference.misses,
      referenceBytes: this.reference.missBytes,
      allowanceBytes: 0,
      overshootBytes: 0,
    });
  }

  /** Leaves the slack beside a ghost in `#requests` and `#bytes`: of the tighter book. */
  #measure(ghost: Ghost): void {
    const { reference } = this;
    const isBaseline = ghost === this.baseline;
    const { ratioMax, allowance, overshootMax } = this.#budget;
    this.#bytes = Infinity;
    if (!this.#isBytes && this.#books.length === 1) {
      const book = this.#books[0]!;
      this.#requests =
        allowance +
        overshootMax +
        (ratioMax - 1) * (reference.misses - book.reference) +
        (ghost.misses - (isBaseline ? book.baseline : book.reference)) -
        (this.#fetches - book.fetches) -
        ghost.lost.count;
      return;
    }
    this.#requests = Infinity;
    for (const book of this.#books) {
      const requests =
        allowance +
        overshootMax +
        (ratioMax - 1) * (reference.misses - book.reference) +
        (ghost.misses - (isBaseline ? book.baseline : book.reference)) -
        (this.#fetches - book.fetches) -
        ghost.lost.count -
        ghost.larger.count;
      if (requests < this.#requests) this.#requests = requests;
      if (!this.#isBytes) continue;
      const bytes =
        book.allowanceBytes +
        book.overshootBytes +
        (ratioMax - 1) * (reference.missBytes - book.referenceBytes) +
        (ghost.missBytes - (isBaseline ? book.baselineBytes : book.referenceBytes)) -
        (this.#fetchBytes - book.fetchBytes) -
        ghost.lost.used -
        ghost.larger.used;
      if (bytes < this.#bytes) this.#bytes = bytes;
    }
  }

  get missSlack(): number {
    return this.#missBound.isBounded ? this.#missBound.slack(this.baseline) : Infinity;
  }

  /** Fetches of mean size that may still be lost without breaking the traffic bound, whichever ghost leaves more. */
  get trafficSlack(): number {
    if (!this.#budget.isBounded) return Infinity;
    this.#measure(this.baseline);
    const slack = this.#slackMeasured();
    if (this.reference === this.baseline) return slack;
    this.#measure(this.reference);
    return Math.max(slack, this.#slackMeasured());
  }

  #slackMeasured(): number {
    return this.#isBytes ? Math.min(this.#requests, this.#bytes / Math.max(1, this.#sizes.mean)) : this.#requests;
  }

  /** Most segments that could leave to make room for `units` bytes, one of which may be larger than what was needed. */
  #segmentsIn(units: number): number {
    return Math.ceil(units / this.#sizes.least) + 1;
  }
}

/** Models of how the peer departs from the papers, so that the difference to its figures can be explained by measurement. */

// Written from observed facts about its behaviour; none of its code. Slow and simple on purpose.

import { type AccessCursor, type Prefetcher, type ProposalBuffer, Served } from '../../actors/prefetcher.ts';

interface Arc {
  readonly target: number;
  weight: number;
  place: number;
}

interface Source {
  readonly arcs: Map<number, Arc>;
  /** A binary heap from index 1 on, heaviest first; slots from `heapEnd` on keep what last stood there. */
  readonly heap: Arc[];
  heapEnd: number;
  total: number;
}

export interface PgFaults {
  /** The table freezes for good when sources and arcs, 32 bytes each, reach this. Infinity = never. */
  readonly metadataBytesMax: number;
  /** A lookup takes the first arc below the threshold off the queue and never puts it back; a growing arc does not rise. */
  readonly hasLossyQueue: boolean;
}

/** The probability graph, exact and unbounded unless told to fail as the peer does. */
export class PeerPg implements Prefetcher {
  readonly name = 'pg';
  readonly staging = 'shared';
  readonly experts = ['pg'];
  readonly #lookahead: number;
  readonly #threshold: number;
  readonly #faults: PgFaults;
  readonly #sources = new Map<number, Source>();
  readonly #window: number[];
  #cursor = 0;
  #metadataBytes = 0;
  #isFrozen = false;

  constructor(lookahead: number, threshold: number, faults: PgFaults) {
    this.#lookahead = lookahead;
    this.#threshold = threshold;
    this.#faults = faults;
    this.#window = new Array<number>(lookahead).fill(-1);
  }

  onAccess(access: AccessCursor, _served: number, proposals: ProposalBuffer): void {
    this.#learn(access.segment);
    const source = this.#sources.get(access.segment);
    if (source === undefined) return;
    const chosen = this.#faults.hasLossyQueue ? this.#choose(source) : this.#chooseExactly(source);
    for (const arc of chosen) proposals.propose(arc.target, -1, Number.NaN, 0);
  }

  #learn(segment: number): void {
    const oldest = this.#window[this.#cursor] as number;
    this.#window[this.#cursor] = segment;
    this.#cursor = (this.#cursor + 1) % this.#lookahead;
    if (oldest < 0) return;
    let source = this.#sources.get(oldest);
    if (source === undefined) {
      if (this.#isFrozen) return;
      source = { arcs: new Map(), heap: [], heapEnd: 1, total: 0 };
      this.#sources.set(oldest, source);
      this.#metadataBytes += 32;
    }
    for (const target of this.#window) {
      source.total++;
      const arc = source.arcs.get(target);
      if (arc !== undefined) {
        arc.weight++;
        sink(source, arc.place);
      } else if (this.#isFrozen) {
        return;
      } else {
        const added = { target, weight: 1, place: 0 };
        source.arcs.set(target, added);
        push(source, added);
        this.#metadataBytes += 32;
      }
    }
    if (this.#metadataBytes >= this.#faults.metadataBytesMax) this.#isFrozen = true;
  }

  #chooseExactly(source: Source): Arc[] {
    const above = [...source.arcs.values()].filter((arc) => arc.weight / source.total > this.#threshold);
    return above.sort((a, b) => a.weight - b.weight);
  }

  #choose(source: Source): Arc[] {
    const chosen: Arc[] = [];
    while (source.heapEnd > 1) {
      const head = source.heap[1] as Arc;
      source.heap[1] = source.heap[--source.heapEnd] as Arc;
      sink(source, 1);
      if (head.weight / source.total <= this.#threshold) break;
      chosen.unshift(head);
    }
    for (const arc of chosen) push(source, arc);
    return chosen;
  }
}

function push(source: Source, arc: Arc): void {
  let i = source.heapEnd++;
  for (; i > 1; i >>= 1) {
    const above = source.heap[i >> 1] as Arc;
    if (above.weight >= arc.weight) break;
    source.heap[i] = above;
    above.place = i;
  }
  source.heap[i] = arc;
  arc.place = i;
}

function sink(source: Source, from: number): void {
  const { heap, heapEnd } = source;
  const moving = heap[from];
  if (moving === undefined) return;
  let i = from;
  for (let child = i * 2; child < heapEnd; child = i * 2) {
    if (child + 1 < heapEnd && (heap[child] as Arc).weight < (heap[child + 1] as Arc).weight) child++;
    const below = heap[child] as Arc;
    if (moving.weight >= below.weight) break;
    heap[i] = below;
    below.place = i;
    i = child;
  }
  heap[i] = moving;
  moving.place = i;
}

export interface MithrilShape {
  readonly lookahead: number;
  readonly supportMin: number;
  readonly supportMax: number;
  readonly confidence: number;
  readonly listSize: number;
  readonly miningThreshold: number;
  readonly recordsHits: boolean;
}

export interface MithrilFaults {
  /** Rows of the recording table; row 0 is never used. Promotion fills its hole with the newest row. */
  readonly recordingRows: number;
  /** Times keep 15 bits; every fourth reads as the count of times instead; the last pair is never compared. */
  readonly hasBrokenTimes: boolean;
  /** Shards of 2,000 rows that the prefetching table may grow to; then it reuses the first shard's rows in turn. */
  readonly tableShardsMax: number;
}

interface Row {
  segment: number;
  readonly times: number[];
}

/** Mithril, with or without the peer's faults in reading times, and with its small recording table. */
export class PeerMithril implements Prefetcher {
  readonly name = 'mithril';
  readonly staging = 'shared';
  readonly experts = ['mithril'];
  readonly #shape: MithrilShape;
  readonly #faults: MithrilFaults;
  readonly #recording = new Map<number, number>();
  readonly #recordingRow: (Row | null)[] = [];
  #cursor = 1;
  readonly #ripe = new Map<number, Row>();
  #ripeRows: Row[] = [];
  readonly #targets = new Map<number, number[]>();
  /** By row of the prefetching table, the source it belongs to. */
  readonly #tableRow: number[] = [];
  #tableCursor = 1;
  #tableShards = 1;
  #isTableFull = false;
  readonly #hadStay = new Set<number>();
  #now = 0;

  constructor(shape: MithrilShape, faults: MithrilFaults) {
    this.#shape = shape;
    this.#faults = faults;
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    this.#hadStay.delete(access.segment);
    if (this.#shape.recordsHits || served === Served.miss) this.#record(access.segment);
    this.#now++;
    for (const target of this.#targets.get(access.segment) ?? []) proposals.propose(target, -1, Number.NaN, 0);
  }

  onEvict(segment: number, isUnused: boolean): boolean {
    if (isUnused && !this.#hadStay.has(segment)) {
      this.#hadStay.add(segment);
      return true;
    }
    this.#hadStay.delete(segment);
    return false;
  }

  #record(segment: number): void {
    const time = this.#faults.hasBrokenTimes ? this.#now % 32768 : this.#now;
    const ripe = this.#ripe.get(segment);
    const place = this.#recording.get(segment);
    if (ripe !== undefined) {
      if (ripe.times.length < this.#shape.supportMax) {
        ripe.times.push(time);
      } else {
        this.#ripe.delete(segment);
        const i = this.#ripeRows.indexOf(ripe);
        const last = this.#ripeRows.pop() as Row;
        if (last !== ripe) this.#ripeRows[i] = last;
      }
    } else if (place === undefined) {
      this.#recordingRow[this.#cursor] = { segment, times: [time] };
      this.#recording.set(segment, this.#cursor);
      this.#cursor++;
      if (this.#cursor >= this.#faults.recordingRows) this.#cursor = 1;
      const old = this.#recordingRow[this.#cursor];
      if (old != null) this.#recording.delete(old.segment);
      this.#recordingRow[this.#cursor] = null;
    } else {
      const row = this.#recordingRow[place] as Row;
      row.times.push(time);
      if (row.times.length === this.#shape.supportMin) this.#promote(row, place);
    }
    if (this.#ripeRows.length >= Math.floor(this.#shape.miningThreshold / this.#shape.supportMin)) this.#mine();
  }

  #promote(row: Row, place: number): void {
    this.#ripeRows.push(row);
    this.#ripe.set(row.segment, row);
    this.#recording.delete(row.segment);
    if (this.#cursor < 2) {
      this.#recordingRow[place] = null;
      return;
    }
    const newest = this.#recordingRow[this.#cursor - 1] as Row | null | undefined;
    this.#recordingRow[place] = newest ?? null;
    if (newest != null && newest !== row) this.#recording.set(newest.segment, place);
    this.#recordingRow[this.#cursor - 1] = null;
    this.#cursor--;
  }

  #mine(): void {
    const { lookahead, confidence } = this.#shape;
    const isBroken = this.#faults.hasBrokenTimes;
    const rows = this.#ripeRows.sort((a, b) => (a.times[0] as number) - (b.times[0] as number));
    for (let i = 0; i < rows.length; i++) {
      const a = rows[i] as Row;
      let isNearest = true;
      for (let j = i + 1; j < rows.length; j++) {
        const b = rows[j] as Row;
        if ((b.times[0] as number) - (a.times[0] as number) > lookahead) break;
        if (Math.abs(a.times.length - b.times.length) > confidence) continue;
        let isAssociated = isNearest;
        isNearest = false;
        let farCount = 0;
        const support = Math.min(a.times.length, b.times.length);
        for (let k = 1; k < (isBroken ? support : support + 1); k++) {
          const distance = isBroken
            ? Math.abs(brokenTime(a.times, k) - brokenTime(b.times, k))
            : Math.abs((a.times[k - 1] as number) - (b.times[k - 1] as number));
          if (distance > lookahead && ++farCount > confidence) {
            isAssociated = false;
            break;
          }
          if (distance === 1) isAssociated = true;
        }
        if (isAssociated) this.#associate(a.segment, b.segment);
      }
    }
    this.#ripe.clear();
    this.#ripeRows = [];
  }

  #associate(source: number, target: number): void {
    const targets = this.#targets.get(source);
    if (targets === undefined) {
      this.#addSource(source, target);
      return;
    }
    if (targets.includes(target)) return;
    if (targets.length === this.#shape.listSize) targets.shift();
    targets.push(target);
  }

  #addSource(source: number, target: number): void {
    this.#tableCursor++;
    if (this.#isTableFull) this.#targets.delete(this.#tableRow[this.#tableCursor] as number);
    this.#tableRow[this.#tableCursor] = source;
    this.#targets.set(source, [target]);
    if ((this.#tableCursor + 1) % 2000 !== 0) return;
    if (this.#tableShards < this.#faults.tableShardsMax) {
      this.#tableShards++;
    } else {
      this.#isTableFull = true;
      this.#tableCursor = 1;
    }
  }
}

/** The k-th time (from 1) as the peer reads it: of every fourth it sees how many times the group of four holds. */
function brokenTime(times: readonly number[], k: number): number {
  if (k % 4 !== 0) return times[k - 1] as number;
  return Math.min(4, times.length - (k - 4));
}

/**
 * The peer's table sizes for a cache: its metadata may take `share` of capacity x blockBytes, the recording table 2 % of
 * that product at 14 bytes a row.
 */
export function peerTables(capacity: number, blockBytes: number, share: number, shape: MithrilShape) {
  const space = capacity * blockBytes;
  const recordingRows = Math.floor((space * 0.02) / (Math.ceil(shape.supportMin / 2) * 2 + 12));
  const shardBytes = 2000 * (shape.listSize * 8 + 12);
  const fixedBytes =
    (shape.supportMax * 2 + 12) * Math.floor(shape.miningThreshold / shape.supportMin) +
    Math.floor((space * share) / (2000 * shape.listSize)) * 8 +
    (Math.ceil(shape.supportMin / 4 + 1) * 8 + 4) * recordingRows;
  let tableShardsMax = 1;
  while (fixedBytes + (tableShardsMax + 1) * shardBytes < space * share) tableShardsMax++;
  return { recordingRows, tableShardsMax };
}

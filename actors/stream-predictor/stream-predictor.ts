/** Follows sequential and strided streams among interleaved accesses, where segments are addresses. */

import type { AddressSpace } from '../../streams/address-space.ts';
import { BinCalibration } from '../near-loop/bin-calibration.ts';
import type { CandidateSet } from '../near-loop/candidate-set.ts';
import {
  bitLength,
  STREAM_DEPTH_BINS as DEPTH_BINS,
  Opinion,
  STREAM_RUN_BINS as RUN_BINS,
} from '../near-loop/opinion-bins.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { StreamTable } from './stream-table.ts';

const KIND_SEQUENTIAL = 0;
const KIND_STRIDED = 1;

export interface StreamPredictorOptions {
  readonly streamCountMax: number;
  /** Steps ahead at most. */
  readonly degreeMax: number;
  /** Addresses (in bytes) that share a stride. */
  readonly strideRegionBytes: number;
  /** A stream whose kind continues less often than this is followed but names nothing. */
  readonly continueMin: number;
}

/**
 * Two ways in which an address follows from earlier ones. Sequential: it starts where an earlier request ended (address + length), so
 * requests of any length make one stream. Strided: the same distance twice within a region, forwards or backwards.
 *
 * How often streams go on is learned by kind and run length over all accesses, whether or not anything was proposed; only then
 * are unseen addresses interned, so noise adds no segments. How far ahead follows from need: as many steps as fit into the accesses
 * that pass before a fetch lands, at the stream's own pace (accesses from step to step), plus one. With fetches that land at once: one step.
 * Source of the distance rule: Gill and Bathen, "AMP: Adaptive Multi-stream Prefetching in a Shared Cache", FAST 2007.
 * O(degree) an access.
 */
export class StreamPredictor {
  readonly #options: StreamPredictorOptions;
  readonly #space: AddressSpace;
  readonly #streams: StreamTable;
  readonly #continues: BinCalibration;
  readonly #regionLast: Float64Array;
  readonly #regionStep: Float64Array;
  readonly #regionBytes: number;
  /** The stream of the access observed last. */
  #address = -1;
  #step = 0;
  #bin = 0;
  /** Accesses from step to step of that stream, at least 1. */
  #pace = 1;
  #sizeBytes = -1;

  constructor(options: StreamPredictorOptions, space: AddressSpace) {
    this.#options = options;
    this.#space = space;
    this.#streams = new StreamTable(options.streamCountMax);
    this.#continues = new BinCalibration(2 * RUN_BINS, 1024, 0.5);
    this.#regionLast = new Float64Array(4096).fill(-1);
    this.#regionStep = new Float64Array(4096);
    this.#regionBytes = options.strideRegionBytes;
  }

  get bytes(): number {
    return this.#streams.bytes + this.#regionLast.byteLength * 2;
  }

  /** Learns an access of `sizeBytes` (-1 unknown: one address unit). */
  observe(segment: number, sizeBytes: number, position: number): void {
    const address = this.#space.addressOf(segment);
    const unit = this.#space.unitBytes;
    const length = sizeBytes > unit ? Math.ceil(sizeBytes / unit) : 1;
    this.#address = address;
    this.#sizeBytes = sizeBytes;
    const found = this.#streams.find(address);
    let run = 0;
    let step = length;
    let kind = KIND_SEQUENTIAL;
    this.#pace = 1;
    if (found >= 0) {
      run = this.#streams.runAt(found) + 1;
      const expectedStep = this.#streams.stepAt(found);
      if (expectedStep !== 0) {
        step = expectedStep;
        kind = KIND_STRIDED;
      }
      this.#pace = Math.max(1, position - this.#streams.lastAt(found));
      this.#streams.remove(found);
      this.#continues.observe(binOf(kind, run - 1), 1);
    }
    const stride = this.#observeRegion(address, length);
    if (found < 0 && stride !== 0) {
      step = stride;
      kind = KIND_STRIDED;
      run = 1;
    }
    this.#step = step;
    this.#bin = binOf(kind, run);
    // A stream ends unseen; each access that starts or continues one counts against it until its next step counts for it twice.
    this.#continues.observe(this.#bin, 0);
    this.#streams.put(address + step, kind === KIND_STRIDED ? step : 0, run, position);
    // A strided access may also be the start of a sequential stream.
    if (kind === KIND_STRIDED) this.#streams.put(address + length, 0, 0, position);
  }

  /** Names the next addresses of the stream of the access observed last. */
  gather(leadAccesses: number, candidates: CandidateSet): void {
    // Continuations were counted once for and once against: c / (c + s) = p / (1 + p).
    const counted = this.#continues.probabilityOf(this.#bin);
    const continuing = counted >= 0.5 ? 1 : counted / (1 - counted);
    if (continuing < this.#options.continueMin) return;
    const steps = Math.min(this.#options.degreeMax, 1 + Math.ceil(leadAccesses / this.#pace));
    let address = this.#address;
    for (let depth = 1; depth <= steps; depth++) {
      address += this.#step;
      const segment = this.#space.segmentAt(address);
      if (segment < 0) return;
      const depthBin = Math.min(DEPTH_BINS - 1, bitLength(depth) - 1);
      const slot = candidates.claim(segment);
      if (slot < 0) continue;
      candidates.say(slot, Opinion.stream, 1 + this.#bin + 2 * RUN_BINS * depthBin);
      candidates.suggestSize(slot, this.#sizeBytes);
    }
  }

  save(writer: SnapshotWriter): void {
    this.#streams.save(writer);
    this.#continues.save(writer);
    writer.array(this.#regionLast);
    writer.array(this.#regionStep);
  }

  load(reader: SnapshotReader): void {
    this.#streams.load(reader);
    this.#continues.load(reader);
    reader.into(this.#regionLast);
    reader.into(this.#regionStep);
  }

  /** The region's step when it came twice in a row and is not simply the next address; else 0. */
  #observeRegion(address: number, length: number): number {
    const region = Math.floor((address * this.#space.unitBytes) / this.#regionBytes) % this.#regionLast.length;
    const last = this.#regionLast[region]!;
    const step = last < 0 ? 0 : address - last;
    const isRepeated = step !== 0 && step !== length && step === this.#regionStep[region];
    this.#regionLast[region] = address;
    this.#regionStep[region] = step;
    return isRepeated ? step : 0;
  }
}

function binOf(kind: number, run: number): number {
  return kind * RUN_BINS + Math.min(RUN_BINS - 1, bitLength(run));
}

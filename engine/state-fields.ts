/** What a component is made of, listed once: the same list saves it and restores it. */

import { AnteroomError } from './errors.ts';
import { structuredCodec } from './transport/structured-codec.ts';

/** Typed arrays that state is made of. */
export type StateArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/**
 * A component lists its fields in one order. Saving, each call takes note of the value and gives it back; restoring, it gives what was
 * saved: so `this.#count = fields.number(this.#count)` is both. What is made from settings alone is not listed.
 */
export interface StateFields {
  readonly isRestoring: boolean;
  /** Begins a component; a state whose components come otherwise was saved by another version. */
  section(name: string): void;
  number(value: number): number;
  flag(value: boolean): boolean;
  /** A table that may have grown: another array than the one that is given. */
  array<T extends StateArray>(value: T): T;
  /** A table whose length the settings decide: filled in place. */
  into(value: StateArray): void;
  /** As many arrays as there are. */
  arrays(values: readonly StateArray[]): readonly StateArray[];
  /** A list of numbers, filled in place. */
  list(value: number[]): void;
  /** Numbers by number, in the order of the map, filled in place. */
  map(value: Map<number, number>): void;
  /** Anything else that is small: objects, arrays, typed arrays, strings, numbers, booleans and null. */
  plain<T>(value: T): T;
}

/** What `StateSaver` made. The arrays are those of the components themselves: copy them before anything changes. */
export interface SavedFields {
  readonly numbers: Float64Array;
  readonly arrays: readonly StateArray[];
}

const codec = structuredCodec<{ readonly value: unknown }>();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes note of fields. A table's tail of equal entries is kept as its length. */
export class StateSaver implements StateFields {
  readonly isRestoring = false;
  readonly #numbers: number[] = [];
  readonly #arrays: StateArray[] = [];

  section(name: string): void {
    this.#arrays.push(encoder.encode(name));
  }

  number(value: number): number {
    this.#numbers.push(value);
    return value;
  }

  flag(value: boolean): boolean {
    this.#numbers.push(value ? 1 : 0);
    return value;
  }

  array<T extends StateArray>(value: T): T {
    const last = value.length === 0 ? 0 : value[value.length - 1]!;
    let length = value.length;
    while (length > 0 && Object.is(value[length - 1], last)) length--;
    this.#numbers.push(value.length, last);
    this.#arrays.push(value.subarray(0, length));
    return value;
  }

  into(value: StateArray): void {
    this.array(value);
  }

  arrays(values: readonly StateArray[]): readonly StateArray[] {
    this.#numbers.push(values.length);
    for (const value of values) this.array(value);
    return values;
  }

  list(value: number[]): void {
    this.#arrays.push(Float64Array.from(value));
  }

  map(value: Map<number, number>): void {
    this.#arrays.push(Float64Array.from(value.keys()), Float64Array.from(value.values()));
  }

  plain<T>(value: T): T {
    const { frames } = codec.encode({ value });
    this.#numbers.push(frames.length);
    this.#arrays.push(...frames);
    return value;
  }

  finish(): SavedFields {
    return { numbers: Float64Array.from(this.#numbers), arrays: this.#arrays };
  }
}

/**
 * Gives fields back in the order in which they were saved. Tables become arrays of the state's own memory where they fill it to the end;
 * who gives the state must not use it any more, unless `isShared` says that others do: then they are copied.
 */
export class StateLoader implements StateFields {
  readonly isRestoring = true;
  readonly #numbers: Float64Array;
  readonly #arrays: readonly StateArray[];
  readonly #isShared: boolean;
  #nextNumber = 0;
  #nextArray = 0;

  constructor(saved: SavedFields, isShared = true) {
    this.#numbers = saved.numbers;
    this.#arrays = saved.arrays;
    this.#isShared = isShared;
  }

  section(name: string): void {
    const found = decoder.decode(this.#next(new Uint8Array(0)));
    if (found !== name) throw foreign(`found ${JSON.stringify(found)} in the place of ${name}`);
  }

  number(_value?: number): number {
    const value = this.#numbers[this.#nextNumber++];
    if (value === undefined) throw foreign('it has fewer numbers');
    return value;
  }

  flag(_value?: boolean): boolean {
    return this.number() === 1;
  }

  array<T extends StateArray>(value: T): T {
    const length = this.number();
    const last = this.number();
    const saved = this.#next(value);
    if (saved.length === length) return this.#isShared ? (saved.slice() as T) : saved;
    const table = new (value.constructor as new (length: number) => T)(length);
    table.set(saved);
    // Memory is zero from the start, and untouched pages of it cost nothing.
    if (!Object.is(last, 0)) table.fill(last, saved.length);
    return table;
  }

  into(value: StateArray): void {
    const length = this.number();
    const last = this.number();
    const saved = this.#next(value);
    if (length !== value.length) throw foreign(`a table has ${length} entries instead of ${value.length}`);
    value.set(saved);
    value.fill(last, saved.length);
  }

  arrays(_values: readonly StateArray[]): readonly StateArray[] {
    const count = this.number();
    return Array.from({ length: count }, () => {
      const like = this.#arrays[this.#nextArray];
      if (like === undefined) throw foreign('it has fewer arrays');
      return this.array(like);
    });
  }

  list(value: number[]): void {
    value.length = 0;
    for (const number of this.#next(new Float64Array(0))) value.push(number);
  }

  map(value: Map<number, number>): void {
    const keys = this.#next(new Float64Array(0));
    const values = this.#next(new Float64Array(0));
    value.clear();
    for (let i = 0; i < keys.length; i++) value.set(keys[i]!, values[i]!);
  }

  plain<T>(_value: T): T {
    const count = this.number();
    const frames = Array.from({ length: count }, () => this.#next(new Uint8Array(0)).slice());
    return codec.decode('state', frames).value as T;
  }

  /** @throws AnteroomError 'unsupported' where something is left. */
  finish(): void {
    if (this.#nextNumber !== this.#numbers.length || this.#nextArray !== this.#arrays.length)
      throw foreign('it has more fields');
  }

  #next<T extends StateArray>(like: T): T {
    const array = this.#arrays[this.#nextArray++];
    if (array === undefined || array.constructor !== like.constructor) throw foreign('its tables are of other kinds');
    return array as T;
  }
}

function foreign(why: string): AnteroomError {
  return new AnteroomError('unsupported', `the state was saved by another version: ${why}`);
}

/** Takes note of which fields there are, not of what they hold: of a component that was just made, so that two programs can be compared. */
export class StateSketch implements StateFields {
  readonly isRestoring = false;
  readonly #words: string[] = [];

  section(name: string): void {
    this.#words.push(name);
  }

  number(value: number): number {
    this.#words.push('n');
    return value;
  }

  flag(value: boolean): boolean {
    this.#words.push('f');
    return value;
  }

  array<T extends StateArray>(value: T): T {
    this.#words.push(value.constructor.name);
    return value;
  }

  into(value: StateArray): void {
    this.#words.push(`${value.constructor.name}*${value.length}`);
  }

  arrays(values: readonly StateArray[]): readonly StateArray[] {
    this.#words.push(`[${values.map((value) => value.constructor.name).join()}]`);
    return values;
  }

  list(): void {
    this.#words.push('l');
  }

  map(): void {
    this.#words.push('m');
  }

  plain<T>(value: T): T {
    this.#words.push('p');
    return value;
  }

  /** Equal for equal fields in equal order. */
  text(): string {
    return this.#words.join(' ');
  }
}

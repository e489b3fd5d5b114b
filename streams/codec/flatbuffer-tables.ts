/** The tables of one flatbuffer from a stranger, read with every access checked. */

import { AnteroomError } from '../../engine/errors.ts';

/** One flatbuffer, every access checked. Positions are within it; 0 stands for an absent field, since no table begins there. */
export class FlatbufferTables {
  /** Where the flatbuffer begins, for errors. */
  readonly offset: number;
  readonly #view: DataView;
  readonly #budget: { left: number };

  constructor(view: DataView, offset: number, budget: { left: number }) {
    this.#view = view;
    this.offset = offset;
    this.#budget = budget;
  }

  root(): number {
    return this.#follow(0);
  }

  /** A table with a vtable that lies within the bytes. */
  check(table: number): void {
    this.#need(table, 4);
    const vtable = table - this.#view.getInt32(table, true);
    this.#need(vtable, 4);
    const bytes = this.#view.getUint16(vtable, true);
    if (bytes < 4 || bytes % 2 === 1) throw wrong(this.offset + vtable, 'a table of fields');
    this.#need(vtable, bytes);
    this.#need(table, this.#view.getUint16(vtable + 2, true));
    this.#spend(1);
  }

  u8(table: number, field: number): number {
    const at = this.#field(table, field, 1);
    return at === 0 ? 0 : this.#view.getUint8(at);
  }

  i64(table: number, field: number): number {
    const at = this.#field(table, field, 8);
    return at === 0 ? 0 : this.i64At(at);
  }

  i64At(at: number): number {
    this.#need(at, 8);
    return Number(this.#view.getBigInt64(at, true));
  }

  table(table: number, field: number): number {
    const at = this.#field(table, field, 4);
    if (at === 0) return 0;
    const found = this.#follow(at);
    this.check(found);
    return found;
  }

  vector(table: number, field: number, elementBytes: number): { readonly at: number; readonly length: number } {
    const at = this.#field(table, field, 4);
    if (at === 0) return { at: 0, length: 0 };
    const start = this.#follow(at);
    this.#need(start, 4);
    const length = this.#view.getUint32(start, true);
    this.#need(start + 4, length * elementBytes);
    this.#spend(1 + length);
    return { at: start + 4, length };
  }

  string(table: number, field: number): void {
    const at = this.#field(table, field, 4);
    if (at === 0) return;
    const start = this.#follow(at);
    this.#need(start, 4);
    this.#need(start + 4, this.#view.getUint32(start, true));
    this.#spend(1);
  }

  *tables(table: number, field: number): Generator<number> {
    const { at, length } = this.vector(table, field, 4);
    for (let i = 0; i < length; i++) {
      const found = this.#follow(at + 4 * i);
      this.check(found);
      yield found;
    }
  }

  /** Where a field of a table is; 0 = it is absent. */
  #field(table: number, field: number, bytes: number): number {
    this.check(table);
    const vtable = table - this.#view.getInt32(table, true);
    const entry = 4 + 2 * field;
    if (entry >= this.#view.getUint16(vtable, true)) return 0;
    const within = this.#view.getUint16(vtable + entry, true);
    if (within === 0) return 0;
    this.#need(table + within, bytes);
    return table + within;
  }

  #follow(at: number): number {
    this.#need(at, 4);
    const target = at + this.#view.getUint32(at, true);
    this.#need(target, 4);
    return target;
  }

  #need(at: number, bytes: number): void {
    if (!(at >= 0 && bytes >= 0 && at + bytes <= this.#view.byteLength))
      throw wrong(this.offset + at, 'metadata within its message');
  }

  #spend(count: number): void {
    this.#budget.left -= count;
    if (this.#budget.left < 0) throw wrong(this.offset, 'less metadata');
  }
}

/** The error of metadata that cannot be. */
export function wrong(byte: number, expected: string): AnteroomError {
  return new AnteroomError('bad-record', `Arrow data: byte ${byte}: expected ${expected}`, { context: { byte } });
}

/** The error of an input that ends early. */
export function truncated(byte: number): AnteroomError {
  return new AnteroomError(
    'truncated',
    `Arrow data: byte ${byte}: expected a whole message, found the end of the input`,
    { context: { byte } },
  );
}

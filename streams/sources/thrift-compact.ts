/** Thrift's compact protocol, read with bounds: what Parquet's metadata is written in. */

/** A struct's fields by id. Booleans are 0 and 1; 64-bit integers are rounded to doubles, which is enough to check a count. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | Uint8Array | ThriftStruct | readonly ThriftValue[];

const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;
/** Parquet's own metadata nests six deep. */
const DEPTH_MAX = 24;
const VARINT_BYTES_MAX = 10;
/** As doubles: 64-bit integers of 2^63 and more in size are none. */
const TWO_7 = 128;

/**
 * Reads structs one after the other. Work and memory are linear in the bytes read: a list may not claim more items than bytes
 * are left, a number has at most 10 bytes, structs and lists nest at most 24 deep.
 * Source: thrift-compact-protocol.md of Apache Thrift; maps, sets and uuids are not used by Parquet and refused.
 */
export class ThriftReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next byte is read. */
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
  }

  /** @throws Error for bytes that are no struct. */
  struct(depth = 0): ThriftStruct {
    if (depth > DEPTH_MAX) throw new Error(`metadata nested more than ${DEPTH_MAX} deep`);
    const fields = new Map<number, ThriftValue>();
    let id = 0;
    for (;;) {
      const head = this.byte();
      const type = head & 15;
      if (type === STOP) return fields;
      id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4);
      fields.set(id, this.#value(type, depth + 1));
    }
  }

  byte(): number {
    if (this.offset >= this.#bytes.length) throw new Error('metadata that ends too early');
    return this.#bytes[this.offset++]!;
  }

  /** As a double: exact up to 2^53. */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
      unit *= TWO_7;
    }
    throw new Error(`a number of more than ${VARINT_BYTES_MAX} bytes`);
  }

  #zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case TRUE:
        return 1;
      case FALSE:
        return 0;
      case BYTE:
        return (this.byte() << 24) >> 24;
      case I16:
      case I32:
      case I64:
        return this.#zigzag();
      case DOUBLE: {
        this.#need(8);
        this.offset += 8;
        return this.#view.getFloat64(this.offset - 8, true);
      }
      case BINARY: {
        const length = this.varint();
        this.#need(length);
        this.offset += length;
        return this.#bytes.subarray(this.offset - length, this.offset);
      }
      case LIST:
        return this.#list(depth);
      case STRUCT:
        return this.struct(depth);
      default:
        throw new Error(`metadata of unknown type ${type}`);
    }
  }

  #list(depth: number): readonly ThriftValue[] {
    if (depth > DEPTH_MAX) throw new Error(`metadata nested more than ${DEPTH_MAX} deep`);
    const head = this.byte();
    const type = head & 15;
    const count = head >> 4 === 15 ? this.varint() : head >> 4;
    // Any item takes a byte at least.
    this.#need(count);
    const values: ThriftValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.#value(type === TRUE || type === FALSE ? BYTE : type, depth + 1));
    return values;
  }

  #need(length: number): void {
    if (!(length <= this.#bytes.length - this.offset))
      throw new Error(`a length of ${length} where ${this.#bytes.length - this.offset} bytes are left`);
  }
}

/** A field that is a number, or `absent` where it is not there. */
export function thriftNumber(struct: ThriftStruct, id: number, absent: number): number {
  const value = struct.get(id);
  return typeof value === 'number' ? value : absent;
}

/** A field that is a struct, or null. */
export function thriftStruct(struct: ThriftStruct, id: number): ThriftStruct | null {
  const value = struct.get(id);
  return value instanceof Map ? value : null;
}

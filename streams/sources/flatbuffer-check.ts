/** Checks Arrow's metadata before a library follows its offsets: every table, vector and string lies inside the bytes. */

/** A struct of a FlatBuffers vector: its bytes. */
const NODE_BYTES = 16;
const BUFFER_BYTES = 16;
const BLOCK_BYTES = 24;
const DEPTH_MAX = 64;

/** `MessageHeader` and `Type` of Message.fbs and Schema.fbs. */
const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;
const TIMESTAMP = 10;
const UNION = 14;

/**
 * Walks over a message or a footer as the format's schemas lay them out.
 *
 * The library that decodes them reads zeros beyond the end and believes any count, so a damaged length keeps it busy for minutes.
 * Work here is linear in the bytes: tables may be shared in this encoding, so visits are counted, and more than one for every
 * four bytes are refused. Source: FlatBuffers Internals; Message.fbs, Schema.fbs and File.fbs of Apache Arrow.
 * @throws Error where something lies outside.
 */
class FlatBufferCheck {
  readonly #view: DataView;
  readonly #length: number;
  #visitsLeft: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.length;
    this.#visitsLeft = Math.ceil(bytes.length / 4);
  }

  message(): void {
    const message = this.#root();
    const header = this.#required(message, 2);
    switch (this.#byteField(message, 1)) {
      case SCHEMA:
        this.#schema(header);
        break;
      case DICTIONARY_BATCH:
        this.#recordBatch(this.#required(this.#table(header), 1));
        break;
      case RECORD_BATCH:
        this.#recordBatch(header);
        break;
      default:
        break; // refused by its kind
    }
    this.#metadata(message, 4);
  }

  footer(): void {
    const footer = this.#root();
    this.#schema(this.#required(footer, 1));
    this.#vector(footer, 2, BLOCK_BYTES);
    this.#vector(footer, 3, BLOCK_BYTES);
    this.#metadata(footer, 4);
  }

  #schema(at: number): void {
    const schema = this.#table(at);
    this.#tables(schema, 1, (field) => this.#field(field, 0));
    this.#metadata(schema, 2);
    this.#vector(schema, 3, 8);
  }

  #field(at: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new Error(`fields nested more than ${DEPTH_MAX} deep`);
    const field = this.#table(at);
    this.#vector(field, 0, 1);
    const type = this.#byteField(field, 2);
    const typeAt = this.#reference(field, 3);
    if (typeAt > 0) {
      const table = this.#table(typeAt);
      if (type === TIMESTAMP) this.#vector(table, 1, 1);
      if (type === UNION) this.#vector(table, 1, 4);
    }
    const dictionaryAt = this.#reference(field, 4);
    if (dictionaryAt > 0) {
      const indexAt = this.#reference(this.#table(dictionaryAt), 1);
      if (indexAt > 0) this.#table(indexAt);
    }
    this.#tables(field, 5, (child) => this.#field(child, depth + 1));
    this.#metadata(field, 6);
  }

  #recordBatch(at: number): void {
    const batch = this.#table(at);
    this.#vector(batch, 1, NODE_BYTES);
    this.#vector(batch, 2, BUFFER_BYTES);
    const compressionAt = this.#reference(batch, 3);
    if (compressionAt > 0) this.#table(compressionAt);
    this.#vector(batch, 4, 8);
  }

  /** Key-value pairs. */
  #metadata(table: number, field: number): void {
    this.#tables(table, field, (at) => {
      const pair = this.#table(at);
      this.#vector(pair, 0, 1);
      this.#vector(pair, 1, 1);
    });
  }

  #root(): number {
    return this.#table(this.#follow(0));
  }

  /** Checks a table and its list of fields; gives where it is. */
  #table(at: number): number {
    if (this.#visitsLeft-- <= 0) throw new Error('metadata that refers to the same tables over and over');
    this.#need(at, 4);
    const fields = at - this.#view.getInt32(at, true);
    this.#need(fields, 4);
    const fieldsBytes = this.#view.getUint16(fields, true);
    if (fieldsBytes < 4) throw new Error('a table without fields');
    this.#need(fields, fieldsBytes);
    this.#need(at, this.#view.getUint16(fields + 2, true));
    return at;
  }

  /** Where a field of a checked table is, 0 where it is absent. */
  #fieldAt(table: number, field: number): number {
    const fields = table - this.#view.getInt32(table, true);
    const slot = 4 + 2 * field;
    if (slot + 2 > this.#view.getUint16(fields, true)) return 0;
    const offset = this.#view.getUint16(fields + slot, true);
    return offset === 0 ? 0 : table + offset;
  }

  #byteField(table: number, field: number): number {
    const at = this.#fieldAt(table, field);
    if (at === 0) return 0;
    this.#need(at, 1);
    return this.#view.getUint8(at);
  }

  /** Where what a field refers to is, 0 where the field is absent. */
  #reference(table: number, field: number): number {
    const at = this.#fieldAt(table, field);
    return at === 0 ? 0 : this.#follow(at);
  }

  #required(table: number, field: number): number {
    const at = this.#reference(table, field);
    if (at === 0) throw new Error('metadata without a part that it has to have');
    return at;
  }

  #follow(at: number): number {
    this.#need(at, 4);
    return at + this.#view.getUint32(at, true);
  }

  /** Checks a vector of items of so many bytes, or a string; gives where its items begin and how many they are. */
  #vector(table: number, field: number, itemBytes: number): { readonly start: number; readonly count: number } {
    const at = this.#reference(table, field);
    if (at === 0) return { start: 0, count: 0 };
    this.#need(at, 4);
    const count = this.#view.getUint32(at, true);
    this.#need(at + 4, count * itemBytes);
    return { start: at + 4, count };
  }

  #tables(table: number, field: number, check: (at: number) => void): void {
    const { start, count } = this.#vector(table, field, 4);
    for (let i = 0; i < count; i++) check(this.#follow(start + 4 * i));
  }

  #need(at: number, length: number): void {
    if (!(at >= 0 && at + length <= this.#length))
      throw new Error(`metadata that refers to bytes ${at}..${at + length} of ${this.#length}`);
  }
}

/** @throws Error for a message's metadata that refers to bytes that are not there. */
export function checkArrowMessage(metadata: Uint8Array): void {
  new FlatBufferCheck(metadata).message();
}

/** @throws Error for a footer of the file format that does. */
export function checkArrowFooter(footer: Uint8Array): void {
  new FlatBufferCheck(footer).footer();
}

/** Bytes of the binary trace formats, laid out by their published descriptions, for tests. */

export interface OracleRecord {
  readonly time: number;
  readonly id: bigint;
  readonly size: number;
  readonly next: bigint;
}

export function oracleBytes(records: readonly OracleRecord[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(records.length * 24));
  records.forEach((record, i) => {
    view.setUint32(i * 24, record.time, true);
    view.setBigUint64(i * 24 + 4, record.id, true);
    view.setUint32(i * 24 + 12, record.size, true);
    view.setBigInt64(i * 24 + 16, record.next, true);
  });
  return new Uint8Array(view.buffer);
}

export interface ScsiRecord {
  readonly command: number;
  readonly length: number;
  readonly lbn: bigint;
  readonly microseconds: bigint;
  readonly version?: number;
}

/** v1: u32 sn, u32 len, u32 nSG, u16 cmd, u16 ver, u64 lbn, u64 ts. */
export function vscsi1Bytes(records: readonly ScsiRecord[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(records.length * 32));
  records.forEach((record, i) => {
    view.setUint32(i * 32, 100 + i, true);
    view.setUint32(i * 32 + 4, record.length, true);
    view.setUint32(i * 32 + 8, 1, true);
    view.setUint16(i * 32 + 12, record.command, true);
    view.setUint16(i * 32 + 14, (record.version ?? 1) << 8, true);
    view.setBigUint64(i * 32 + 16, record.lbn, true);
    view.setBigUint64(i * 32 + 24, record.microseconds, true);
  });
  return new Uint8Array(view.buffer);
}

/** v2: u16 cmd, u16 ver, u32 sn, u32 len, u32 nSG, u64 lbn, u64 ts, u64 rt. */
export function vscsi2Bytes(records: readonly ScsiRecord[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(records.length * 40));
  records.forEach((record, i) => {
    view.setUint16(i * 40, record.command, true);
    view.setUint16(i * 40 + 2, (record.version ?? 2) << 8, true);
    view.setUint32(i * 40 + 4, 100 + i, true);
    view.setUint32(i * 40 + 8, record.length, true);
    view.setUint32(i * 40 + 12, 1, true);
    view.setBigUint64(i * 40 + 16, record.lbn, true);
    view.setBigUint64(i * 40 + 24, record.microseconds, true);
    view.setBigUint64(i * 40 + 32, 321n, true);
  });
  return new Uint8Array(view.buffer);
}

export function bigEndianInts(keys: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(keys.length * 4));
  keys.forEach((key, i) => {
    view.setInt32(i * 4, key, false);
  });
  return new Uint8Array(view.buffer);
}

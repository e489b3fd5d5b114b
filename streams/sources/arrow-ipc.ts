/** Apache Arrow IPC, stream and file format: how it is told; what reads it is loaded when something is read. */

import type { FileFormat } from '../format.ts';
import { refuseOtherOptions } from './format-options.ts';

/** The file format's magic, padded to 8 bytes; messages follow it, then the footer. */
export const fileMagic = new TextEncoder().encode('ARROW1');
export const fileMagicBytes = 8;
export const continuation = 0xffffffff;
export const metadataBytesMax = 2 ** 26;
/** `MessageHeader.Schema` of Message.fbs. */
const schemaKind = 1;

/**
 * Columns are found by name, as in Parquet and delimited text; dictionaries may come as deltas and replacements, record batches
 * may be compressed with zstd or LZ4.
 */
export const arrowIpc: FileFormat = {
  kind: 'file',
  name: 'arrow-ipc',
  description: 'Apache Arrow IPC stream or file (Feather v2) with named columns',
  reference: 'https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc',
  addressBytes: null,
  detect,
  async *read(file, options, sink) {
    refuseOtherOptions(arrowIpc.name, options, ['columns', 'timeUnit']);
    const { readArrowIpc } = await import('./arrow-ipc-reader.ts');
    yield* readArrowIpc(file, options, sink);
  },
};

export function startsWithMagic(bytes: Uint8Array): boolean {
  return fileMagic.every((byte, i) => bytes[i] === byte);
}

function detect(head: Uint8Array): number {
  if (startsWithMagic(head)) return 1;
  if (head.length < 8) return 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0, true) !== continuation) return 0;
  const length = view.getUint32(4, true);
  if (length === 0 || length > metadataBytesMax) return 0;
  if (8 + length > head.length) return 0.6;
  return messageKindOf(head.subarray(8, 8 + length)) === schemaKind ? 0.99 : 0;
}

/** What a message's header is, its second field, or 0: a FlatBuffers table, its fields found through a table of offsets. */
function messageKindOf(metadata: Uint8Array): number {
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  try {
    const table = view.getUint32(0, true);
    const fields = table - view.getInt32(table, true);
    const field = view.getUint16(fields, true) >= 8 ? view.getUint16(fields + 6, true) : 0;
    return field === 0 ? 0 : view.getUint8(table + field);
  } catch {
    return 0; // an offset out of the message
  }
}

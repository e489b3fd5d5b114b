/** Decompression of a whole block at once, by the libraries that Node carries. */

export { brotliDecompressSync, gunzipSync } from 'node:zlib';

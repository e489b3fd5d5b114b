/** Zeroed memory that starts on a cache line, which a plain large ArrayBuffer does not. */

interface WasmMemoryConstructor {
  new (descriptor: { readonly initial: number }): { readonly buffer: ArrayBuffer };
}

const pageBytes = 65_536;

/**
 * At least `byteLength` zeroed bytes, aligned to a page where WebAssembly is at hand.
 *
 * V8 places a large ArrayBuffer 16 bytes into a page, so a 32-byte slot straddles two cache lines every other time, and a
 * table bound by random access loses a third of its speed. A WebAssembly.Memory starts on a page. Without one (some
 * hardened hosts, or no address space left) a plain buffer gives the same results, slower.
 */
export function alignedBuffer(byteLength: number): ArrayBuffer {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: { readonly Memory: WasmMemoryConstructor } };
  if (WebAssembly !== undefined && byteLength >= pageBytes) {
    try {
      return new WebAssembly.Memory({ initial: Math.ceil(byteLength / pageBytes) }).buffer;
    } catch {
      // Falls through: only the alignment is lost.
    }
  }
  return new ArrayBuffer(byteLength);
}

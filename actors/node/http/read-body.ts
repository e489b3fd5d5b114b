/** A request's body as bytes, within a bound. */

import { AnteroomError } from '../../../engine/errors.ts';
import { concatBytes } from '../../../streams/codec/access-arrow-writer.ts';

/** @throws AnteroomError 'truncated' where the connection ends first, 'limit' as soon as more than `bytesMax` have come, whatever the header announced. */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof AnteroomError) throw cause;
    throw new AnteroomError('truncated', `the body ended after ${bytes} bytes, before its end`, { cause });
  }
  return concatBytes(chunks);
}

export function tooLarge(bytesMax: number): AnteroomError {
  return new AnteroomError('limit', `the body is larger than ${bytesMax} bytes (http.bodyBytesMax); send it in parts`, {
    context: { bytesMax },
  });
}

/** The first lines of a text file, decompressed, for making benches' inputs out of real ones. */

import { openByteSource } from '../../engine/host/source-file.ts';
import { Content } from '../../streams/sources/content.ts';

const LINE_FEED = 10;

/** Whole lines in pieces of any size, `linesMax` in all; each piece ends with a line feed. */
export async function* textLines(
  path: string,
  linesMax: number,
): AsyncGenerator<{ readonly text: string; readonly lineCount: number }> {
  const content = new Content(await openByteSource(path));
  try {
    await content.begin();
    let rest = '';
    let left = linesMax;
    const decoder = new TextDecoder('latin1');
    for await (const chunk of content.chunks()) {
      const text = rest + decoder.decode(chunk);
      let end = 0;
      let lineCount = 0;
      for (let at = text.indexOf('\n'); at >= 0 && left > 0; at = text.indexOf('\n', end)) {
        end = at + 1;
        lineCount++;
        left--;
      }
      if (lineCount > 0) yield { text: text.slice(0, end), lineCount };
      if (left === 0) return;
      rest = text.slice(end);
    }
    if (rest !== '' && left > 0) yield { text: `${rest}${String.fromCharCode(LINE_FEED)}`, lineCount: 1 };
  } finally {
    await content.close();
  }
}

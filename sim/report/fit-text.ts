/** Names cut to the room that a figure has for them, by an estimate of how wide they will be drawn. */

/** Widths in parts of the font size, of common sans-serif fonts and rather too wide; a page cannot ask which font there will be. */
const NARROW = /[ijlftrI.,:;'|!()[\]{}/\\ -]/;
const WIDE = /[mwMWA-Z@%&+=<>#~_—…]/;

function widthOf(character: string, fontPx: number): number {
  const code = character.codePointAt(0)!;
  // East Asian scripts and pictures fill a square.
  if (code >= 0x2e80) return fontPx * 1.05;
  return fontPx * (NARROW.test(character) ? 0.42 : WIDE.test(character) ? 0.86 : 0.63);
}

/** About how wide a text is, in px. */
export function textWidth(text: string, fontPx = 12): number {
  return [...text].reduce((sum, character) => sum + widthOf(character, fontPx), 0);
}

/** The name, or an ellipsis and as much of its end as fits: paths differ there. Counted in code points, so that no character is cut in two. */
export function endThatFits(name: string, widthPx: number, fontPx = 12): string {
  return cutToFit([...name].reverse(), name, widthPx, fontPx, (kept) => `…${kept.reverse().join('')}`);
}

/** The name, or as much of its beginning as fits and an ellipsis. */
export function beginningThatFits(name: string, widthPx: number, fontPx = 12): string {
  return cutToFit([...name], name, widthPx, fontPx, (kept) => `${kept.join('')}…`);
}

function cutToFit(
  characters: string[],
  name: string,
  widthPx: number,
  fontPx: number,
  withEllipsis: (kept: string[]) => string,
): string {
  if (textWidth(name, fontPx) <= widthPx) return name;
  let left = widthPx - widthOf('…', fontPx);
  let count = 0;
  for (const character of characters) {
    left -= widthOf(character, fontPx);
    if (left < 0) break;
    count++;
  }
  return withEllipsis(characters.slice(0, count));
}

/** Text in the cells of a terminal, where characters of East Asia and emoji take two columns and marks above a letter none. */

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const none = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a text takes. Gets wrong: what a terminal joins to one picture (families, flags). */
export function cellWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character.charCodeAt(0) < 0x300) width++;
    else if (!none.test(character)) width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** `text` in a cell of `width` columns, on the left. */
export function padRight(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cellWidth(text)));
}

/** `text` in a cell of `width` columns, on the right. */
export function padLeft(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - cellWidth(text))) + text;
}

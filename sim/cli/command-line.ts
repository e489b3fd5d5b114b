/** A command as one would type it again. */

export function commandLine(words: readonly string[]): string {
  return [
    'npx anteroom',
    ...words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)),
  ].join(' ');
}

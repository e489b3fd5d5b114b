/** Joins small texts into larger ones, so that writing a file is not a system call a line. */

/** Texts given to `grouped` come out in pieces of about `bytes`; `flushed` gives what is left. */
export function textGroups(bytes = 1 << 20): { grouped: (text: string) => Generator<string>; flushed: () => string } {
  let group = '';
  return {
    *grouped(text) {
      group += text;
      if (group.length < bytes) return;
      const full = group;
      group = '';
      yield full;
    },
    flushed: () => {
      const rest = group;
      group = '';
      return rest;
    },
  };
}

/** What traces are called in tables: the file's name, or the workload's, where no other trace is called the same. */

/**
 * Short names by the names as given. A path becomes its file name and `workload:NAME,parameter=value` loses its parameters;
 * names that would then be equal keep all they have.
 */
export function shortTraceNames(names: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(names)];
  const holders = new Map<string, number>();
  for (const name of distinct) holders.set(shortened(name), (holders.get(shortened(name)) ?? 0) + 1);
  return new Map(distinct.map((name) => [name, holders.get(shortened(name)) === 1 ? shortened(name) : name]));
}

function shortened(name: string): string {
  if (name === '-') return '<stdin>';
  const text = name.startsWith('workload:') ? name.split(',')[0]! : name.slice(name.lastIndexOf('/') + 1);
  return text === '' ? name : text;
}

/** The results of benches as a document for programs and a table for people. */

import { VERSION } from '../../engine/version.ts';
import type { MachineFacts } from './bench-host.ts';
import type { BenchResult, GoalResult } from './run-bench.ts';
import type { Spread } from './statistics.ts';

/** What `npm run bench` prints to standard output. */
export interface BenchDocument {
  readonly schema: 'anteroom.bench/1';
  readonly version: string;
  readonly machine: MachineFacts;
  readonly benches: readonly BenchResult[];
}

export function benchDocument(machine: MachineFacts, benches: readonly BenchResult[]): BenchDocument {
  return { schema: 'anteroom.bench/1', version: VERSION, machine, benches };
}

/** One bench as text: a line for each contender and each goal. */
export function benchTable(result: BenchResult): string {
  const width = Math.max(...result.contenders.map(({ name }) => name.length));
  const lines = [
    '',
    `${result.bench}: ${result.compares}`,
    `  ${result.workload}${result.scale === 1 ? '' : ` (scale ${result.scale}: not for quoting)`}`,
    ...result.contenders.map(
      (contender) =>
        `  ${contender.name.padEnd(width)}  ${shown(contender.median).padStart(8)} ${result.unit}  (${range(contender)}, ${result.runs} runs)`,
    ),
    ...result.goals.map((goal) => `  ${goalLine(goal, result)}`),
    ...result.notes.map((note) => `  ${note}`),
  ];
  return `${lines.join('\n')}\n`;
}

function goalLine(goal: GoalResult, result: BenchResult): string {
  const { ratio, target, aim } = goal;
  const sign = result.better === 'higher' ? '>=' : '<=';
  const wanted =
    target === null
      ? `no target${aim === null ? '' : `, aim ${sign} ${shown(aim)}`}`
      : `target ${sign} ${shown(target)}${aim === null ? '' : `, aim ${shown(aim)}`}: ${goal.isMet ? 'met' : 'MISSED'}`;
  const value =
    goal.versus === null
      ? `${shown(ratio.ofMedians)} ${result.unit} (${range(ratio.pairwise)})`
      : `${shown(ratio.ofMedians)}x (round by round ${shown(ratio.pairwise.median)}x, ${range(ratio.pairwise)})`;
  const who = goal.versus === null ? goal.contender : `${goal.contender} / ${goal.versus}`;
  return `=> ${who}: ${value}; ${wanted}`;
}

function range(spread: Spread): string {
  return `${shown(spread.min)}..${shown(spread.max)}`;
}

/** Three significant digits with k, M or G. */
export function shown(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= size * 0.9995) return `${Number((value / size).toPrecision(3))}${unit}`;
  }
  return String(Number(value.toPrecision(3)));
}

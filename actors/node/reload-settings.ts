/** Which settings of a running node may change, and what a new file changes. */

import type { NodeConfig } from './node-config.ts';

/** What a reload came to: paths of settings. */
export interface ReloadAnswer {
  /** In force from now on. */
  readonly applied: readonly string[];
  /** Different in the file, and as they were in the node until it starts again. */
  readonly needsRestart: readonly string[];
}

/**
 * Settings that whoever uses them reads at each use, from the one object that holds them; a path stands for all below it. Of the engine
 * only the hard caps are among them: decisions are a function of the log, and a setting that changed half way is not in it.
 */
export const reloadable: readonly string[] = [
  'http.tokens',
  'http.bodyBytesMax',
  'http.headWithinMs',
  'http.requestWithinMs',
  'http.idleMs',
  'http.connectionsMax',
  'http.answersMax',
  'ingest',
  'checkpoints.everyMs',
  'delivery.attemptsMax',
  'delivery.backOff',
  'delivery.waitingMax',
  'delivery.deadLettersMax',
  'drainMs',
  'logging.level',
  'engine.caps',
];

/** Paths of the settings that differ, in the order of the schema. A list is one setting. */
export function changedSettings(before: unknown, after: unknown, path = ''): readonly string[] {
  if (isGroup(before) && isGroup(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => changedSettings(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}

/** Whether a setting may change while the node runs. */
export function isReloadable(path: string): boolean {
  return reloadable.some((allowed) => path === allowed || path.startsWith(`${allowed}.`));
}

/** Puts what may change of `fresh` into `config` itself, which everyone reads, and names the rest. */
export function adoptSettings(config: NodeConfig, fresh: NodeConfig): ReloadAnswer {
  const changed = changedSettings(config, fresh);
  const applied = changed.filter(isReloadable);
  for (const path of applied) assign(config as never, fresh as never, path.split('.'));
  return { applied, needsRestart: changed.filter((path) => !isReloadable(path)) };
}

type Group = Record<string, unknown>;

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function assign(to: Group, from: Group, [name, ...rest]: readonly string[]): void {
  if (rest.length === 0) to[name!] = from[name!];
  else assign(to[name!] as Group, from[name!] as Group, rest);
}

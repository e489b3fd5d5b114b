/** `name` or `name:key=value,...`: how a prefetcher and its settings are written on the command line. */

import type { z } from 'zod';
import { AnteroomError } from '../../engine/errors.ts';

/** A prefetcher's name and its settings as written. */
export interface PrefetchSpec {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Splits a list of specs at its commas; `key=value` right after a spec that has settings belongs to that spec.
 *
 * @example
 * ```ts
 * splitPrefetchList('none,mithril:lookahead-range=50,pf-list-size=4,pg');
 * // => ['none', 'mithril:lookahead-range=50,pf-list-size=4', 'pg']
 * ```
 */
export function splitPrefetchList(list: string): string[] {
  const specs: string[] = [];
  for (const part of list.split(',')) {
    const item = part.trim();
    const last = specs.at(-1);
    const isSetting = item.includes('=') && !item.slice(0, item.indexOf('=')).includes(':');
    if (isSetting && last?.includes(':')) specs[specs.length - 1] = `${last},${item}`;
    else specs.push(item);
  }
  return specs;
}

/**
 * Takes a spec apart.
 * @throws AnteroomError `bad-usage` when a setting is not `key=value` or comes twice.
 */
export function parsePrefetchSpec(spec: string): PrefetchSpec {
  const colon = spec.indexOf(':');
  if (colon < 0) return { name: spec.trim(), settings: {} };
  const name = spec.slice(0, colon).trim();
  const settings: Record<string, string> = {};
  for (const part of spec.slice(colon + 1).split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (equals < 0 || key === '' || value === '') {
      throw new AnteroomError('bad-usage', `prefetcher ${name}: expected key=value, found '${part.trim()}'`, {
        context: { prefetcher: name },
      });
    }
    if (Object.hasOwn(settings, key)) {
      throw new AnteroomError('bad-usage', `prefetcher ${name}: ${key} is given twice`, {
        context: { prefetcher: name },
      });
    }
    settings[key] = value;
  }
  return { name, settings };
}

/**
 * Settings as written -> checked values with defaults filled in. What looks like a decimal number is one.
 * @throws AnteroomError `bad-usage` that names the setting, what is wrong with it and what there is.
 */
export function readSettings<S extends z.ZodType>(
  spec: PrefetchSpec,
  schema: S,
  known: readonly string[],
): z.output<S> {
  const values: Record<string, string | number> = {};
  for (const [key, text] of Object.entries(spec.settings)) {
    if (!known.includes(key)) {
      const choice = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
      throw new AnteroomError('bad-usage', `prefetcher ${spec.name} has no setting '${key}'; ${choice}`, {
        context: { prefetcher: spec.name, setting: key },
      });
    }
    values[key] = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const setting = issue?.path.join('.') ?? '';
  const found = Object.hasOwn(spec.settings, setting) ? ` ${setting}=${spec.settings[setting]}:` : '';
  throw new AnteroomError('bad-usage', `prefetcher ${spec.name}:${found} ${issue?.message ?? 'bad settings'}`, {
    context: { prefetcher: spec.name, setting },
    cause: parsed.error,
  });
}

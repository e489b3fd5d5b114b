/** The reference of a node's settings as commented YAML, made from the schema itself. */

import { stringify } from 'yaml';
import { z } from 'zod';
import { nodeConfigSchema } from './node-config.ts';
import { sinkItemSchema } from './sinks/sink-config.ts';
import { sourceItemSchema } from './sources/source-config.ts';

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
}

const WIDTH = 118;

/** Lists whose items are of several kinds. */
const itemSchemas: Readonly<Record<string, { readonly options: readonly { readonly shape: object }[] } | undefined>> = {
  sources: sourceItemSchema,
  sinks: sinkItemSchema,
};

/** Every setting with its description and default; what it prints is itself a valid file that changes nothing. */
export function configReference(): string {
  const schema = z.toJSONSchema(nodeConfigSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  const lines = [
    '# Settings of an Anteroom node. Every line shows its default: keep what you change, leave out the rest.',
    '',
  ];
  writeFields(schema, nodeConfigSchema.parse({}) as Readonly<Record<string, unknown>>, '', lines);
  return `${lines.join('\n')}\n`;
}

function writeFields(
  node: SchemaNode,
  defaults: Readonly<Record<string, unknown>>,
  indent: string,
  lines: string[],
): void {
  for (const [name, field] of Object.entries(node.properties ?? {})) {
    const value = defaults[name];
    comment(descriptionOf(field), indent, lines);
    if (field.properties !== undefined) {
      lines.push(`${indent}${name}:`);
      writeFields(field, value as Readonly<Record<string, unknown>>, `${indent}  `, lines);
      continue;
    }
    lines.push(`${indent}${name}: ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}`);
    if (field.items !== undefined) writeItems(name, field.items, `${indent}#   `, lines);
  }
}

/** What an item of a list may say, as comments: each field with its default and what it means. */
function writeItems(list: string, item: SchemaNode, indent: string, lines: string[]): void {
  const options = itemSchemas[list]?.options ?? [];
  for (const [i, variant] of (item.oneOf ?? item.anyOf ?? [item]).entries()) {
    const shape = (options[i]?.shape ?? {}) as Readonly<Record<string, z.ZodType>>;
    for (const [j, [name, field]] of Object.entries(variant.properties ?? {}).entries()) {
      // The JSON schema of a unit with a default does not say the default.
      const value = field.const ?? shape[name]?.safeParse(undefined).data ?? field.default;
      writeItemField(name, field, value, `${indent}${j === 0 ? '- ' : '  '}`, lines);
    }
  }
}

function writeItemField(name: string, field: SchemaNode, value: unknown, indent: string, lines: string[]): void {
  const isShown = value !== undefined && field.properties === undefined;
  const shown = isShown ? ` ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}` : '';
  const text = descriptionOf(field);
  lines.push(`${indent}${name}:${shown}${text === '' ? '' : `  # ${text}`}`);
  for (const [inner, innerField] of Object.entries(field.properties ?? {})) {
    const innerValue = (value as Readonly<Record<string, unknown>> | undefined)?.[inner];
    writeItemField(inner, innerField, innerValue, `${indent.replace('- ', '  ')}  `, lines);
  }
}

function descriptionOf(field: SchemaNode): string {
  const words = field.enum === undefined ? '' : ` One of ${field.enum.map(String).join(', ')}.`;
  return `${field.description ?? ''}${words}`.trim();
}

function comment(text: string, indent: string, lines: string[]): void {
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + word.length + 3 > WIDTH) {
      lines.push(`${indent}# ${line}`);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${word}`;
  }
  if (line !== '') lines.push(`${indent}# ${line}`);
}

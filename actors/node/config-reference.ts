/** The reference of a node's settings as commented YAML, made from the schema itself. */

import { stringify } from 'yaml';
import { z } from 'zod';
import { nodeConfigSchema } from './node-config.ts';

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
}

const WIDTH = 118;

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
    if (field.items !== undefined) writeItems(field.items, `${indent}#   `, lines);
  }
}

/** What an item of a list may say, as comments. */
function writeItems(item: SchemaNode, indent: string, lines: string[]): void {
  const variants = item.oneOf ?? item.anyOf ?? [item];
  for (const variant of variants) {
    for (const [i, [name, field]] of Object.entries(variant.properties ?? {}).entries()) {
      const value = field.const === undefined ? '' : ` ${String(field.const)}`;
      lines.push(
        `${indent}${i === 0 ? '- ' : '  '}${name}:${value}${field.description === undefined ? '' : `  # ${field.description}`}`,
      );
    }
  }
}

function descriptionOf(field: SchemaNode): string {
  const words = field.enum === undefined ? '' : ` One of ${field.enum.map(String).join(', ')}.`;
  return `${field.description ?? ''}${words}`;
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

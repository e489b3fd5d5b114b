/** Every setting explains itself: each field of each exported zod schema has a default and a description. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { productFiles, root, textOf } from './project-files.ts';
import { importsOf } from './scan-source.ts';

const schemaFiles = productFiles.filter((path) =>
  importsOf(textOf(path)).some((found) => found.specifier === 'zod' && !found.isTypeOnly),
);

/** A node of a JSON schema, as far as this test looks. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: unknown;
  readonly description?: string;
}

/** What is missing in a schema, by path: descriptions and defaults of fields, and the refusal of unknown keys. */
function faultsOf(schema: z.ZodType, path: string): string[] {
  const defaults = schema.safeParse({});
  return faultsBelow(
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node,
    defaults.success ? defaults.data : undefined,
    path,
  );
}

function faultsBelow(node: Node, defaults: unknown, path: string): string[] {
  if (node.properties === undefined) return [];
  return [
    ...(node.additionalProperties === false ? [] : [`${path}: takes unknown keys`]),
    ...Object.entries(node.properties).flatMap(([name, field]) => {
      const value = (defaults as Readonly<Record<string, unknown>> | undefined)?.[name];
      return [
        ...(field.description ? [] : [`${path}.${name}: has no description`]),
        ...(value !== undefined ? [] : [`${path}.${name}: has no default`]),
        ...faultsBelow(field, value, `${path}.${name}`),
      ];
    }),
  ];
}

function isSchema(value: unknown): value is z.ZodType {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

describe.each(schemaFiles)('%s', (path) => {
  test('its exported schemas and those of its exports explain each field and take no unknown key', async () => {
    const module: Record<string, unknown> = await import(root + path);
    const faults = Object.entries(module).flatMap(([name, value]) => {
      if (isSchema(value)) return faultsOf(value, name);
      // A workload or a baseline carries its schema under one of these names.
      const held = value as { parameters?: unknown; settings?: unknown; schema?: unknown } | null;
      return [held?.parameters, held?.settings, held?.schema]
        .filter(isSchema)
        .flatMap((schema) => faultsOf(schema, name));
    });
    expect(faults).toEqual([]);
  });
});

test('the rule finds what is missing', () => {
  const inner = z.strictObject({ c: z.number().default(1), d: z.number().optional().describe('D.') });
  const schema = z.object({ a: z.number().default(2), b: inner.prefault({}).describe('B.') });
  expect(faultsOf(schema, 's')).toEqual([
    's: takes unknown keys',
    's.a: has no description',
    's.b.c: has no description',
    's.b.d: has no default',
  ]);
});

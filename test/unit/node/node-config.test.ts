import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configReference } from '../../../actors/node/config-reference.ts';
import { checkNodeConfig } from '../../../actors/node/http/authorise.ts';
import { nodeConfigSchema } from '../../../actors/node/node-config.ts';

const reference = configReference();

describe('the reference that anteroom config prints', () => {
  test('is a valid file that says every default and nothing else', () => {
    const written = parse(reference) as object;
    expect(written).toEqual(JSON.parse(JSON.stringify(nodeConfigSchema.parse({}))));
    expect(nodeConfigSchema.parse(written)).toEqual(nodeConfigSchema.parse({}));
  });

  test('has the description of every setting', () => {
    const words = reference.replace(/\n\s*#/g, ' ').replace(/\s+/g, ' ');
    const missing: string[] = [];
    const visit = (node: { description?: string; properties?: Record<string, object> }, path: string): void => {
      for (const [name, field] of Object.entries(node.properties ?? {})) {
        const { description } = field as { description?: string };
        if (description === undefined || !words.includes(description.replace(/\s+/g, ' ')))
          missing.push(`${path}.${name}`);
        visit(field, `${path}.${name}`);
      }
    };
    visit(z.toJSONSchema(nodeConfigSchema, { io: 'input', unrepresentable: 'any' }) as object, '');
    expect(missing).toEqual([]);
  });
});

describe('a mistake in the settings is one line that says where', () => {
  test.each([
    [{ httpp: {} }, /node\.yaml: httpp: unknown setting/],
    [{ http: { port: 99_999 } }, /node\.yaml: http\.port/],
    [{ checkpoints: { everyMs: 'soon' } }, /checkpoints\.everyMs: expected a duration/],
    [{ sinks: [{ type: 'webhook', name: 'w', url: 'ftp://x' }] }, /sinks\[0\]\.url/],
    [
      {
        sinks: [
          { type: 'command', name: 'a', command: ['x'] },
          { type: 'command', name: 'a', command: ['y'] },
        ],
      },
      /two are named a/,
    ],
    [{ ingest: { queueBytesMax: 2048 } }, /bodyBytesMax/],
    [{ engine: { mode: 'live' } }, /engine\.mode: unknown setting/],
  ])('%j', (settings, message) => {
    expect(() => checkNodeConfig(settings, 'node.yaml')).toThrow(message);
  });
});

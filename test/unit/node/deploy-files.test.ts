import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { checkNodeConfig, knownTokens } from '../../../actors/node/http/authorise.ts';
import { nodeConfigSchema } from '../../../actors/node/node-config.ts';
import { VERSION } from '../../../engine/version.ts';

const text = (name: string): string => readFileSync(new URL(`../../../sim/deploy/${name}`, import.meta.url), 'utf8');
const drainMs = nodeConfigSchema.parse({}).drainMs;
const port = nodeConfigSchema.parse({}).http.port;

describe('the manifests for Kubernetes', () => {
  const documents = parseAllDocuments(text('kubernetes.yaml')).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as { kind: string; data: Record<string, string>; spec: Record<string, never> };
  });
  const of = (kind: string) => documents.find((document) => document.kind === kind)!;

  test('hold settings that the node takes, with a token since others reach it', async () => {
    const config = checkNodeConfig(parse(of('ConfigMap').data['node.yaml']!), 'node.yaml');
    expect(config.http.tokens[0]?.tokenFile).toBeTruthy();
    await expect(knownTokens({ ...config.http, tokens: [] })).rejects.toMatchObject({ code: 'bad-config' });
  });

  test('give a drain its time, run one replica, ask the right port and paths, and run as nobody special', () => {
    const { replicas, template } = of('StatefulSet').spec as unknown as {
      replicas: number;
      template: {
        spec: { terminationGracePeriodSeconds: number; securityContext: object; containers: Record<string, never>[] };
      };
    };
    const [container] = template.spec.containers as unknown as [
      { image: string; ports: object; readinessProbe: object; livenessProbe: object; securityContext: object },
    ];
    expect(replicas).toBe(1);
    expect(template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(drainMs);
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(container).toMatchObject({
      image: `anteroom:${VERSION}`,
      ports: [{ containerPort: port }],
      readinessProbe: { httpGet: { path: '/readyz' } },
      livenessProbe: { httpGet: { path: '/healthz' } },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
    });
  });
});

test('the systemd unit gives a drain its time and checks the settings first', () => {
  const unit = text('anteroom.service');
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) * 1000).toBeGreaterThan(drainMs);
  expect(unit).toMatch(/^ExecStartPre=.* --check$/m);
  expect(unit).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  for (const line of unit.split('\n')) expect(line).toMatch(/^(#.*|\[\w+\]|[A-Z]\w+=.*|)$/);
});

test('the Dockerfile runs the node itself as process 1, not as root, on the default port', () => {
  const file = text('Dockerfile');
  expect(file).toMatch(/^USER node$/m);
  expect(file).toMatch(/^ENTRYPOINT \["node", "dist\/sim\/cli\/main.js"\]$/m);
  expect(file).toContain(`EXPOSE ${port}`);
});

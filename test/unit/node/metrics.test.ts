import { expect, test } from 'vitest';
import { ndjson, testNode } from './test-node.ts';

/** Faults of an exposition by the rules that `promtool check metrics` goes by (Prometheus: exposition formats; metric and label naming). */
function faultsOf(text: string): string[] {
  const faults: string[] = [];
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const series = new Set<string>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') helps.add(name!);
    else if (keyword === 'TYPE') {
      if (types.has(name!)) faults.push(`${name}: its lines are not together`);
      types.set(name!, rest!);
      if ((rest === 'counter') !== name!.endsWith('_total')) faults.push(`${name}: a ${rest}`);
      if (!helps.has(name!)) faults.push(`${name}: no help`);
      if (/_(ms|milliseconds|minutes|hours|days|kb|mb|kib|mib|percent)(_|$)/i.test(name!))
        faults.push(`${name}: no base unit`);
      if (/[A-Z]/.test(name!)) faults.push(`${name}: not in snake case`);
    } else {
      const [, of, labels, value] = /^([a-z_:][\w:]*)(\{[^}]*\})? (\S+)$/.exec(line) ?? [];
      if (of === undefined || !types.has(of)) faults.push(`${line}: no sample of a metric with a type`);
      if (series.has(`${of}${labels ?? ''}`)) faults.push(`${line}: is there twice`);
      series.add(`${of}${labels ?? ''}`);
      // As Go's ParseFloat has it, which does not mind the case of NaN.
      if (!/^(nan|[+-]?inf|[+-]?\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(value ?? '')) faults.push(`${line}: no number`);
      for (const [, label] of (labels ?? '').matchAll(/[{,](\w+)=/g))
        if (['le', 'quantile', '__name__'].includes(label!) && types.get(of!) === 'counter')
          faults.push(`${line}: reserved label`);
    }
  }
  return faults;
}

test('metrics are what promtool takes: types, help, base units, each series once', async () => {
  const { post, ask, node } = await testNode({ engine: { capacity: 8 } });
  await post('/v1/accesses', ndjson(Array.from({ length: 500 }, (_, i) => `/page-${i % 30}`)));
  await post('/v1/accesses', 'rubbish', { producer: 'p' });
  await node.intake.idle();
  const { body, headers } = await ask('/metrics');
  const { text } = body as { text: string };
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(faultsOf(text)).toEqual([]);
  expect(text).toMatch(/^anteroom_accesses_total 500$/m);
  // What is promised to be bounded can be watched.
  const { trafficBreaches, missBreaches, missExcess } = node.engine.stats().governor;
  expect(text).toContain(`anteroom_traffic_breaches_total ${trafficBreaches}\n`);
  expect(text).toContain(`anteroom_miss_breaches_total ${missBreaches}\n`);
  expect(text).toContain(`anteroom_miss_excess_max ${missExcess}\n`);
  const { trafficBytesRatio, latencyRatio, netBenefit } = node.engine.stats();
  expect(text).toContain(`anteroom_traffic_bytes_ratio ${trafficBytesRatio}\n`);
  expect(text).toContain(`anteroom_latency_ratio ${latencyRatio}\n`);
  expect(text).toContain(`anteroom_net_benefit ${netBenefit}\n`);
  expect(Number(/^anteroom_process_resident_bytes (\d+)$/m.exec(text)![1])).toBeGreaterThan(2 ** 20);
  expect(Number(/^anteroom_process_cpu_seconds_total ([\d.]+)$/m.exec(text)![1])).toBeGreaterThan(0);
  expect(text).toContain(`anteroom_latency_mean_seconds ${node.engine.stats().latencyMs.mean! / 1000}\n`);
});

test('the rules find what is wrong', () => {
  const text = '# HELP a_ms A.\n# TYPE a_ms counter\na_ms 1\na_ms 1\nb x\n';
  expect(faultsOf(text)).toEqual([
    'a_ms: a counter',
    'a_ms: no base unit',
    'a_ms 1: is there twice',
    'b x: no sample of a metric with a type',
    'b x: no number',
  ]);
});

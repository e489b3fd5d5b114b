import { describe, expect, test } from 'vitest';
import type { StreamFormat } from '../../streams/format.ts';
import { Operation, operationNames } from '../../streams/operation.ts';
import { arcLis } from '../../streams/sources/arc-lis.ts';
import { cache2k } from '../../streams/sources/cache2k.ts';
import { cachelibBlock } from '../../streams/sources/cachelib-block.ts';
import { cachelibKv } from '../../streams/sources/cachelib-kv.ts';
import { formats } from '../../streams/sources/formats.ts';
import { lirs } from '../../streams/sources/lirs.ts';
import { llmMooncake } from '../../streams/sources/llm-mooncake.ts';
import { oracleGeneral } from '../../streams/sources/oracle-general.ts';
import { swf } from '../../streams/sources/swf.ts';
import { vscsi } from '../../streams/sources/vscsi.ts';
import { columnOf, readTrace, type Trace } from '../unit/sources-binary/read-trace.ts';
import { byFirstAppearance, derivedTrace, hasTraces, traceBytes, whySkipped } from './native-traces.ts';

const read = (format: StreamFormat, name: string): Trace => readTrace(format, traceBytes(name));
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const counts = ({ summary, builder }: Trace): readonly number[] => [summary.accessCount, builder.segments.count];

describe.skipIf(!hasTraces)(`readers of native traces${whySkipped}`, () => {
  describe('cloudPhysicsIO, counts and bytes as published', () => {
    test('vscsi has 113,872 requests for 48,974 blocks and 4,205,978,112 bytes', () => {
      const trace = read(vscsi, 'native/cloudPhysicsIO.vscsi');
      expect(counts(trace)).toEqual([113_872, 48_974]);
      expect(total(columnOf(trace, 'size'))).toBe(4_205_978_112);
      const writes = columnOf(trace, 'op').filter((op) => op === Operation.write).length;
      expect(writes / 113_872).toBeCloseTo(0.59, 2);
    });

    test('oracleGeneral has as many, and 4,368,040,448 bytes by sizes frozen at first sight', () => {
      const trace = read(oracleGeneral, 'native/cloudPhysicsIO.oracleGeneral.zst');
      expect(counts(trace)).toEqual([113_872, 48_974]);
      expect(total(columnOf(trace, 'size'))).toBe(4_368_040_448);
    });

    test('vscsi, oracleGeneral and the derived csv are one sequence of segments', () => {
      const raw = read(vscsi, 'native/cloudPhysicsIO.vscsi');
      const oracle = read(oracleGeneral, 'native/cloudPhysicsIO.oracleGeneral.zst');
      const csv = derivedTrace('block_cp_vm.csv.gz');
      const segments = columnOf(raw, 'segment');
      expect(columnOf(oracle, 'segment')).toEqual(segments);
      expect(byFirstAppearance(csv.object)).toEqual(segments);
      expect(csv.object).toEqual(segments.map((id) => raw.builder.segments.nameOf(id)));
      expect(csv.size).toEqual(columnOf(raw, 'size'));
      expect(csv.op).toEqual(columnOf(raw, 'op').map((op) => operationNames[op]![0]));
    });

    test('vscsi times are those of the csv to the microsecond, oracleGeneral times to the second', () => {
      const times = columnOf(read(vscsi, 'native/cloudPhysicsIO.vscsi'), 'timeMs');
      const seconds = columnOf(read(oracleGeneral, 'native/cloudPhysicsIO.oracleGeneral.zst'), 'timeMs');
      const csv = derivedTrace('block_cp_vm.csv.gz');
      let apart = 0;
      let secondsApart = 0;
      times.forEach((time, i) => {
        apart = Math.max(apart, Math.abs(time - times[0]! - (csv.timeMs[i]! - csv.timeMs[0]!)));
        secondsApart = Math.max(secondsApart, Math.abs(time - seconds[i]!));
      });
      expect(apart).toBeLessThan(0.001);
      expect(secondsApart).toBeLessThan(1000);
    });
  });

  test('arc-lis OLTP has 914,145 accesses to 186,880 blocks and is the derived csv', () => {
    const trace = read(arcLis, 'native/arc-OLTP.lis.zst');
    expect(counts(trace)).toEqual([914_145, 186_880]);
    const csv = derivedTrace('block_arc_oltp.csv.gz');
    expect(columnOf(trace, 'segment')).toEqual(byFirstAppearance(csv.object));
    expect(columnOf(trace, 'size')).toEqual(csv.size);
  });

  test('cache2k web12 has 95,607 accesses to 13,756 pages and is the derived csv', () => {
    const trace = read(cache2k, 'native/cache2k-web12.trace.gz');
    expect(counts(trace)).toEqual([95_607, 13_756]);
    expect(columnOf(trace, 'segment')).toEqual(byFirstAppearance(derivedTrace('kv_web12.csv.gz').object));
  });

  test('cache2k web07 is as many keys as the file has words', () => {
    const trace = read(cache2k, 'native/cache2k-web07.trace.gz');
    expect(trace.summary.accessCount).toBe(traceBytes('native/cache2k-web07.trace.gz').length / 4);
  });

  test('swf NASA iPSC has 18,239 jobs, 494 programs and 69 users, and is the derived csv', () => {
    const trace = read(swf, 'native/NASA-iPSC-1993.swf.gz');
    expect([...counts(trace), trace.builder.consumers.count]).toEqual([18_239, 494, 69]);
    const csv = derivedTrace('serverless_nasa_ipsc.csv.gz');
    expect(columnOf(trace, 'segment')).toEqual(byFirstAppearance(csv.object));
    expect(columnOf(trace, 'consumer')).toEqual(byFirstAppearance(csv.client));
    expect(columnOf(trace, 'timeMs')).toEqual(csv.timeMs);
    expect(columnOf(trace, 'size')).toEqual(csv.size);
    // The header says MaxJobs: 18239 and EndTime: Fri Dec 31 23:03:45 PST 1993, which is 8 h behind UTC.
    expect(columnOf(trace, 'timeMs').at(-1)).toBeLessThanOrEqual(Date.UTC(1994, 0, 1, 7, 3, 45));
  });

  test('lirs 2_pools has an access for every line but the marks', () => {
    const bytes = traceBytes('native/lirs-2_pools.trace.gz');
    const lines = new TextDecoder()
      .decode(bytes)
      .split('\n')
      .filter((line) => line.trim() !== '');
    const marks = lines.filter((line) => line.trim() === '*').length;
    const trace = readTrace(lirs, bytes);
    expect(trace.summary.accessCount).toBe(lines.length - marks);
    expect(trace.summary.skipped.get('mark')).toBe(marks);
    expect(trace.builder.segments.count).toBe(new Set(lines.filter((line) => line.trim() !== '*')).size);
  });

  test('cachelib samples: every row is an access, and weights are the sums of op_count', () => {
    for (const [format, name, opCountColumn] of [
      [cachelibKv, 'native/cachelib-kv_traces_1.csv', 4],
      [cachelibBlock, 'native/cachelib-block_traces_1.csv', 8],
    ] as const) {
      const rows = new TextDecoder().decode(traceBytes(name)).trimEnd().split('\n').slice(1);
      const trace = read(format, name);
      expect(trace.summary.accessCount).toBe(rows.length);
      expect(total(columnOf(trace, 'weight'))).toBe(total(rows.map((row) => Number(row.split(',')[opCountColumn]))));
    }
  });

  test('mooncake conversation has 182,790 blocks in 12,031 requests within an hour', () => {
    const trace = read(llmMooncake, 'llm_mooncake_conversation.jsonl.gz');
    const lines = new TextDecoder().decode(traceBytes('llm_mooncake_conversation.jsonl.gz')).trimEnd().split('\n');
    expect(lines).toHaveLength(12_031);
    const blocks = lines.flatMap((line) => (JSON.parse(line) as { hash_ids: number[] }).hash_ids);
    expect(counts(trace)).toEqual([blocks.length, 182_790]);
    expect(columnOf(trace, 'segment')).toEqual(byFirstAppearance(blocks));
    expect(columnOf(trace, 'timeMs').at(-1)).toBeLessThanOrEqual(3_600_000);
  });

  test.each([
    ['native/cloudPhysicsIO.vscsi', 'vscsi'],
    ['native/cloudPhysicsIO.oracleGeneral.zst', 'oracle-general'],
    ['native/arc-OLTP.lis.zst', 'arc-lis'],
    ['native/cache2k-web07.trace.gz', 'cache2k'],
    ['native/cache2k-web12.trace.gz', 'cache2k'],
    ['native/lirs-2_pools.trace.gz', 'lirs'],
    ['native/NASA-iPSC-1993.swf.gz', 'swf'],
    ['native/cachelib-kv_traces_1.csv', 'cachelib-kv'],
    ['native/cachelib-block_traces_1.csv', 'cachelib-block'],
    ['llm_mooncake_conversation.jsonl.gz', 'llm-mooncake'],
    ['llm_agentic_a.jsonl.gz', 'llm-agentic'],
    ['block_cp_vm.csv.gz', 'csv'],
    ['native/nasa_19950801.tsv.gz', 'tsv'],
    ['native/elastic-apache_logs.gz', 'clf'],
  ])('%s is recognised as %s and as nothing else', (name, expected) => {
    const head = traceBytes(name).subarray(0, 64 * 1024);
    const claims = formats
      .map((format) => [format.name, format.detect(head, false)] as const)
      .sort((a, b) => b[1] - a[1]);
    expect(claims[0]![0]).toBe(expected);
    expect(claims[0]![1]).toBeGreaterThanOrEqual(0.5);
    expect(claims[0]![1] - claims[1]![1]).toBeGreaterThanOrEqual(0.01);
  });
});

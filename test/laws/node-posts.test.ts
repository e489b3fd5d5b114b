import { Dictionary, Int32, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameNames } from '../../actors/node/log-frame.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import { AccessArrowWriter, concatBytes } from '../../streams/codec/access-arrow-writer.ts';
import { fuzzInputs, fuzzTimeoutMs } from '../fuzz-inputs.ts';
import { ndjson, testNode } from '../unit/node/test-node.ts';

const POSTS = fuzzInputs(1500);

function arrow(): Uint8Array {
  const names = frameNames();
  const segment = Uint32Array.from(['/a', '/b', '/c'], (name) => names.segments.internString(name));
  const column = (fill: number) => new Float64Array(3).fill(fill);
  const ids = () => new Int32Array(3).fill(-1);
  const batch = new AccessBatch(0, {
    timeMs: column(1),
    segment,
    consumer: ids(),
    site: ids(),
    op: new Uint8Array(3),
    size: column(5),
    weight: column(1),
  });
  const writer = new AccessArrowWriter({ layout: 'stream', names });
  return concatBytes([...writer.write(batch), ...writer.end()]);
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Valid posts of every kind that people send; what is posted is a damaged copy. */
const samples: readonly Uint8Array[] = [
  bytesOf(ndjson(['/a', '/b', '/c'])),
  bytesOf('time,segment,consumer\n1790000000000,/a,x\n1790000001000,/b,y\n'),
  bytesOf('10.0.0.1 - - [17/May/2026:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "x"\n'.repeat(3)),
  arrow(),
  tableToIPC(new Table({ segment: vectorFromArray(['/a', '/b'], new Dictionary(new Utf8(), new Int32())) }), 'file'),
  bytesOf('PAR1'.repeat(20)),
  Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 75, 4, 0),
  Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 4, 0, 9, 0, 0, 97),
];

const damage = fc.record({
  sample: fc.nat({ max: samples.length - 1 }),
  edits: fc.array(fc.record({ at: fc.nat({ max: 2000 }), byte: fc.nat({ max: 255 }) }), { maxLength: 6 }),
  cut: fc.option(fc.nat({ max: 2000 })),
  tail: fc.option(fc.uint8Array({ maxLength: 40 })),
});
const sent = fc.record({
  damage,
  format: fc.constantFrom(
    '',
    'auto',
    'ndjson',
    'csv',
    'clf',
    'arrow-ipc',
    'parquet',
    'msr',
    'oracle-general',
    'no-such',
  ),
  isLenient: fc.boolean(),
  type: fc.constantFrom('', 'text/csv', 'application/x-ndjson', 'application/vnd.apache.arrow.stream'),
  producer: fc.option(
    fc.oneof(
      fc.constantFrom('p', 'q'),
      fc.string({ maxLength: 8 }).filter((text) => /^[\x21-\x7e]*$/.test(text)),
    ),
  ),
  sequence: fc.option(
    fc.oneof(fc.nat({ max: 20 }).map(String), fc.constantFrom('-1', '1e3', '99999999999999999', 'x')),
  ),
});

test(
  `law: ${POSTS} damaged posts are refused or kept as a whole, none is a fault of the node, and what it said it kept is in the log`,
  async () => {
    const { node, post, ask } = await testNode({ http: { bodyBytesMax: '1MiB' } });
    let accepted = 0;
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(
        sent,
        async ({ damage: { sample, edits, cut, tail }, format, isLenient, type, producer, sequence }) => {
          let body: Uint8Array = samples[sample]!.slice(0, cut ?? undefined);
          for (const { at, byte } of edits) if (at < body.length) body[at] = byte;
          if (tail !== null) body = concatBytes([body, tail]);
          const query = new URLSearchParams({
            ...(format === '' ? {} : { format }),
            ...(isLenient ? { lenient: '1' } : {}),
          });
          const before = node.status().log.end;
          const answer = await post(`/v1/accesses?${query}`, body, {
            ...(type === '' ? {} : { 'content-type': type }),
            ...(producer === null ? {} : { producer }),
            ...(sequence === null ? {} : { sequence }),
          });
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          expect([200, 400, 409, 413, 415]).toContain(answer.status);
          const kept = answer.status === 200 ? (answer.body as { accepted: number }).accepted : 0;
          expect(node.status().log.end - before).toBe(kept);
          accepted += kept;
        },
      ),
      { numRuns: POSTS },
    );
    await node.intake.idle();
    expect(node.engine.position).toBe(accepted);
    expect((await ask('/readyz')).status).toBe(200);
    // The inputs are worth something where both were met.
    expect(statuses.get(200)).toBeGreaterThan(50);
    expect(statuses.get(400)).toBeGreaterThan(50);
  },
  fuzzTimeoutMs(POSTS),
);

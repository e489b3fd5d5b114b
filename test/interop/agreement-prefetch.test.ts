import { describe, expect, test } from 'vitest';
import type { AddressSpace } from '../../actors/prefetcher.ts';
import { createBaseline } from '../../sim/baselines/index.ts';
import { type MithrilShape, PeerMithril, PeerPg, peerTables } from './agreement-prefetch-peer.ts';
import { type Counts, type PeerRow, readOracle, readPeers, readTrace, replay } from './agreement-prefetch-replay.ts';

/**
 * `ANTEROOM_AGREEMENT=all npx vitest run test/interop/agreement-prefetch.test.ts --disable-console-intercept` takes the
 * big traces too and prints the table of sim/baselines/README.md.
 */
const isFull = process.env.ANTEROOM_AGREEMENT === 'all';
const bigTraces = ['kv_orm_busy', 'block_arc_oltp', 'session_bikeshare', 'session_wikispeedia', 'file_git_git'];

/** What the peer's runs were given: room for 90 % of capacity x 4096 bytes of metadata. */
const peerBlockBytes = 4096;
const peerShare = 0.9;

const opaque = { addresses: null };
const rows = [...readPeers('mithril'), ...readPeers('pg')];
const traceNames = [...new Set(rows.map((row) => row.trace))].filter((name) => isFull || !bigTraces.includes(name));

function setting(row: PeerRow, key: string): string {
  return new RegExp(`(?:^|,)${key}=([^,]+)`).exec(row.parameters)?.[1] ?? '';
}

function shapeOf(row: PeerRow): MithrilShape {
  return {
    lookahead: Number(setting(row, 'lookahead-range')),
    supportMin: Number(setting(row, 'min-support')),
    supportMax: Number(setting(row, 'max-support')),
    confidence: Number(setting(row, 'confidence')),
    listSize: Number(setting(row, 'pf-list-size')),
    miningThreshold: Number(setting(row, 'mining-threshold')),
    recordsHits: setting(row, 'rec-trigger') === 'each-req',
  };
}

function makePeer(row: PeerRow): PeerMithril | PeerPg {
  if (row.prefetcher === 'pg') {
    return new PeerPg(Number(setting(row, 'lookahead-range')), Number(setting(row, 'prefetch-threshold')), {
      metadataBytesMax: row.capacity * peerBlockBytes * peerShare,
      hasLossyQueue: true,
    });
  }
  const shape = shapeOf(row);
  const tables = peerTables(row.capacity, peerBlockBytes, peerShare, shape);
  return new PeerMithril(shape, { ...tables, hasBrokenTimes: true });
}

/** The paper's algorithm in plain maps, without bounds. */
function makeExact(row: PeerRow): PeerMithril | PeerPg {
  if (row.prefetcher === 'pg') {
    return new PeerPg(Number(setting(row, 'lookahead-range')), Number(setting(row, 'prefetch-threshold')), {
      metadataBytesMax: Infinity,
      hasLossyQueue: false,
    });
  }
  return new PeerMithril(shapeOf(row), { recordingRows: Infinity, tableShardsMax: Infinity, hasBrokenTimes: false });
}

/** Prints the row's part of the table. */
function print(row: PeerRow, trace: NonNullable<ReturnType<typeof readTrace>>): void {
  const started = process.hrtime.bigint();
  const ours = replay(trace, row.capacity, createBaseline(`${row.prefetcher}:${row.parameters}`, opaque));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const tight = row.prefetcher === 'pg' ? null : peerTables(row.capacity, peerBlockBytes, peerShare, shapeOf(row));
  const spec = `${row.prefetcher}:${row.parameters},recording-rows=${tight?.recordingRows}`;
  const sameTable = tight === null ? null : replay(trace, row.capacity, createBaseline(spec, opaque));
  const of = (n: number | undefined) => (n === undefined ? '' : (n / row.misses).toFixed(4));
  const rate = (row.requests / seconds / 1e6).toFixed(1);
  console.log(
    `TABLE\t${row.trace}\t${row.fraction}\t${row.prefetcher}\t${row.parameters}\t${of(ours.misses)}\t${of(sameTable?.misses)}\t${ours.prefetches}\t${row.prefetches}\t${rate} M/s`,
  );
}

const counts = ({ misses, prefetches, useful }: Counts): Counts => ({ misses, prefetches, useful });

/** The models are plain maps; over 5 million accesses they take minutes. */
const timeout = isFull ? 1_800_000 : 120_000;

describe('agreement of prefetchers with the published figures', { timeout }, () => {
  test.skipIf(rows.length > 0)('skipped: the table of published figures is absent', () => {
    console.warn('skipped the agreement of prefetchers: ../shared/peers.tsv is absent');
  });

  describe.each(traceNames)('%s', (name) => {
    const trace = readTrace(name);
    const mine = rows.filter((row) => row.trace === name);

    test.skipIf(trace === null)('the replay with plain LRU has the published misses', () => {
      for (const row of readPeers('-').filter((r) => r.trace === name)) {
        expect(replay(trace!, row.capacity, null).misses).toBe(row.misses);
      }
    });

    test.skipIf(trace === null)('every published figure follows from the paper and the named departures', () => {
      for (const row of mine) {
        expect({ row, counts: counts(replay(trace!, row.capacity, makePeer(row))) }).toEqual({
          row,
          counts: counts(row),
        });
        if (isFull) print(row, trace!);
      }
    });

    test.skipIf(trace === null)('mithril decides as the paper does in plain maps without bounds', () => {
      for (const row of mine.filter((r) => r.prefetcher === 'mithril')) {
        const ours = replay(trace!, row.capacity, createBaseline(`mithril:${row.parameters}`, opaque));
        expect({ row, ours }).toEqual({ row, ours: replay(trace!, row.capacity, makeExact(row)) });
      }
    });

    test.skipIf(trace === null)('pg stays within 0.5 % of the misses of an unbounded graph', () => {
      // The graph does not depend on the cache, so the smaller one, where an order or a tie matters most, stands for both.
      for (const row of mine.filter((r) => r.prefetcher === 'pg' && r.fraction === '0.01')) {
        const ours = replay(trace!, row.capacity, createBaseline(`pg:${row.parameters}`, opaque), 'best-last');
        const exact = replay(trace!, row.capacity, makeExact(row));
        if (isFull)
          console.log('BOUND', name, row.parameters, ours.misses / exact.misses, ours.prefetches / exact.prefetches);
        expect(Math.abs(ours.misses / exact.misses - 1), `${row.fraction} ${row.parameters}`).toBeLessThan(0.005);
      }
    });
  });
});

describe('agreement of prefetchers with the byte-sized oracle', { timeout }, () => {
  const oracle = readOracle();
  const sizesMiB = [128, 256, 384, 512, 640, 768, 896, 1024];
  const published = {
    pg: [92786, 89494, 83403, 81564, 72360, 71973, 71842, 71574],
    mithril: [79796, 78480, 76126, 75256, 72336, 72062, 71936, 71667],
    obl: [92139, 88548, 82337, 80487, 71259, 70869, 70737, 70469],
  };

  test.skipIf(oracle === null)('pg and mithril with default settings are within 2 % of the published figures', () => {
    for (const name of ['pg', 'mithril'] as const) {
      sizesMiB.forEach((mib, i) => {
        const { misses } = replay(oracle!, mib * 2 ** 20, createBaseline(name, opaque));
        const figure = published[name][i]!;
        expect(Math.abs(misses - figure) / figure, `${name} at ${mib} MiB: ${misses}`).toBeLessThan(0.02);
      });
    }
  });

  test.skipIf(oracle === null)('the named departures give the published figures of pg and mithril exactly', () => {
    const shape = {
      lookahead: 20,
      supportMin: 2,
      supportMax: 8,
      confidence: 1,
      listSize: 2,
      miningThreshold: 5120,
      recordsHits: false,
    };
    for (const i of isFull ? sizesMiB.keys() : [0, 7]) {
      const capacity = sizesMiB[i]! * 2 ** 20;
      const pg = new PeerPg(20, 0.05, { metadataBytesMax: capacity * 0.1, hasLossyQueue: true });
      expect(replay(oracle!, capacity, pg).misses).toBe(published.pg[i]);
      const mithril = new PeerMithril(shape, { ...peerTables(capacity, 1, 0.1, shape), hasBrokenTimes: true });
      expect(replay(oracle!, capacity, mithril).misses).toBe(published.mithril[i]);
    }
  });

  test.skipIf(oracle === null)('obl on addresses has all eight published figures exactly', () => {
    sizesMiB.forEach((mib, i) => {
      const { addresses, trace } = addressed(oracle!);
      const { misses } = replay(trace, mib * 2 ** 20, createBaseline('obl', { addresses }));
      expect({ mib, misses }).toEqual({ mib, misses: published.obl[i] });
    });
  });
});

/** The oracle's ids as addresses; room for as many segments again that are staged and never demanded. */
function addressed(oracle: NonNullable<ReturnType<typeof readOracle>>) {
  const address = [...oracle.address];
  const segment = new Map(address.map((a, i) => [a, i]));
  const addresses: AddressSpace = {
    unitBytes: 512,
    addressOf: (s) => address[s] as number,
    segmentAt: (a) => {
      const known = segment.get(a) ?? address.push(a) - 1;
      segment.set(a, known);
      return known;
    },
  };
  return { addresses, trace: { ...oracle, segmentCount: oracle.segmentCount * 2 } };
}

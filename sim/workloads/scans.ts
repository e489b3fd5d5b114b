/** Sequential scans over addresses, interleaved, above a popular background: what disks and object ranges see. */

import { z } from 'zod';
import { Operation } from '../../streams/operation.ts';
import { zipf } from './sampling.ts';
import { EPOCH_MS, ROWS_PER_YIELD, type Workload } from './workload.ts';

const parameters = z.strictObject({
  accesses: z.number().int().min(1).default(200_000).describe('Accesses in all.'),
  streams: z.number().int().min(1).default(8).describe('Scans that run interleaved at any moment.'),
  scanLength: z.number().int().min(2).default(400).describe('Requests in a scan.'),
  requestUnits: z.number().int().min(1).default(8).describe('Length of a scan request in address units of 512 bytes.'),
  background: z.number().min(0).max(1).default(0.4).describe('Share of accesses that are single, popular blocks.'),
  backgroundSegments: z.number().int().min(1).default(4000).describe('Distinct background blocks, Zipf 0.9.'),
  rate: z.number().positive().default(500).describe('Accesses a second, evenly spaced.'),
});

/** Scans start at multiples of this, above every background block, so that scans never meet. */
const SCAN_SPACING = 2 ** 24;

export const scans: Workload<z.infer<typeof parameters>> = {
  name: 'scans',
  description: 'interleaved sequential scans over addresses that are never read again, above popular single blocks.',
  model:
    'With probability `background` the access is a block drawn by Zipf (0.9) from backgroundSegments blocks of requestUnits units each, at addresses 0, requestUnits, 2 requestUnits, ...; otherwise one of `streams` scans, drawn uniformly, takes its next step: addresses a, a + requestUnits, ..., scanLength requests, then a new scan starts elsewhere, on fresh addresses. Every scan address is read once: a cache without prefetching misses all of them. Access i is at i/rate seconds.',
  parameters,
  addressBytes: 512,
  *generate(p, random, sink) {
    const draws = random.fork('draws');
    const popularity = zipf(p.backgroundSegments, 0.9);
    const scanNumber = Uint32Array.from({ length: p.streams }, (_, s) => s);
    // Scans begin at different steps, so that they do not all end together.
    const step = Uint32Array.from({ length: p.streams }, () => draws.int(p.scanLength));
    let nextScan = p.streams;
    for (let i = 0; i < p.accesses; i++) {
      let address: number;
      if (draws.next() < p.background) {
        address = popularity.sample(draws) * p.requestUnits;
      } else {
        const stream = draws.int(p.streams);
        if (step[stream] === p.scanLength) {
          scanNumber[stream] = nextScan++;
          step[stream] = 0;
        }
        address = (scanNumber[stream]! + 1) * SCAN_SPACING + step[stream]! * p.requestUnits;
        step[stream]! += 1;
      }
      const segment = sink.segments.internU64(Math.floor(address / 2 ** 32), address >>> 0);
      sink.append(EPOCH_MS + Math.floor((i * 1000) / p.rate), segment, -1, -1, Operation.read, p.requestUnits * 512, 1);
      if (i % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) yield;
    }
  },
};

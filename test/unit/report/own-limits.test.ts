import { expect, test } from 'vitest';
import type { RefusalName } from '../../../actors/cache-manager/ledger.ts';
import { refusingClause, refusingSetting } from '../../../sim/report/own-limits.ts';

function refusing(counts: Partial<Record<RefusalName, number>>, issued: number): string | null {
  return refusingSetting((name) => counts[name] ?? 0, issued);
}

test('the headline named one setting that "refused most" where several did together: it names as many as did', () => {
  expect(refusing({ requestRate: 40, denied: 30, byteTotal: 30 }, 20)).toBe('caps.requestsPerSecondMax and policy');
  expect(refusing({ requestRate: 30, denied: 30, byteTotal: 30, unsafe: 1 }, 80)).toBe(
    'policy, caps.requestsPerSecondMax and caps.bytesMax',
  );
  expect(refusingClause('policy and caps.bytesMax')).toContain('policy and caps.bytesMax refused most of what');
});

test('one setting is named alone where it refused more than was sent and all others refused', () => {
  expect(refusing({ requestTotal: 101, denied: 50 }, 50)).toBe('caps.requestsMax');
});

test('no setting is named where no more was refused than was sent, or by others than the settings', () => {
  expect(refusing({ requestRate: 50, denied: 50 }, 100)).toBe(null);
  expect(refusing({}, 0)).toBe(null);
});

test('what the bound on misses refused is laid to the ghost only where that is a sample', () => {
  const refused = (name: RefusalName) => (name === 'throttled' ? 10 : 0);
  expect(refusingSetting(refused, 1)).toBe(null);
  expect(refusingSetting(refused, 1, true)).toContain('ghost.kind: sampled');
});

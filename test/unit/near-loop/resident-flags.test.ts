/** What the near loop keeps of who is at the site. */

import { expect, test } from 'vitest';
import { ResidentFlags } from '../../../actors/near-loop/resident-flags.ts';
import { SnapshotReader, SnapshotWriter } from '../../../actors/near-loop/snapshot.ts';

const saved = (flags: ResidentFlags): readonly unknown[] => {
  const writer = new SnapshotWriter();
  flags.save(writer);
  return writer.finish().map((array) => [...array]);
};

test('what is saved while a prefetch is on its way is the same when it is restored and saved again', () => {
  const flags = new ResidentFlags();
  flags.set(3);
  flags.hold(5);
  const writer = new SnapshotWriter();
  flags.save(writer);
  const restored = new ResidentFlags();
  restored.load(new SnapshotReader(writer.finish()));
  expect([restored.has(3), restored.has(5)]).toEqual([true, false]);
  expect(saved(restored)).toEqual(saved(flags));
});

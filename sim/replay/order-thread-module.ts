/** The module of a thread that learns order for a run: it reads the rows that another thread has open, and sets down what it knew after each. */

import { orderOptionsOf } from '../../actors/near-loop/order-options.ts';
import { ResidentFlags } from '../../actors/near-loop/resident-flags.ts';
import { SnapshotReader, SnapshotWriter } from '../../actors/near-loop/snapshot.ts';
import { ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';
import { SequencePredictor } from '../../actors/sequence-predictor/sequence-predictor.ts';
import { serveParent } from '../../engine/host/worker-thread.ts';
import { BatchSpool } from '../../streams/spool.ts';
import { OrderRing } from './order-ring.ts';
import type { OrderThreadData, OrderToLearn } from './order-thread.ts';
import { RowWindows } from './row-windows.ts';

serveParent((data, post) => {
  const { rows, config, ring: memory } = data as OrderThreadData;
  const ring = new OrderRing(memory);
  const predictor = new SequencePredictor({ ...orderOptionsOf(config), resident: new ResidentFlags(), kernelAfter: 0 });
  const learn = async ({ order, position, back }: OrderToLearn): Promise<void> => {
    predictor.load(new SnapshotReader(order, false));
    let first = position;
    let epoch = 0;
    for await (const window of new RowWindows(ROWS_AHEAD).of(BatchSpool.attach(rows).forward(position))) {
      const lead = ring.awaitLead(epoch);
      if (lead < 0) return;
      const count = predictor.learnAhead(window, 0, window.count, first, lead, ring.recordsOf(epoch));
      if (count < window.count) {
        const writer = new SnapshotWriter(false);
        predictor.save(writer);
        back.postMessage(writer.finish());
      }
      ring.setBytes(predictor.bytes);
      ring.tellLearned(epoch, count);
      if (count < window.count) return;
      first += window.count;
      epoch++;
    }
  };
  ring.setReady();
  post('started');
  return (message) => {
    learn(message as OrderToLearn).catch((error: unknown) => {
      ring.fail();
      throw error;
    });
  };
});

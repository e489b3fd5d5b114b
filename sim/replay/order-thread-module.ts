/** The module of a thread that learns order for runs: it reads the rows that another thread has open, and sets down what it knew after each. */

import { orderCodeOf, orderOptionsOf } from '../../actors/near-loop/order-options.ts';
import { ResidentFlags } from '../../actors/near-loop/resident-flags.ts';
import { SnapshotReader, SnapshotWriter } from '../../actors/near-loop/snapshot.ts';
import { takeOrderModule } from '../../actors/sequence-predictor/order-module.ts';
import { ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';
import { SequencePredictor } from '../../actors/sequence-predictor/sequence-predictor.ts';
import { serveParent } from '../../engine/host/worker-thread.ts';
import { orderColumns } from '../../streams/spool-rows.ts';
import { OrderRing } from './order-ring.ts';
import type { OrderThreadData, OrderToLearn } from './order-thread.ts';
import { RowWindows } from './row-windows.ts';

serveParent((data, post) => {
  const ring = new OrderRing((data as OrderThreadData).ring);
  // Nobody else waits for this thread, so it need not give way.
  const learn = ({ rows, config, compiled, order, position, back }: OrderToLearn): void => {
    if (compiled !== null) takeOrderModule(orderCodeOf(config), compiled);
    const predictor = new SequencePredictor({
      ...orderOptionsOf(config),
      resident: new ResidentFlags(),
      kernelAfter: 0,
    });
    predictor.load(new SnapshotReader(order, false));
    let first = position;
    let epoch = 0;
    for (const window of new RowWindows(ROWS_AHEAD).of(orderColumns(rows, position))) {
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
    try {
      learn(message as OrderToLearn);
    } catch (error) {
      ring.fail();
      throw error;
    }
    ring.setReady();
  };
});

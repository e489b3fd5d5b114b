/** The module of a thread that learns order for runs: it reads the rows that another thread has open, and sets down what it knew after each. */

import { orderCodeOf, orderOptionsOf } from '../../actors/near-loop/order-options.ts';
import { ResidentFlags } from '../../actors/near-loop/resident-flags.ts';
import { SnapshotReader, SnapshotWriter } from '../../actors/near-loop/snapshot.ts';
import { takeOrderModule } from '../../actors/sequence-predictor/order-module.ts';
import { RECORD_WORDS, ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';
import { SequencePredictor } from '../../actors/sequence-predictor/sequence-predictor.ts';
import { serveParent } from '../../engine/host/worker-thread.ts';
import { orderColumns } from '../../streams/spool-rows.ts';
import { OrderRing } from './order-ring.ts';
import type { OrderLessons, OrderThreadData, OrderToLearn } from './order-thread.ts';
import { RowWindows } from './row-windows.ts';

/** Epochs that are learned for practice. */
const PRACTICE_EPOCHS = 64;

serveParent((data, post) => {
  const { ring: memory, practice } = data as OrderThreadData;
  const ring = new OrderRing(memory);
  if (practice !== null) practise(practice);
  ring.setReady();
  post('started');
  return (message) => {
    try {
      learn(ring, message as OrderToLearn);
    } catch (error) {
      ring.fail();
      throw error;
    }
    ring.setReady();
  };
});

/** Nobody else waits for this thread, so it need not give way. */
function learn(ring: OrderRing, { order, position, back, ...lessons }: OrderToLearn): void {
  const predictor = predictorFor(lessons);
  predictor.load(new SnapshotReader(order, false));
  let first = position;
  let epoch = 0;
  for (const window of new RowWindows(ROWS_AHEAD).of(orderColumns(lessons.rows, position))) {
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
}

function practise(lessons: OrderLessons): void {
  const predictor = predictorFor(lessons);
  // What the settings ask for may be nothing that can be learned ahead.
  if (!predictor.mayLearnAhead) return;
  const said = new Int32Array(ROWS_AHEAD * RECORD_WORDS);
  let first = 0;
  for (const window of new RowWindows(ROWS_AHEAD).of(orderColumns(lessons.rows, 0))) {
    const count = predictor.learnAhead(window, 0, window.count, first, 0, said);
    first += window.count;
    if (count < window.count || first >= PRACTICE_EPOCHS * ROWS_AHEAD) return;
  }
}

function predictorFor({ config, compiled }: OrderLessons): SequencePredictor {
  if (compiled !== null) takeOrderModule(orderCodeOf(config), compiled);
  return new SequencePredictor({ ...orderOptionsOf(config), resident: new ResidentFlags(), kernelAfter: 0 });
}

/** The module of the training thread: a trainer behind the thread's messages. */

import { RealClock } from '../../engine/host/real-clock.ts';
import { serveParent } from '../../engine/host/worker-thread.ts';
import { TrainingHost } from './training-host.ts';
import type { FromTrainer, ToTrainer, WorkerTrainingOptions } from './worker-training.ts';

serveParent((data, post) => {
  const host = new TrainingHost(data as WorkerTrainingOptions, new RealClock());
  const answer = (message: FromTrainer): void => {
    post(message, message.kind === 'trained' ? [message.result.values.buffer as ArrayBuffer] : []);
  };
  return (received) => {
    const message = received as ToTrainer;
    if (message.kind === 'cancel') {
      host.cancel(message.id);
      return;
    }
    const { id } = message.request;
    void host.train(message.request).then((result) => {
      answer(result === null ? { kind: 'cancelled', id } : { kind: 'trained', id, result });
    });
  };
});

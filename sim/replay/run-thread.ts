/** The module of a thread that makes runs: it reads the trace that another thread has open, and answers with what each run left behind. */

import { serveParent } from '../../engine/host/worker-thread.ts';
import { Interner } from '../../streams/interner.ts';
import { BatchSpool } from '../../streams/spool.ts';
import { executeRun, type RunTrace } from './run.ts';
import { type FromRunThread, type RunThreadData, type ToRunThread, toSentError, toSentRecord } from './run-message.ts';

serveParent((data, post) => {
  const { facts, rows, context } = data as RunThreadData;
  const spool = BatchSpool.attach(rows);
  const trace: RunTrace = {
    facts,
    // Runs that need names or the future stay with the thread that has them: see `canLeave`.
    segments: new Interner(),
    addresses: null,
    batches: () => spool.forward(),
    nextAccesses: () => Promise.reject(new Error('a run that needs next accesses is made beside the trace')),
  };
  const answer = (message: FromRunThread): void => post(message);
  return (message) => {
    const { index, run } = message as ToRunThread;
    const onProgress = (accesses: number): void => answer({ kind: 'progress', index, accesses });
    executeRun(trace, run, { ...context, onProgress }).then(
      (record) => answer({ kind: 'made', index, record: toSentRecord(record) }),
      (error: unknown) => answer({ kind: 'failed', index, error: toSentError(error) }),
    );
  };
});

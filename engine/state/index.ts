/** Durable state: the log, checkpoints, and their implementations in memory and LMDB. */

export {
  type CheckpointContent,
  type CheckpointHeader,
  type CheckpointStore,
  type CheckpointStoreConfig,
  checkpointStoreSchema,
  type DamagedCheckpoint,
  type LoadedCheckpoint,
} from './checkpoint-store.ts';
export { LmdbCheckpointStore } from './lmdb-checkpoint-store.ts';
export { LmdbLogStore } from './lmdb-log-store.ts';
export type {
  LogAppend,
  LogEntry,
  LogFacts,
  LogFrame,
  LogOrigin,
  LogReceipt,
  LogStore,
} from './log-store.ts';
export { type LogStoreConfig, logStoreSchema } from './log-store-config.ts';
export { MemoryCheckpointDisk, MemoryCheckpointStore } from './memory-checkpoint-store.ts';
export { MemoryDisk, MemoryLogStore } from './memory-log-store.ts';

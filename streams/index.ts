/** How access events move: batches of accesses, names as dense ids, readers, operators and the Arrow codec. */

export * from './access-batch.ts';
export * from './access-batch-builder.ts';
export * from './access-sink.ts';
export * from './address-space.ts';
export * from './address-table.ts';
export * from './codec/access-arrow-reader.ts';
export * from './codec/access-arrow-writer.ts';
export * from './codec/access-schema.ts';
export { fromRecordBatch, toRecordBatch } from './codec/record-batch.ts';
export * from './format.ts';
export * from './interner.ts';
export * from './name-table.ts';
export * from './operation.ts';
export * from './operators/batch-stage.ts';
export * from './operators/bounded.ts';
export * from './operators/credits.ts';
export * from './operators/deduplicate.ts';
export * from './operators/flow-counts.ts';
export * from './operators/from-source.ts';
export * from './operators/order-by-time.ts';
export * from './operators/rebatch.ts';
export * from './operators/sample.ts';
export { BatchSplitter, type SplitEvent, type SplitInterval, splitAt } from './operators/split-at.ts';
export * from './operators/watermark.ts';
export * from './operators/windowed.ts';
export * from './sources/index.ts';
export * from './spool.ts';

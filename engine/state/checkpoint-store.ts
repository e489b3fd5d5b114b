/** Checkpoints of a node's state, as a port: a few are kept, each says what it stands for, and damage is found on loading. */

import { z } from 'zod';
import { sha256Hex } from '../host/digest.ts';

export const checkpointStoreSchema = z
  .strictObject({
    kept: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe('Checkpoints kept: where the newest is damaged the one before it is used.'),
  })
  .describe('Checkpoints.');

export type CheckpointStoreConfig = z.output<typeof checkpointStoreSchema>;

/** What is to be kept. */
export interface CheckpointContent {
  /** Everything before this log position is in the state, nothing at or after it. */
  readonly logPosition: number;
  /** Event time up to which accesses have been seen; null = none had a time. */
  readonly watermarkMs: number | null;
  /** Version of the state's layout: a program reads only its own. */
  readonly schemaVersion: number;
  readonly createdAtMs: number;
  /** The state, in as many parts as its owner likes. */
  readonly parts: readonly Uint8Array[];
}

/** What a checkpoint says of itself. */
export interface CheckpointHeader extends Omit<CheckpointContent, 'parts'> {
  /** Grows with each checkpoint. */
  readonly id: number;
  /** Bytes of each part. */
  readonly partBytes: readonly number[];
  /** SHA-256 over the header's other fields and all parts. */
  readonly digest: string;
}

/** A checkpoint that is not what was written, and why. */
export interface DamagedCheckpoint {
  readonly header: CheckpointHeader;
  readonly problem: string;
}

export interface LoadedCheckpoint {
  readonly header: CheckpointHeader;
  readonly parts: readonly Uint8Array[];
}

/**
 * The implementation must: make `put` atomic, so that a crash leaves the checkpoint whole or absent; remove older ones only when the new
 * one is durable; and never return parts that fail their digest.
 */
export interface CheckpointStore {
  /** Resolves when it is durable; then all but the `kept` newest are removed. @throws AnteroomError 'disk-full' or 'io'; nothing changed. */
  put(content: CheckpointContent): Promise<CheckpointHeader>;
  /** The newest first; damaged ones are listed too. */
  list(): Promise<readonly CheckpointHeader[]>;
  /** Null = it is whole. @throws AnteroomError 'not-found'. */
  verify(id: number): Promise<string | null>;
  /**
   * The newest that is whole and in which `faultOf` finds nothing (null); and the newer ones, with what is wrong with each. `faultOf` is of use
   * where the owner of the state may not be able to read it.
   */
  latest(
    faultOf?: (checkpoint: LoadedCheckpoint) => string | null,
  ): Promise<{ readonly loaded: LoadedCheckpoint | null; readonly damaged: readonly DamagedCheckpoint[] }>;
  /** @throws AnteroomError 'not-found'. */
  delete(id: number): Promise<void>;
  close(): Promise<void>;
}

/** The header of `content` under `id`. */
export function sealCheckpoint(id: number, content: CheckpointContent): CheckpointHeader {
  const { logPosition, watermarkMs, schemaVersion, createdAtMs, parts } = content;
  const facts = {
    id,
    logPosition,
    watermarkMs,
    schemaVersion,
    createdAtMs,
    partBytes: parts.map((part) => part.length),
  };
  return { ...facts, digest: sha256Hex([sealedFacts(facts), ...parts]) };
}

/** Why header and parts are not what was written together; null = they are. `digest`: of both, where somebody has taken it already. */
export function problemOf(
  header: CheckpointHeader,
  parts: readonly (Uint8Array | null)[],
  digest: string | null = null,
): string | null {
  for (const [i, length] of header.partBytes.entries()) {
    const part = parts[i];
    if (part === undefined || part === null) return `part ${i} is missing`;
    if (part.length !== length) return `part ${i} has ${part.length} of ${length} bytes`;
  }
  const found = digest ?? sha256Hex([sealedFacts(header), ...(parts as readonly Uint8Array[])]);
  return found === header.digest ? null : 'its digest differs';
}

/** What the digest is taken of before the parts. */
export function sealedFacts(header: Omit<CheckpointHeader, 'digest'>): Uint8Array {
  const { id, logPosition, watermarkMs, schemaVersion, createdAtMs, partBytes } = header;
  return new TextEncoder().encode(
    JSON.stringify({ id, logPosition, watermarkMs, schemaVersion, createdAtMs, partBytes }),
  );
}

/** Checkpoints in memory. */

import { parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import {
  type CheckpointContent,
  type CheckpointHeader,
  type CheckpointStore,
  type CheckpointStoreConfig,
  checkpointStoreSchema,
  type DamagedCheckpoint,
  type LoadedCheckpoint,
  problemOf,
  sealCheckpoint,
} from './checkpoint-store.ts';

/** What outlives a store in memory. Tests may damage the parts. */
export class MemoryCheckpointDisk {
  readonly checkpoints = new Map<number, { readonly header: CheckpointHeader; parts: (Uint8Array | null)[] }>();
  isFull = false;
  nextId = 1;
}

export class MemoryCheckpointStore implements CheckpointStore {
  readonly #disk: MemoryCheckpointDisk;
  readonly #kept: number;

  constructor(
    options: { readonly config?: Partial<CheckpointStoreConfig>; readonly disk?: MemoryCheckpointDisk } = {},
  ) {
    this.#disk = options.disk ?? new MemoryCheckpointDisk();
    this.#kept = parseConfig(checkpointStoreSchema, options.config ?? {}, 'checkpoints').kept;
  }

  async put(content: CheckpointContent): Promise<CheckpointHeader> {
    const disk = this.#disk;
    if (disk.isFull)
      throw new AnteroomError('disk-full', 'checkpoints: put failed: the disk is full', { isRetryable: true });
    const header = sealCheckpoint(disk.nextId++, content);
    disk.checkpoints.set(header.id, { header, parts: content.parts.map((part) => part.slice()) });
    for (const id of [...disk.checkpoints.keys()].sort((a, b) => b - a).slice(this.#kept)) disk.checkpoints.delete(id);
    return header;
  }

  async list(): Promise<readonly CheckpointHeader[]> {
    return [...this.#disk.checkpoints.values()].map(({ header }) => header).sort((a, b) => b.id - a.id);
  }

  async verify(id: number): Promise<string | null> {
    const { header, parts } = this.#find(id);
    return problemOf(header, parts);
  }

  async latest(faultOf: (checkpoint: LoadedCheckpoint) => string | null = () => null): Promise<{
    readonly loaded: LoadedCheckpoint | null;
    readonly damaged: readonly DamagedCheckpoint[];
  }> {
    const damaged: DamagedCheckpoint[] = [];
    for (const header of await this.list()) {
      const { parts: found } = this.#find(header.id);
      const parts = found.flatMap((part) => (part === null ? [] : [part.slice()]));
      const problem = problemOf(header, found) ?? faultOf({ header, parts });
      if (problem === null) return { loaded: { header, parts }, damaged };
      damaged.push({ header, problem });
    }
    return { loaded: null, damaged };
  }

  async delete(id: number): Promise<void> {
    this.#find(id);
    this.#disk.checkpoints.delete(id);
  }

  async close(): Promise<void> {}

  #find(id: number) {
    const found = this.#disk.checkpoints.get(id);
    if (found === undefined) throw noCheckpoint(id);
    return found;
  }
}

export function noCheckpoint(id: number): AnteroomError {
  return new AnteroomError('not-found', `there is no checkpoint ${id}`, { context: { id } });
}

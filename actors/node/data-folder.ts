/** A node's data folder: its stores, and a marker that says they must be there. */

import { AnteroomError } from '../../engine/errors.ts';
import { ensureFolder, fileBytes, freeBytes } from '../../engine/host/folder.ts';
import { lockFolder } from '../../engine/host/folder-lock.ts';
import { readTextFile, writeTextFile } from '../../engine/host/text-file.ts';
import type { CheckpointStore } from '../../engine/state/checkpoint-store.ts';
import { LmdbCheckpointStore } from '../../engine/state/lmdb-checkpoint-store.ts';
import { checkLmdb } from '../../engine/state/lmdb-environment.ts';
import { LmdbLogStore } from '../../engine/state/lmdb-log-store.ts';
import { LmdbRecordStore } from '../../engine/state/lmdb-record-store.ts';
import type { LogStore } from '../../engine/state/log-store.ts';
import { MemoryCheckpointStore } from '../../engine/state/memory-checkpoint-store.ts';
import { MemoryLogStore } from '../../engine/state/memory-log-store.ts';
import { MemoryRecordStore, type RecordStore } from '../../engine/state/record-store.ts';
import type { NodeConfig } from './node-config.ts';

export interface NodeStores {
  readonly log: LogStore;
  readonly checkpoints: CheckpointStore;
  readonly records: RecordStore;
  close(): Promise<void>;
}

type StoreConfig = Pick<NodeConfig, 'store' | 'dataFolder' | 'log' | 'checkpoints'>;

const LAYOUT = 1;
/** Several times what three empty stores take. */
const FIRST_BYTES = 2 ** 20;

/**
 * Opens what a node keeps, for this process alone. The marker `node.json` is written when all stores were made: where it is and a store is not, data was lost
 * and that is told instead of beginning anew.
 * @throws AnteroomError 'corrupt', 'io', 'unsupported', 'missing-library'.
 */
export async function openStores(config: StoreConfig): Promise<NodeStores> {
  const { dataFolder } = config;
  const kept = { kept: config.checkpoints.kept };
  if (config.store === 'memory')
    return together(
      new MemoryLogStore({ config: config.log }),
      new MemoryCheckpointStore({ config: kept }),
      new MemoryRecordStore(),
    );
  ensureFolder(dataFolder);
  const lock = await lockFolder(dataFolder);
  try {
    const stores = await openLocked(config);
    return {
      ...stores,
      close: async () => {
        await stores.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked(config: StoreConfig): Promise<NodeStores> {
  const { dataFolder } = config;
  const kept = { kept: config.checkpoints.kept };
  const mustExist = await hasMarker(dataFolder);
  if (!mustExist) checkRoom(dataFolder);
  const at = (what: string) => ({ path: `${dataFolder}/${what}`, what, mustExist });
  await checkLmdb([at('log'), at('checkpoints'), at('records')]);
  const isChecked = true;
  const log = await LmdbLogStore.open({ path: at('log').path, config: config.log, isChecked });
  const checkpoints = await LmdbCheckpointStore.open({ path: at('checkpoints').path, config: kept, isChecked });
  const records = await LmdbRecordStore.open({ ...at('records'), isChecked });
  if (!mustExist) await writeTextFile(`${dataFolder}/node.json`, `${JSON.stringify({ layout: LAYOUT })}\n`);
  return together(log, checkpoints, records);
}

/** LMDB writes its first pages through memory, which on a full disk ends the process without a word. */
function checkRoom(dataFolder: string): void {
  const free = freeBytes(dataFolder);
  if (free !== null && free < FIRST_BYTES)
    throw new AnteroomError(
      'disk-full',
      `${dataFolder}: ${free} bytes are free there: expected at least ${FIRST_BYTES} for the first start`,
    );
}

/** Only the checkpoints of a data folder, for commands that look into one that no node is using. @throws AnteroomError 'not-found'. */
export async function openCheckpoints(dataFolder: string): Promise<CheckpointStore> {
  if (!(await hasMarker(dataFolder)))
    throw new AnteroomError('not-found', `${dataFolder}: no node has kept its data here`);
  const lock = await lockFolder(dataFolder);
  const store = await LmdbCheckpointStore.open({ path: `${dataFolder}/checkpoints`, mustExist: true });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await lock.release();
  };
  return store;
}

async function hasMarker(dataFolder: string): Promise<boolean> {
  const path = `${dataFolder}/node.json`;
  if (fileBytes(path) === null) return false;
  const layout = layoutOf(await readTextFile(path));
  if (layout === null)
    throw new AnteroomError('corrupt', `${path}: damaged: expected ${JSON.stringify({ layout: LAYOUT })}`);
  if (layout !== LAYOUT)
    throw new AnteroomError('unsupported', `${path}: layout ${layout} is not known here: expected ${LAYOUT}`);
  return true;
}

/** Null = it is none. */
function layoutOf(marker: string): number | null {
  try {
    const { layout } = JSON.parse(marker) as { readonly layout?: unknown };
    return typeof layout === 'number' ? layout : null;
  } catch {
    return null;
  }
}

function together(log: LogStore, checkpoints: CheckpointStore, records: RecordStore): NodeStores {
  return {
    log,
    checkpoints,
    records,
    close: async () => {
      await log.close();
      await checkpoints.close();
      await records.close();
    },
  };
}

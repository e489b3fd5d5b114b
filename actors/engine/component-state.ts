/** The state of one component as bytes of its own, so that it can be kept apart and restored in another process. */

import { type StateFields, StateLoader, StateSaver, StateSketch } from '../../engine/state-fields.ts';
import { hashBytes } from '../../streams/name-hash.ts';
import { fromStateBytes, toStateBytes } from './state-bytes.ts';

/** What lists its fields. */
export interface Persistent {
  persist(fields: StateFields): void;
}

interface Header {
  readonly sketch: string;
}

/** `sketch`: of the component as it was when it was made, for some fields are made when they are needed first. */
export function saveComponent(component: Persistent, sketch: string): Uint8Array {
  const saver = new StateSaver();
  component.persist(saver);
  const { numbers, arrays } = saver.finish();
  return toStateBytes({ sketch } satisfies Header, [numbers, ...arrays]);
}

/** Whether the component, just made, has the fields that the state was saved with. @throws AnteroomError as `fromStateBytes` does. */
export function isFitting(component: Persistent, bytes: Uint8Array): boolean {
  return (fromStateBytes(bytes, true).header as Header).sketch === sketchOf(component);
}

/**
 * Restores a component that was just made. False, and nothing is changed, where the state does not fit.
 * @throws AnteroomError as `fromStateBytes` does.
 */
export function loadComponent(component: Persistent, bytes: Uint8Array, isVerified = false): boolean {
  const { header, arrays } = fromStateBytes(bytes, isVerified);
  if ((header as Header).sketch !== sketchOf(component)) return false;
  const [numbers, ...rest] = arrays;
  const loader = new StateLoader({ numbers: numbers as Float64Array, arrays: rest });
  component.persist(loader);
  loader.finish();
  return true;
}

/** Which fields it has, whatever they hold: equal in programs that can restore each other's. */
export function sketchOf(component: Persistent): string {
  const sketch = new StateSketch();
  component.persist(sketch);
  const bytes = new TextEncoder().encode(sketch.text());
  const view = new DataView(bytes.buffer);
  return [0, 1].map((seed) => (hashBytes(view, 0, bytes.length, seed) >>> 0).toString(16)).join('-');
}

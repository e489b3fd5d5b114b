/** From settings to a running engine. */

import { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';

/**
 * An engine that has learned nothing yet.
 * @throws AnteroomError 'bad-config' naming the setting, 'bad-usage' for a latency that cannot be read.
 */
export function createEngine(options: EngineOptions = {}): Engine {
  return new Engine(options);
}

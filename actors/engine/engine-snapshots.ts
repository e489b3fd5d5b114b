/** An engine as bytes, and an engine that goes on from them. */

import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { type StateFields, StateLoader, StateSaver } from '../../engine/state-fields.ts';
import { PrefetchAdmission } from '../cache-manager/prefetch-admission.ts';
import { prefetchCapsSchema } from '../cache-manager/prefetch-caps.ts';
import { isFitting, loadComponent, saveComponent, sketchOf } from './component-state.ts';
import type { EngineConfig } from './engine-config.ts';
import type { EngineFeed } from './engine-feed.ts';
import type { EngineOptions, Restored } from './engine-options.ts';
import type { EngineParts } from './engine-parts.ts';
import { type EngineState, toBytes } from './engine-state.ts';

/** Made when the engine was just built, since a sketch is of that: some fields are made when they are needed first. */
export class EngineSnapshots {
  readonly #parts: EngineParts;
  readonly #feed: EngineFeed;
  /** Which fields a state of this engine has. */
  readonly #sketch: string;
  /** The same of each actor of the far loop that lives here. */
  readonly #farSketches: ReadonlyMap<string, string>;

  constructor(parts: EngineParts, feed: EngineFeed) {
    this.#parts = parts;
    this.#feed = feed;
    this.#sketch = sketchOf({ persist: (fields) => persistEngine(parts, feed, fields) });
    this.#farSketches = new Map([...parts.pipeline.farActors].map(([name, actor]) => [name, sketchOf(actor)]));
  }

  save(isFarApart: boolean): Uint8Array {
    const { config, names, driver, journal, versions, admission } = this.#parts;
    driver.flush();
    const savedNames = new StateSaver();
    names.persist(savedNames);
    const fields = new StateSaver();
    persistEngine(this.#parts, this.#feed, fields);
    const state = {
      versions: versions.entries(),
      config: JSON.stringify({ ...config, caps: admission?.capsInForce ?? config.caps }),
      sketch: this.#sketch,
      names: savedNames.finish(),
      fields: fields.finish(),
      far: isFarApart ? new Map<string, Uint8Array>() : this.farStates(),
    };
    return toBytes(state, journal);
  }

  farStates(): ReadonlyMap<string, Uint8Array> {
    const { driver, pipeline } = this.#parts;
    driver.flush();
    return new Map(
      [...pipeline.farActors].map(([name, actor]) => [name, saveComponent(actor, this.#farSketches.get(name)!)]),
    );
  }

  /** @throws AnteroomError 'unsupported' where the far loop lives elsewhere and its actors would have to learn again. */
  restore(state: EngineState, options: EngineOptions): Restored {
    const { config, health, intake, desk, versions } = this.#parts;
    const saved = JSON.parse(state.config) as EngineConfig;
    const caps = prefetchCapsSchema.safeParse(saved.caps);
    // Caps are not what was learned.
    const isSame = JSON.stringify({ ...saved, caps: config.caps }) === JSON.stringify(config);
    const isFit = isSame && caps.success && state.sketch === this.#sketch;
    const isExact = isFit && this.#resumeFar(options.farStates ?? state.far, options);
    if (isExact) this.#resume(state, caps.data);
    else if (options.elsewhere === undefined) this.#feed.retell(state);
    else
      throw new AnteroomError(
        'unsupported',
        'the state is of other settings or models: have the far loop in this process once, which learns them',
      );
    health.mustRun();
    intake.resume(this.#feed.latestMs);
    desk?.reopen();
    versions.restore(state.versions);
    return isExact ? 'exact' : 'relearned';
  }

  /** Restores the far loop's actors that live here: all of them, or false and none. */
  #resumeFar(states: ReadonlyMap<string, Uint8Array>, { isSnapshotVerified, farStates }: EngineOptions): boolean {
    const { farActors } = this.#parts.pipeline;
    const isComplete = [...farActors].every(([name, actor]) => {
      const bytes = states.get(name);
      return bytes !== undefined && isFitting(actor, bytes);
    });
    // Those that came within the snapshot were covered by its checksum.
    const isVerified = farStates === undefined || isSnapshotVerified;
    if (isComplete)
      for (const [name, actor] of farActors)
        assert(loadComponent(actor, states.get(name)!, isVerified), 'a fitting state');
    return isComplete;
  }

  /** Under the caps that it was saved under; then those of the settings come into force, as if they were changed now. */
  #resume(state: EngineState, caps: EngineConfig['caps']): void {
    const { journal, admission, config } = this.#parts;
    journal.restore(state);
    admission?.setCaps(caps);
    const fields = new StateLoader(state.fields);
    persistEngine(this.#parts, this.#feed, fields);
    fields.finish();
    admission?.setCaps(config.caps);
  }
}

/** All but the names and the far loop's actors, which are saved by themselves; listed once, to save and to restore. */
function persistEngine(parts: EngineParts, feed: EngineFeed, fields: StateFields): void {
  fields.section('engine');
  feed.persist(fields);
  parts.intake.persist(fields);
  parts.driver.persist(fields);
  parts.pipeline.persist(fields);
  parts.nearLoop.persist(fields);
  parts.hints.persist(fields);
  PrefetchAdmission.persist(fields, parts.admission);
  parts.fetches.persist?.(fields);
  parts.desk?.persist(fields);
  parts.models.persist(fields);
  parts.decisions.persist(fields);
}

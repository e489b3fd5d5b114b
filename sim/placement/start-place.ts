/** Starts one place of a pipeline: its actors, its gateway and its connections to the other places. */

import type { EngineConfig } from '../../actors/engine/engine-config.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { PlacedLog } from '../../actors/placement/placed-log.ts';
import { PlacedPipeline } from '../../actors/placement/placed-pipeline.ts';
import type { Placement } from '../../actors/placement/placement-config.ts';
import { assert } from '../../engine/assert.ts';
import type { Clock } from '../../engine/clock.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { ActorSystem } from '../../engine/system.ts';
import { ActorGateway } from '../../engine/transport/actor-gateway.ts';
import type { LinkTransportOptions } from '../../engine/transport/link-transport.ts';
import type { Transport } from '../../engine/transport/transport.ts';
import type { TurnScheduler } from '../../engine/turns.ts';
import { modelledSite } from './modelled-site.ts';

export interface PlaceOptions {
  readonly place: string;
  readonly placement: Placement;
  readonly engine: EngineConfig;
  /** Where each place listens. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly turns: TurnScheduler;
  readonly makeTransport: (
    options: Pick<LinkTransportOptions, 'place' | 'receive' | 'onEvent' | 'onUndelivered'>,
  ) => Promise<Transport>;
  /** Told of a fault of an actor, which is the end of a run that must agree with others. */
  readonly onFault: (detail: string) => void;
}

export interface StartedPlace {
  readonly pipeline: PlacedPipeline;
  readonly transport: Transport;
  /** Where the log is led from; null elsewhere. */
  readonly log: PlacedLog | null;
  stop(): Promise<void>;
}

export async function startPlace(options: PlaceOptions): Promise<StartedPlace> {
  const { place, placement, engine, endpoints } = options;
  const others = [...new Set(Object.values(placement))].filter((other) => other !== place);
  const system = new ActorSystem({
    clock: options.clock,
    random: new Xoshiro128(engine.seed).fork('actors'),
    turns: options.turns,
    onEvent: ({ kind, address, detail }) => {
      if (kind === 'fault' || kind === 'stop-fault') options.onFault(`${place}: ${address}: ${detail}`);
    },
  });
  const gateway = new ActorGateway();
  const { receive, onEvent, onUndelivered } = gateway;
  const transport = await options.makeTransport({ place, receive, onEvent, onUndelivered });
  gateway.attach(transport);
  const isTimed = parseLatencySpec(engine.latency).kind === 'time';
  // Every actor is there before anybody can reach it, or a first message would find nobody.
  const pipeline = new PlacedPipeline({
    place,
    placement,
    system,
    gateway,
    farLoop: engine.farLoop,
    prices: engine.prices,
    bytesPerUnit: engine.unit === 'bytes' ? 1 : null,
    missPenaltyMs: isTimed ? null : engine.missPenaltyMs,
    makeSite: (onSettled) => modelledSite(engine, onSettled),
  });
  const log = placement.source === place ? new PlacedLog(pipeline, engine.farLoop, isTimed) : null;
  for (const other of others) transport.expect(other);
  const own = endpoints[place];
  if (own !== undefined && others.length > 0) await transport.bind(own);
  for (const other of others) {
    // One connection for each pair serves both directions.
    if (place > other) continue;
    const endpoint = endpoints[other];
    assert(endpoint !== undefined, `the place ${other} has an endpoint`);
    await transport.connect(other, endpoint);
  }
  return {
    pipeline,
    transport,
    log,
    stop: async () => {
      await system.stop();
      gateway.stop();
      await transport.close();
    },
  };
}

/** Joins the processes of one node: the transport between them, and on the node's side the far loop that lives there. */

import type { Clock } from '../../engine/clock.ts';
import { withDeadline } from '../../engine/deadline.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { entropyHex } from '../../engine/host/curve-keys.ts';
import type { RereadKeys } from '../../engine/host/key-folder.ts';
import { immediateTurns } from '../../engine/host/turns.ts';
import { ActorGateway } from '../../engine/transport/actor-gateway.ts';
import type { Transport, TransportEvent } from '../../engine/transport/transport.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { isEngineTimed } from '../engine/engine-config.ts';
import type { AskModel } from '../engine/model-answers.ts';
import { actorOfQuestion } from '../engine/model-questions.ts';
import { farLoopOf } from '../far-loop-config.ts';
import { farExpertsOf } from '../pipeline.ts';
import { FarLoopElsewhere } from '../placement/far-loop-elsewhere.ts';
import { PartHost } from '../placement/part-host.ts';
import { actorOfExpert } from '../placement/placed-pipeline.ts';
import type { NodeLogger } from './anteroom-node.ts';
import type { NodeConfig } from './node-config.ts';
import { type PlacesConfig, placementOf, securityOf } from './places-config.ts';

/** What went wrong with parts since the start. */
export interface PlaceCounts {
  /** Actors of a part were lost, so that the engine was made again. */
  readonly losses: number;
  /** Waits for parts that were longer than `places.silentMs`. */
  readonly silences: number;
}

/** The far loop in other places, as a node has it. */
export interface Elsewhere {
  readonly farLoop: FarLoopElsewhere;
  /** Places that are away now. */
  readonly away: () => readonly string[];
  /** Whether the node has waited for its parts longer than `places.silentMs`. */
  readonly isSilent: () => boolean;
  readonly counts: () => PlaceCounts;
  /** @throws AnteroomError 'unavailable' where the place of the actor is away, does not answer in time, or too many wait. */
  readonly ask: AskModel;
  /** Told when a place goes, comes, is silent or answers again, and when its actors are lost. */
  listen(onChange: () => void, onLost: (why: string) => void): void;
  /** Of the allow-list alone: a key of our own waits for a start. */
  readonly rereadKeys: RereadKeys;
  close(): Promise<void>;
}

/** Null where the whole node is one process. The engine's mode is the node's to say. @throws AnteroomError 'bad-config', 'missing-library', 'io'. */
export async function connectParts(
  config: NodeConfig,
  mode: 'live' | 'modelled',
  clock: Clock,
): Promise<Elsewhere | null> {
  const { places } = config;
  if (places.parts.length === 0) return null;
  if (farLoopOf(config.engine.farLoop, isEngineTimed({ ...config.engine, mode })) === null) return null;
  let onChange = (): void => {};
  let onLost = (_why: string): void => {};
  const away = new Set(places.parts.map(({ name }) => name));
  const counts = { losses: 0, silences: 0 };
  let isSilent = false;
  const gateway = new ActorGateway();
  const { transport, rereadKeys } = await joined(config, places.name, gateway, clock, (event) => {
    if (event.kind === 'up') away.delete(event.who);
    if (event.kind === 'down') away.add(event.who);
    // Also before the first word of it: what another life of the place was sent is gone with it.
    if (event.kind === 'restarted') farLoop.lose(`${event.who} has restarted`);
    if (event.kind === 'up' || event.kind === 'down') onChange();
  });
  const experts = farExpertsOf(config.engine.farLoop).map(actorOfExpert);
  const farLoop = new FarLoopElsewhere({
    place: places.name,
    placement: placementOf(places),
    gateway,
    nonce: entropyHex().slice(0, 16),
    learners: [...experts, 'forecaster', 'scheduler'],
    settings: JSON.stringify({ ...config.engine, mode }),
    onLost: (why) => {
      counts.losses++;
      onLost(why);
    },
    silence: {
      clock,
      silentMs: places.silentMs,
      onSilent: (now) => {
        isSilent = now;
        if (now) counts.silences++;
        onChange();
      },
    },
  });
  for (const { name, endpoint } of places.parts) await transport.connect(name, endpoint);
  return {
    farLoop,
    away: () => [...away],
    isSilent: () => isSilent,
    counts: () => ({ ...counts }),
    ask: asking(places, farLoop, away, clock),
    listen: (change, lost) => {
      onChange = change;
      onLost = lost;
    },
    rereadKeys,
    close: async () => {
      gateway.stop();
      await transport.close({ deadlineMs: 500 });
    },
  };
}

/** Takes questions to the far loop while its places are there. */
function asking(places: PlacesConfig, farLoop: FarLoopElsewhere, away: ReadonlySet<string>, clock: Clock): AskModel {
  const placement = placementOf(places);
  let waitingCount = 0;
  return async (question) => {
    const actor = actorOfQuestion(question);
    const place = placement[actor];
    if (away.has(place))
      throw new AnteroomError('unavailable', `the place ${place}, where the ${actor} lives, is away`, {
        isRetryable: true,
      });
    // One whose time is over still waits for the place: it counts until that has answered or is lost.
    if (waitingCount >= places.questionsMax)
      throw new AnteroomError('unavailable', `${waitingCount} questions wait for answers of other places`, {
        isRetryable: true,
      });
    waitingCount++;
    const answer = farLoop.ask(question).finally(() => {
      waitingCount--;
    });
    return withDeadline(clock, places.answerMs, `the place ${place}, where the ${actor} lives`, answer);
  };
}

/** A process that is one part of a node, until it is stopped. */
export interface RunningPart {
  /** Where it listens. */
  readonly endpoint: string;
  /** Of the allow-list alone: a key of our own waits for a start. */
  readonly rereadKeys: RereadKeys;
  stop(): Promise<void>;
}

/** @throws AnteroomError 'not-found' for a place that the configuration does not name, and as `connectParts`. */
export async function runPart(
  config: NodeConfig,
  place: string,
  clock: Clock,
  logger: NodeLogger,
  onFault: (why: string) => void,
): Promise<RunningPart> {
  const { places } = config;
  const part = places.parts.find(({ name }) => name === place)!;
  const gateway = new ActorGateway();
  const { transport, rereadKeys } = await joined(config, place, gateway, clock, ({ kind, who, detail }) => {
    if (kind === 'refused') logger.warn({ who, detail }, 'refused');
    else logger.info({ who, detail }, kind);
  });
  const host = new PartHost({
    place,
    owner: places.name,
    gateway,
    clock,
    turns: immediateTurns,
    onBegun: (epoch) => logger.info({ epoch, actors: part.actors }, 'working'),
    onFault,
  });
  transport.expect(places.name);
  for (const other of places.parts) {
    if (other.name === place) continue;
    // One connection for each pair serves both directions.
    if (place < other.name) await transport.connect(other.name, other.endpoint);
    else transport.expect(other.name);
  }
  const endpoint = await transport.bind(part.endpoint);
  logger.info({ place, endpoint }, 'listening');
  return {
    endpoint,
    rereadKeys,
    stop: async () => {
      await host.stop();
      await transport.close({ deadlineMs: 500 });
    },
  };
}

async function joined(
  config: NodeConfig,
  place: string,
  gateway: ActorGateway,
  clock: Clock,
  onEvent: (event: TransportEvent) => void,
): Promise<{ readonly transport: Transport; readonly rereadKeys: RereadKeys }> {
  const { receive, onUndelivered } = gateway;
  const security = await securityOf(config.places, place);
  const transport = await createZeroMqTransport({
    place,
    receive,
    onEvent: (event) => {
      gateway.onEvent(event);
      onEvent(event);
    },
    onUndelivered,
    clock,
    security,
  });
  gateway.attach(transport);
  const rereadKeys: RereadKeys = async () => {
    const fresh = await securityOf(config.places, place);
    return () => {
      if (security === null || fresh === null || !security.allowed.replace(fresh.allowed.keys)) return false;
      transport.recheck();
      return true;
    };
  };
  return { transport, rereadKeys };
}

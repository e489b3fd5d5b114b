/** What the settings of sources and sinks must be beyond their schemas. */

import { AnteroomError } from '../../engine/errors.ts';
import { isLocalEndpoint } from '../../engine/transport/endpoint.ts';
import type { NodeConfig } from './node-config.ts';
import type { KafkaSourceConfig, ZeroMqSourceConfig } from './sources/source-config.ts';

/** @throws AnteroomError 'bad-config' with the place in `file`. */
export function checkConnections(config: Pick<NodeConfig, 'sources' | 'sinks' | 'ingest'>, file: string): void {
  for (const list of ['sinks', 'sources'] as const) {
    const names = config[list].map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new AnteroomError('bad-config', `${file}: ${list}: two are named ${twice}`);
  }
  for (const [i, source] of config.sources.entries()) checkSource(source, `${file}: sources[${i}]`, config);
  for (const [i, sink] of config.sinks.entries()) checkSink(sink, `${file}: sinks[${i}]`);
}

function checkSource(source: NodeConfig['sources'][number], at: string, { ingest }: Pick<NodeConfig, 'ingest'>): void {
  const [field, bytes] =
    source.type === 'zeromq'
      ? (['messageBytesMax', source.messageBytesMax] as const)
      : (['fetchBytesMax', source.fetchBytesMax] as const);
  if (bytes > ingest.queueBytesMax)
    throw new AnteroomError('bad-config', `${at}.${field}: expected at most ingest.queueBytesMax`);
  if (source.type === 'zeromq' && !isLocal(source.bind, `${at}.bind`) && source.keysFolder === null)
    throw new AnteroomError(
      'bad-config',
      `${at}.bind: ${source.bind} can be reached by others: configure keysFolder, or listen on 127.0.0.1`,
    );
  if (source.type === 'zeromq') checkSpeakers(source, at);
  if (source.type === 'kafka') checkSasl(source, at);
}

function isLocal(endpoint: string, at: string): boolean {
  try {
    return isLocalEndpoint(endpoint);
  } catch (cause) {
    throw new AnteroomError('bad-config', `${at}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Brokers that do not ask who we are would be told nothing, without a word. */
function checkSasl({ saslMechanism, username, passwordFile }: KafkaSourceConfig, at: string): void {
  const isWhole = username !== null && passwordFile !== null;
  if (saslMechanism !== null && !isWhole)
    throw new AnteroomError('bad-config', `${at}.saslMechanism: needs username and passwordFile`);
  if (saslMechanism === null && (username !== null || passwordFile !== null))
    throw new AnteroomError('bad-config', `${at}.saslMechanism: expected one, since there is a user or a password`);
}

function checkSpeakers({ speakers, keysFolder, pattern }: ZeroMqSourceConfig, at: string): void {
  if (speakers.length > 0 && keysFolder === null)
    throw new AnteroomError('bad-config', `${at}.speakers: nobody can be told from others without keysFolder`);
  const places = new Set<string>();
  for (const [i, { place, bytesPerSecondMax }] of speakers.entries()) {
    if (places.has(place)) throw new AnteroomError('bad-config', `${at}.speakers[${i}].place: ${place} is there twice`);
    places.add(place);
    if (bytesPerSecondMax !== null && pattern === 'pull')
      throw new AnteroomError(
        'bad-config',
        `${at}.speakers[${i}].bytesPerSecondMax: needs pattern: router, since a pull can tell nobody to come later`,
      );
  }
}

function checkSink(sink: NodeConfig['sinks'][number], at: string): void {
  if (sink.type !== 'zeromq') return;
  if (!isLocal(sink.connect, `${at}.connect`) && sink.keysFolder === null)
    throw new AnteroomError(
      'bad-config',
      `${at}.connect: ${sink.connect} is not on this machine: configure keysFolder`,
    );
  if (sink.keysFolder !== null && sink.place === null)
    throw new AnteroomError('bad-config', `${at}.place: expected the receiver's place in the allow-list`);
}

/** The tailer as a source of a test's host. */

import type { TailConfig } from '../../actors/node/node-config.ts';
import type { Source } from '../../actors/node/sources/source.ts';
import { Tailer } from '../../actors/node/tailer.ts';
import type { SourceHost } from './source-host.ts';

export type Tails = readonly TailConfig[];

export function tailSource(tails: Tails, host: SourceHost): Source {
  const { clock, parseLenient, append, records } = host.parts();
  return new Tailer({
    tails,
    pollMs: 10,
    chunkBytesMax: 65_536,
    places: records,
    clock,
    parse: parseLenient,
    append,
    hasRoom: () => host.hasRoom,
    onTrouble: () => {},
  });
}

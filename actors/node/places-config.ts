/** Which parts of a node's engine run in other processes, where these listen, and whom they trust. */

import { z } from 'zod';
import { durationField } from '../../engine/config.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { CurveKeyPair } from '../../engine/host/curve-keys.ts';
import { readPlaceKeys } from '../../engine/host/key-folder.ts';
import { AllowList, isPublicKey } from '../../engine/transport/allow-list.ts';
import { PLACE } from '../../engine/transport/introduction.ts';
import { farActorNames, type Placement, placementSchema } from '../placement/placement-config.ts';

const name = z.string().regex(PLACE, 'expected the name of a place');
const publicKey = z
  .string()
  .refine(isPublicKey, 'expected a public key of 40 characters of Z85')
  .nullable()
  .default(null);
const keyFolder = z.string().min(1).nullable().default(null);

const partItem = z.strictObject({
  name: name.describe('Of the place; `anteroom node --place NAME` starts it.'),
  endpoint: z.string().min(1).describe('Where it listens: tcp://HOST:PORT or ipc://PATH.'),
  actors: z.array(z.enum(farActorNames)).min(1).describe('Actors that live there.'),
  publicKey: publicKey.describe('Its key, as `anteroom keys show` says it.'),
  keyFolder: keyFolder.describe('Folder of its keys, where it is started.'),
});

export const placesSchema = z
  .strictObject({
    name: name.default('node').describe("The node's own place: the log, the site and the requests."),
    publicKey: publicKey.describe("The node's key."),
    keyFolder: keyFolder.describe('Folder of its keys. Without keys parts are on this machine only.'),
    answerMs: durationField({ minMs: 1 })
      .default(2000)
      .describe('Time for an answer of a part to a question (forecasts, access map, graph, demand); later it is 503.'),
    silentMs: durationField({ minMs: 1 })
      .default(30_000)
      .describe(
        'Time that the node waits for parts (a plan, their states, their beginning) before that is told as the trouble `place`; it goes on waiting.',
      ),
    questionsMax: z
      .int()
      .min(1)
      .max(65_536)
      .default(64)
      .describe('Questions to parts that may wait for their answers; one more is refused with 503.'),
    parts: z.array(partItem).max(16).default([]).describe('The parts; none = everything in one process.'),
  })
  .superRefine(({ name: own, parts, ...rest }, context) => {
    if (parts.length === 0) return;
    const problem = problemOf(own, parts, [rest, ...parts]);
    if (problem !== null) context.addIssue({ code: 'custom', path: ['parts'], message: problem });
  });

export type PlacesConfig = z.output<typeof placesSchema>;

function problemOf(
  own: string,
  parts: readonly z.output<typeof partItem>[],
  holders: readonly { readonly publicKey: string | null; readonly keyFolder: string | null }[],
): string | null {
  const names = [own, ...parts.map((part) => part.name)];
  if (new Set(names).size !== names.length) return 'two places have one name';
  const actors = parts.flatMap((part) => part.actors);
  const twice = actors.find((actor, i) => actors.indexOf(actor) !== i);
  if (twice !== undefined) return `${twice} lives in two places`;
  const homeless = farActorNames.find((actor) => !actors.includes(actor));
  if (homeless !== undefined) return `${homeless} lives nowhere: where there are parts, each actor is in one`;
  const keyed = holders.filter((holder) => holder.publicKey !== null).length;
  if (keyed !== 0 && keyed !== holders.length) return 'either every place has a public key, the node too, or none has';
  return null;
}

export function placementOf({ name: own, parts }: PlacesConfig): Placement {
  const places = Object.fromEntries(parts.flatMap((part) => part.actors.map((actor) => [actor, part.name])));
  return placementSchema.parse({ source: own, 'cache-manager': own, ...places });
}

/**
 * The keys of `place`, and of all the others as its allow-list; null where there are none.
 * @throws AnteroomError 'bad-config' for keys that are of another place, and as `readPlaceKeys`.
 */
export async function securityOf(
  config: PlacesConfig,
  place: string,
): Promise<{ readonly keys: CurveKeyPair; readonly allowed: AllowList } | null> {
  const holders = [{ ...config }, ...config.parts];
  const own = holders.find((holder) => holder.name === place)!;
  if (own.publicKey === null) return null;
  if (own.keyFolder === null)
    throw new AnteroomError('bad-config', `places: ${place} has a public key and no keyFolder`);
  const read = await readPlaceKeys(own.keyFolder);
  if (read.place !== place)
    throw new AnteroomError('bad-config', `${own.keyFolder} holds the key of ${read.place}, not of ${place}`);
  // Keys of the folder's own list are allowed too: while one is rotated a place has two.
  const allowed = new Map(read.allowed);
  for (const holder of holders) {
    if (holder.name === place) continue;
    const others = (read.allowed.get(holder.name) ?? []).filter((key) => key !== holder.publicKey);
    allowed.set(holder.name, [holder.publicKey!, ...others]);
  }
  return { keys: read.keys, allowed: new AllowList(allowed) };
}

/** Who may do what: bearer tokens with scopes; without any token only this machine, and no page of another site. */

import type { Context, MiddlewareHandler } from 'hono';
import { parseConfig } from '../../../engine/config.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { isSameSecret } from '../../../engine/host/digest.ts';
import { readTextFile } from '../../../engine/host/text-file.ts';
import { checkConnections } from '../check-connections.ts';
import type { NameRules } from '../name-rules.ts';
import { type NodeConfig, nodeConfigSchema, type Scope } from '../node-config.ts';

/** A token as it is compared. */
export interface KnownToken {
  readonly name: string;
  readonly secret: string;
  readonly scopes: readonly Scope[];
  /** Bytes of posts; null = no quota. */
  readonly bytesPerSecondMax: number | null;
  /** As whom its holder may post. */
  readonly producers: NameRules;
  /** Of whom. */
  readonly consumers: NameRules;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/**
 * The tokens of a configuration, those in files read.
 * @throws AnteroomError 'bad-config' where a token has no secret, or an address that others reach has no token.
 */
export async function knownTokens(http: NodeConfig['http']): Promise<readonly KnownToken[]> {
  if (http.tokens.length === 0 && !LOOPBACK.test(http.host))
    throw new AnteroomError(
      'bad-config',
      `http.host: ${http.host} can be reached by others: configure http.tokens, or listen on 127.0.0.1`,
    );
  const tokens: KnownToken[] = [];
  for (const [i, { token, tokenFile, ...known }] of http.tokens.entries()) {
    const at = `http.tokens[${i}]`;
    const secret = token ?? (tokenFile === null ? null : await secretIn(tokenFile, at));
    if (secret === null || secret.length < 16)
      throw new AnteroomError('bad-config', `${at}: expected a token or tokenFile of at least 16 characters`);
    const same = tokens.find((other) => isSameSecret(other.secret, secret));
    if (same !== undefined)
      throw new AnteroomError('bad-config', `${at}: ${known.name} and ${same.name} have the same token`);
    tokens.push({ ...known, secret });
  }
  return tokens;
}

async function secretIn(file: string, at: string): Promise<string> {
  try {
    return (await readTextFile(file)).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AnteroomError('bad-config', `${at}.tokenFile: ${why}`, { cause });
  }
}

/** Lets a request on that may do `scope`; others are answered 401 or 403. */
export function authorise(tokens: readonly KnownToken[], scope: Scope): MiddlewareHandler {
  return async (c, next) => {
    if (tokens.length === 0) {
      if (isForeign(c))
        return refusal(c, 403, 'only this machine is served, and no page of another site; configure http.tokens');
      await next();
      return undefined;
    }
    const given = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (given === undefined) {
      c.header('www-authenticate', 'Bearer');
      return refusal(c, 401, 'expected the header Authorization: Bearer TOKEN');
    }
    // Every token is compared, so that the time does not tell which one is near.
    let known: KnownToken | undefined;
    for (const token of tokens) if (isSameSecret(token.secret, given)) known = token;
    if (known === undefined) return refusal(c, 401, 'the token is not known');
    if (!known.scopes.includes(scope) && !known.scopes.includes('admin'))
      return refusal(c, 403, `the token ${known.name} may not ${scope}`);
    c.set(TOKEN, known);
    await next();
    return undefined;
  };
}

/** Who asks; undefined where no tokens are configured. */
export function tokenOf(c: Context): KnownToken | undefined {
  return c.get(TOKEN) as KnownToken | undefined;
}

/** Key of the context's variable. */
const TOKEN = 'token';

/** A browser that a foreign page or a rebound name has sent here. */
function isForeign(c: Context): boolean {
  const host = c.req.header('host') ?? '';
  const name = host.replace(/:\d+$/, '');
  if (!LOOPBACK.test(name)) return true;
  const origin = c.req.header('origin');
  return (origin !== undefined && origin !== `http://${host}`) || c.req.header('sec-fetch-site') === 'cross-site';
}

function refusal(c: Context, status: 401 | 403, message: string): Response {
  return c.json({ error: { code: status === 401 ? 'unauthorised' : 'forbidden', message } }, status);
}

/** A whole configuration, checked beyond its schema. @throws AnteroomError 'bad-config'. */
export function checkNodeConfig(value: unknown, source: string): NodeConfig {
  const config = parseConfig(nodeConfigSchema, value, source);
  if (config.http.bodyBytesMax > config.ingest.queueBytesMax)
    throw new AnteroomError('bad-config', `${source}: http.bodyBytesMax: expected at most ingest.queueBytesMax`);
  if (config.http.headWithinMs > config.http.requestWithinMs)
    throw new AnteroomError('bad-config', `${source}: http.headWithinMs: expected at most http.requestWithinMs`);
  checkConnections(config, source);
  return config;
}

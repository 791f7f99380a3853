import { readFile } from 'node:fs/promises';
import type { JSONWebKeySet } from 'jose';
import * as v from 'valibot';
import type { Clock } from '../../shared/clock.ts';
import { CodedError, messageOf } from '../../shared/errors.ts';
import { readRegular } from '../../shared/read-file.ts';
import { KubernetesApi, type KubernetesServer } from './kubernetes-api.ts';
import { writePrivateFile } from './token-file.ts';

/** Where the cluster's token-signing keys come from, and where the last good set is kept. */
export type IssuerKeysSource = ServedKeys | KeysInFile;

/** From the discovery documents of the cluster's API server. */
export interface ServedKeys extends KubernetesServer {
  /** The last good set, so that a restart works with the API server down. */
  readonly cacheFile: string;
}
/** From a file that somebody else keeps: then the API server is not asked at all. */
export interface KeysInFile {
  /** JSON Web Key Set, RFC 7517. */
  readonly keysFile: string;
  /** As tokens name it. */
  readonly issuer: string;
}

export interface IssuerKeys {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
}

/** The keys could not be had, neither fresh nor from the cache. */
export class IssuerKeysError extends CodedError<'ERR_ISSUER_KEYS'> {}

/** A token with an unknown key must not make us ask the API server at every attempt. */
const COOLDOWN_MS = 30_000;

const discoverySchema = v.object({ issuer: v.pipe(v.string(), v.minLength(1)) });
const keySetSchema = v.object({
  keys: v.pipe(v.array(v.looseObject({ kty: v.string(), kid: v.string() })), v.minLength(1)),
});
const cacheSchema = v.object({ issuer: v.string(), keys: keySetSchema });

/**
 * The cluster's token-signing keys: from the API server when it answers, else the last good set. Works with the
 * API server down once it was seen; `refresh` asks again, at most every 30 s.
 */
export class IssuerKeyring {
  readonly #source: IssuerKeysSource;
  readonly #clock: Clock;
  #current: Promise<IssuerKeys> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(source: IssuerKeysSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The keys known now. Throws `IssuerKeysError` when there never were any. */
  async keys(): Promise<IssuerKeys> {
    this.#current ??= this.#load();
    try {
      return await this.#current;
    } catch (error) {
      // The next caller tries again, after the cool-down.
      this.#current = undefined;
      throw error;
    }
  }

  /** After a token named a key we do not know: asks the server again. True when it was asked. */
  async refresh(): Promise<boolean> {
    if (this.#clock.monotonicMs() - this.#askedAtMs < COOLDOWN_MS) return false;
    this.#current = this.#load();
    await this.keys();
    return true;
  }

  async #load(): Promise<IssuerKeys> {
    const source = this.#source;
    if ('keysFile' in source) {
      this.#askedAtMs = this.#clock.monotonicMs();
      return await readKeys(source);
    }
    try {
      if (this.#clock.monotonicMs() - this.#askedAtMs < COOLDOWN_MS) {
        throw new Error('asked less than 30 s ago');
      }
      this.#askedAtMs = this.#clock.monotonicMs();
      const fresh = await fetchKeys(new KubernetesApi(source));
      // Public keys only, but whoever can change them can be any node.
      await writePrivateFile(source.cacheFile, JSON.stringify(fresh));
      return fresh;
    } catch (cause) {
      const kept = await keptKeys(source.cacheFile);
      if (kept !== undefined) return kept;
      throw new IssuerKeysError(
        'ERR_ISSUER_KEYS',
        `${source.url}: no token-signing keys (${messageOf(cause)}) and none kept from before`,
        { cause },
      );
    }
  }
}

async function fetchKeys(api: KubernetesApi): Promise<IssuerKeys> {
  const { issuer } = v.parse(discoverySchema, await api.get('/.well-known/openid-configuration'));
  // Not the document's jwks_uri: it often names an address that only the outside resolves.
  const keys = v.parse(keySetSchema, await api.get('/openid/v1/jwks'));
  return { issuer, keys };
}

/** Of a key set; those of clusters have a few keys. */
const LIMIT_BYTES = 1_048_576;

async function readKeys({ keysFile, issuer }: KeysInFile): Promise<IssuerKeys> {
  try {
    const text = (await readRegular(keysFile, LIMIT_BYTES)).toString();
    return { issuer, keys: v.parse(keySetSchema, JSON.parse(text)) };
  } catch (cause) {
    const message = `${keysFile}: expected a JSON Web Key Set: ${messageOf(cause)}`;
    throw new IssuerKeysError('ERR_ISSUER_KEYS', message, { cause });
  }
}

async function keptKeys(cacheFile: string): Promise<IssuerKeys | undefined> {
  try {
    return v.parse(cacheSchema, JSON.parse(await readFile(cacheFile, 'utf8')));
  } catch {
    // No file, or one that is damaged: the caller says why the server did not answer.
    return undefined;
  }
}

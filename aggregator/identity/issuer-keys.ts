import { readFile, rename, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { JSONWebKeySet } from 'jose';
import * as v from 'valibot';
import type { Clock } from '../../shared/clock.ts';
import { CodedError, messageOf } from '../../shared/errors.ts';

/** Where the cluster's token-signing keys come from, and where the last good set is kept. */
export interface IssuerKeysSource {
  /** The cluster's API server or any server of the discovery documents, `https://…`. */
  readonly url: string;
  /** PEM bundle the server's certificate must chain to. */
  readonly caFile: string;
  /** Credential for the discovery documents; read again for each request, the kubelet rotates it. */
  readonly tokenFile?: string;
  /** The last good set, so that a restart works with the API server down. */
  readonly cacheFile: string;
}

export interface IssuerKeys {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
}

/** The keys could not be had, neither fresh nor from the cache. */
export class IssuerKeysError extends CodedError<'ERR_ISSUER_KEYS'> {}

/** A token with an unknown key must not make us ask the API server at every attempt. */
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 10_000;
const LIMIT_BYTES = 1024 * 1024;

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
    try {
      if (this.#clock.monotonicMs() - this.#askedAtMs < COOLDOWN_MS) {
        throw new Error('asked less than 30 s ago');
      }
      this.#askedAtMs = this.#clock.monotonicMs();
      const fresh = await this.#fetch();
      await this.#keep(fresh);
      return fresh;
    } catch (cause) {
      const kept = await this.#kept();
      if (kept !== undefined) return kept;
      throw new IssuerKeysError(
        'ERR_ISSUER_KEYS',
        `${this.#source.url}: no token-signing keys (${messageOf(cause)}) and none kept from before`,
        { cause },
      );
    }
  }

  async #fetch(): Promise<IssuerKeys> {
    const discovery = await this.#get('/.well-known/openid-configuration');
    const { issuer } = v.parse(discoverySchema, discovery);
    // Not the document's jwks_uri: it often names an address that only the outside resolves.
    const keys = v.parse(keySetSchema, await this.#get('/openid/v1/jwks'));
    return { issuer, keys };
  }

  async #get(path: string): Promise<unknown> {
    const { url, caFile, tokenFile } = this.#source;
    const ca = await readFile(caFile);
    const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const outgoing = request(
      new URL(path, url),
      { ca, headers, timeout: TIMEOUT_MS },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > LIMIT_BYTES) outgoing.destroy(new Error(`${path}: more than 1 MiB`));
          chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode !== 200) {
            reject(new Error(`${path}: expected status 200, found ${response.statusCode}`));
            return;
          }
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()));
          } catch (cause) {
            reject(new Error(`${path}: expected JSON`, { cause }));
          }
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${path}: no answer in 10 s`)));
    outgoing.on('error', reject);
    outgoing.end();
    return await promise;
  }

  /** Public keys only, but whoever can change them can be any node: 0600, replaced in one step. */
  async #keep(keys: IssuerKeys): Promise<void> {
    const { cacheFile } = this.#source;
    await writeFile(`${cacheFile}.new`, JSON.stringify(keys), { mode: 0o600 });
    await rename(`${cacheFile}.new`, cacheFile);
  }

  async #kept(): Promise<IssuerKeys | undefined> {
    try {
      return v.parse(cacheSchema, JSON.parse(await readFile(this.#source.cacheFile, 'utf8')));
    } catch {
      // No file, or one that is damaged: the caller says why the server did not answer.
      return undefined;
    }
  }
}

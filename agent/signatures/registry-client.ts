import * as v from 'valibot';
import { MANIFEST_TYPE } from '../../shared/trust/manifest.ts';
import type { Host } from '../host.ts';
import { shownAddress } from './address.ts';
import type { TlsSettings } from './certificates.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { basicAuthorization, type HttpAnswer, type HttpReader, unexpectedStatus } from './http.ts';
import { readJsonObject } from './json-body.ts';
import type { Network } from './network.ts';
import type { Place } from './places.ts';
import { SourceError } from './source-error.ts';

/** As containers/image. */
const LIMIT_BYTES = { token: 1024 * 1024, ping: 1024 * 1024 } as const;
const token = v.object({ token: v.nullish(v.string()), access_token: v.nullish(v.string()) });

export interface RegistryRequest {
  readonly method?: 'GET' | 'HEAD';
  /** From the root of the registry. */
  readonly path: string;
  /** Manifests of any type are asked for. */
  readonly isManifest?: boolean;
  readonly limitBytes: number;
}

/** One repository of a registry that answered: OCI distribution, with the token and basic schemes of docker. */
export class RegistryClient {
  /** The registry keeps signatures itself: the API extension takes the place of the lookaside. */
  readonly supportsSignatures: boolean;
  readonly #http: HttpReader;
  readonly #base: URL;
  readonly #repository: string;
  readonly #tls: TlsSettings;
  readonly #credentials: Credentials | undefined;
  readonly #challenge: Challenge | undefined;
  #token: Promise<string> | undefined;

  private constructor(
    http: HttpReader,
    base: URL,
    place: Place,
    tls: TlsSettings,
    credentials: Credentials | undefined,
    ping: HttpAnswer,
  ) {
    this.#http = http;
    this.#base = base;
    this.#repository = place.reference.path;
    this.#tls = tls;
    this.#credentials = credentials;
    this.supportsSignatures = ping.headers['x-registry-supports-signatures'] === '1';
    this.#challenge = parseChallenges(ping.headers['www-authenticate']).find(
      ({ scheme }) => scheme === 'basic' || scheme === 'bearer',
    );
  }

  /** Asks a registry whether it is one: by https, by http too when registries.conf says `insecure`. Throws `SourceError`. */
  static async open(
    { http, certificates }: Network,
    host: Host,
    place: Place,
    signal: AbortSignal,
  ): Promise<RegistryClient> {
    const { domain } = place.reference;
    const tls = await certificates.settingsFor(domain, place.insecure);
    const credentials = await findCredentials(host, place.reference);
    const server = domain === 'docker.io' ? 'registry-1.docker.io' : domain;
    const ping = async (scheme: string): Promise<RegistryClient> => {
      const url = URL.parse(`${scheme}://${server}/v2/`);
      if (url === null)
        throw new SourceError('ERR_SOURCE_CONFIG', `${domain}: no such host can be`);
      const answer = await http.request({ url, tls, limitBytes: LIMIT_BYTES.ping }, signal);
      if (answer.status !== 200 && answer.status !== 401) throw unexpectedStatus(url, answer);
      return new RegistryClient(http, url, place, tls, credentials, answer);
    };
    try {
      return await ping('https');
    } catch (error) {
      if (!place.insecure || !(error instanceof SourceError)) throw error;
      return await ping('http');
    }
  }

  /** The answer of whatever status. Throws `SourceError`. */
  async request(
    { path, method = 'GET', isManifest = false, limitBytes }: RegistryRequest,
    signal: AbortSignal,
  ): Promise<HttpAnswer & { readonly url: URL }> {
    const url = new URL(path, this.#base);
    const headers = isManifest ? { accept: Object.values(MANIFEST_TYPE).join(', ') } : {};
    const ask = async (): Promise<HttpAnswer> => {
      const authorization = await this.#authorization(signal);
      const secret = authorization === undefined ? {} : { authorization };
      const request = { method, url, tls: this.#tls, limitBytes, headers, ...secret };
      return await this.#http.request(request, signal);
    };
    const token = this.#token;
    const answer = await ask();
    if (answer.status !== 401 || token === undefined) return { ...answer, url };
    // A token of an earlier request may have expired.
    if (this.#token === token) this.#token = undefined;
    return { ...(await ask()), url };
  }

  async #authorization(signal: AbortSignal): Promise<string | undefined> {
    if (this.#challenge?.scheme === 'bearer') {
      this.#token ??= this.#fetchToken(this.#challenge.parameters, signal);
      return `Bearer ${await this.#token}`;
    }
    if (this.#challenge === undefined || this.#credentials === undefined) return undefined;
    const { username, password } = this.#credentials;
    return basicAuthorization(username, password);
  }

  /** Token authentication of docker's registry: https://distribution.github.io/distribution/spec/auth/token. */
  async #fetchToken(parameters: Challenge['parameters'], signal: AbortSignal): Promise<string> {
    const url = URL.parse(parameters.get('realm') ?? '');
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new SourceError(
        'ERR_SOURCE_STATUS',
        `${shownAddress(this.#base)}: names no token server`,
      );
    }
    const { username = '', password = '', identityToken } = this.#credentials ?? {};
    const isSecret = identityToken !== undefined || username !== '';
    if (isSecret && url.protocol === 'http:' && !this.#tls.insecure) {
      const message = `${shownAddress(url)}: the node's credentials are not sent without TLS`;
      throw new SourceError('ERR_SOURCE_STATUS', message);
    }
    const scope = `repository:${this.#repository}:pull`;
    const service = parameters.get('service');
    const about = new URLSearchParams({ scope, ...(service ? { service } : {}) });
    const common = { tls: this.#tls, limitBytes: LIMIT_BYTES.token };
    let answer: HttpAnswer;
    if (identityToken !== undefined) {
      about.set('grant_type', 'refresh_token');
      about.set('refresh_token', identityToken);
      about.set('client_id', 'nodeseal');
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const body = about.toString();
      answer = await this.#http.request({ ...common, url, method: 'POST', headers, body }, signal);
    } else {
      if (username !== '') about.set('account', username);
      for (const [name, value] of about) url.searchParams.append(name, value);
      const isKnown = username !== '' && password !== '';
      const secret = isKnown ? { authorization: basicAuthorization(username, password) } : {};
      answer = await this.#http.request({ ...common, url, ...secret }, signal);
    }
    if (answer.status !== 200) throw unexpectedStatus(url, answer);
    const found = readToken(answer.body);
    if (found !== undefined) return found;
    throw new SourceError('ERR_SOURCE_STATUS', `${shownAddress(url)}: expected a token`);
  }
}

function readToken(body: Buffer): string | undefined {
  const found = v.safeParse(token, readJsonObject(body.toString()));
  const text = found.success ? found.output.token || found.output.access_token : undefined;
  // What cannot stand in a header is no token.
  return text && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
}

import type { Dispatcher } from 'undici';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { counted } from '../../shared/counted.ts';
import { shownAddress } from './address.ts';
import { BackOff } from './back-off.ts';
import type { TlsSettings } from './certificates.ts';
import { SourceError } from './source-error.ts';

export interface HttpRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the origin of `url` alone, never along with a redirect to another. */
  readonly authorization?: string;
  readonly body?: string;
  readonly tls: TlsSettings;
  /** Most bytes of an answer of status 200. */
  readonly limitBytes: number;
}
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  /** Of other statuses than 200 the beginning at most. */
  readonly body: Buffer;
}
export interface HttpOptions {
  readonly clock?: Clock;
  /** For one request from connecting to the last byte; default 30 s. */
  readonly timeoutMs?: number;
  /** Requests at once; default 6. */
  readonly concurrency?: number;
  /** Where proxies are named; default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 30_000;
const CONCURRENCY = 6;
/** As Go's client. */
const MAX_REDIRECTS = 10;
const ERROR_BYTES = 64 * 1024;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** The server asks to be left alone. */
const OVERLOADED: ReadonlySet<number> = new Set([429, 503]);

/**
 * Asks servers of signatures: bounded in time, bytes and number of requests, redirects followed as Go's client does,
 * a server that does not answer left alone for a while. The library that speaks HTTP is loaded at the first request.
 */
export class HttpReader {
  readonly #options: HttpOptions;
  readonly #backOff: BackOff;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(options: HttpOptions = {}) {
    this.#options = options;
    this.#backOff = new BackOff(options.clock ?? systemClock);
    this.#free = options.concurrency ?? CONCURRENCY;
  }

  /**
   * The answer of whatever status, redirects followed. Throws `SourceError`: `ERR_SOURCE_UNREACHABLE` when there is
   * none, `ERR_SOURCE_REFUSED` when it is too large; throws the signal's reason.
   */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    await this.#enter();
    try {
      let { url } = request;
      let isOwn = true;
      for (let redirects = 0; ; redirects++) {
        signal.throwIfAborted();
        isOwn &&= url.origin === request.url.origin;
        const answer = await this.#once({ ...request, url }, isOwn, signal);
        const location = answer.headers['location'];
        if (!REDIRECTS.has(answer.status) || typeof location !== 'string') return answer;
        if (request.method === 'POST') return answer;
        const next = URL.parse(location, url.href);
        if (next === null || !/^https?:$/.test(next.protocol) || redirects === MAX_REDIRECTS) {
          throw unreachable(url, `it redirects to no end or to no http address`);
        }
        url = next;
      }
    } finally {
      this.#leave();
    }
  }

  async #once(request: HttpRequest, isOwn: boolean, signal: AbortSignal): Promise<HttpAnswer> {
    const { url } = request;
    const earlier = this.#backOff.reasonFor(url.origin);
    if (earlier !== undefined) throw unreachable(url, `not asked again yet: ${earlier}`);
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    try {
      const answer = await this.#ask(request, isOwn, AbortSignal.any([signal, timeout]));
      if (OVERLOADED.has(answer.status))
        this.#backOff.failed(url.origin, `status ${answer.status}`);
      else this.#backOff.answered(url.origin);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SourceError) throw error;
      const why = timeout.aborted ? 'no answer in time' : causeOf(error);
      this.#backOff.failed(url.origin, why);
      throw unreachable(url, why, error);
    }
  }

  async #ask(
    { url, method = 'GET', headers, authorization, body, tls, limitBytes }: HttpRequest,
    isOwn: boolean,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { request } = await import('undici');
    // Only what the address itself names goes to another place.
    const secret = isOwn ? (authorization ?? userOf(url)) : userOf(url);
    const answer = await request(withoutUser(url).href, {
      method,
      headers: { ...headers, ...(secret === undefined ? {} : { authorization: secret }) },
      body: body ?? null,
      dispatcher: await this.#dispatcherFor(url, tls),
      signal,
    });
    const { statusCode: status } = answer;
    const limit = status === 200 ? limitBytes : ERROR_BYTES;
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      // undici gives Buffers unless told otherwise
      length += chunk.length;
      if (length > limit) {
        answer.body.destroy();
        if (status !== 200) break;
        const message = `${shownAddress(url)}: expected at most ${counted(limit, 'byte')}`;
        throw new SourceError('ERR_SOURCE_REFUSED', message);
      }
      chunks.push(chunk);
    }
    return { status, headers: answer.headers, body: Buffer.concat(chunks) };
  }

  /** Connections are kept for the requests to come; idle ones do not keep the process alive. */
  async #dispatcherFor(url: URL, tls: TlsSettings): Promise<Dispatcher> {
    const { proxyFor } = await import('./proxy.ts');
    const proxy = proxyFor(url, this.#options.environment);
    const key = JSON.stringify([proxy ?? '', url.protocol, tls.id]);
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const { Agent, ProxyAgent } = await import('undici');
    const connect = { secureContext: tls.context, rejectUnauthorized: !tls.insecure };
    const isSecret = url.protocol === 'https:';
    const dispatcher =
      proxy === undefined
        ? new Agent({ connect })
        : new ProxyAgent({ uri: proxy, requestTls: connect, proxyTunnel: isSecret });
    this.#dispatchers.set(key, dispatcher);
    return dispatcher;
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((enter) => this.#waiting.push(enter));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** The answer of a server that is no use: neither what was asked for nor that there is none. */
export function unexpectedStatus(url: URL, { status }: HttpAnswer): SourceError {
  const message = `${shownAddress(url)}: expected status 200, found ${status}`;
  return new SourceError('ERR_SOURCE_STATUS', message);
}

function unreachable(url: URL, why: string, cause?: unknown): SourceError {
  return new SourceError('ERR_SOURCE_UNREACHABLE', `${shownAddress(url)}: ${why}`, { cause });
}

/** Messages of network errors name hosts and certificates, no secrets; some have nothing but a code. */
function causeOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException; // whatever it is, both may be asked for
  return message || code || 'no answer';
}

function userOf({ username, password }: URL): string | undefined {
  return username === ''
    ? undefined
    : basicAuthorization(decodeURIComponent(username), decodeURIComponent(password));
}

function withoutUser(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

/** RFC 7617. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import { DEFAULT_SPREAD_SECONDS, reconnectDelayMs } from '../shared/backoff.ts';
import { messageOf } from '../shared/errors.ts';
import { CLOSE, PROTOCOL, WS_OPTIONS } from '../shared/protocol.ts';
import { type AggregatorLink, linkAddress } from './config.ts';
import { enrolIfNew } from './enrol.ts';
import { type Farewell, Link, type LinkContext } from './uplink/link.ts';

export interface UplinkOptions extends Omit<LinkContext, 'readToken'> {
  readonly aggregator: AggregatorLink;
}

/** How one attempt to be connected ended. */
interface Ended extends Farewell {
  readonly why: string;
  /** True when the aggregator had answered `hello`. */
  readonly wasConnected: boolean;
}

const HANDSHAKE_MS = 10_000;
/** Of `Retry-After`, as of the same member of a frame. */
const MAX_WAIT_SECONDS = 86_400;
const ANSWER_MS = 5000;
const LIMIT_ANSWER_BYTES = 4096;
/** What the close codes ask of a person; none of them makes the agent give up or forget who it is. */
const CLOSE_WORDS: Readonly<Record<number, string>> = {
  [CLOSE.tooBig]: 'a frame was too big',
  [CLOSE.restart]: 'the aggregator restarts',
  [CLOSE.credentialExpired]: 'the credential expired',
  [CLOSE.revoked]: 'the credential was revoked',
  [CLOSE.unknownNode]: 'the aggregator does not know this node: it must enrol again',
  [CLOSE.silent]: 'the aggregator heard nothing from here',
  [CLOSE.superseded]: 'a newer connection of this node took over',
  [CLOSE.badHello]: 'the aggregator refused how this agent introduced itself',
  [CLOSE.fork]: 'two nodes use one credential',
  [CLOSE.overloaded]: 'the aggregator is overloaded',
};

/** Keeps a connection to the aggregator for as long as the agent runs. The only WebSocket client. */
export class Uplink implements AsyncDisposable {
  readonly #options: UplinkOptions;
  readonly #stopping = new AbortController();
  #socket: WebSocket | undefined;
  #link: Link | undefined;
  readonly #running: Promise<void>;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Session number while connected. */
  get session(): number | undefined {
    return this.#link?.session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#socket?.close(1001, 'agent stops');
    const patience = setTimeout(() => this.#socket?.terminate(), 1000);
    await this.#running;
    clearTimeout(patience);
  }

  async #run(): Promise<void> {
    const { log, random } = this.#options;
    let spreadSeconds = DEFAULT_SPREAD_SECONDS;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const { why, wasConnected, retryAfterSeconds, ...farewell } = await this.#connect();
      if (this.#stopping.signal.aborted) return;
      spreadSeconds = farewell.spreadSeconds ?? spreadSeconds;
      const delayMs = reconnectDelayMs(
        { failures: wasConnected ? 0 : failures, spreadSeconds, retryAfterSeconds },
        random,
      );
      failures = wasConnected ? 1 : failures + 1;
      log.warn({ why, delayMs, failures }, 'not connected to the aggregator');
      await sleep(delayMs, this.#stopping.signal);
    }
  }

  /** One attempt, from connecting to the close. Never rejects. */
  async #connect(): Promise<Ended> {
    const { aggregator, host } = this.#options;
    let token: string;
    let options: ClientOptions;
    try {
      await enrolIfNew(aggregator, host.name, this.#stopping.signal);
      token = await readToken(aggregator.tokenFile);
      options = await clientOptions(aggregator, token);
    } catch (error) {
      return { why: messageOf(error), wasConnected: false };
    }
    if (this.#stopping.signal.aborted) return { why: 'stopping', wasConnected: false };
    return await this.#talk(new WebSocket(linkAddress(aggregator), PROTOCOL, options), token);
  }

  async #talk(socket: WebSocket, token: string): Promise<Ended> {
    const { aggregator } = this.#options;
    const { promise: ended, resolve } = Promise.withResolvers<Ended>();
    const readNow = (): Promise<string> => readToken(aggregator.tokenFile);
    const link = new Link(wireOf(socket), { ...this.#options, readToken: readNow }, token);
    let failure: string | undefined;
    let retryAfterSeconds: number | undefined;
    this.#socket = socket;
    this.#link = link;
    socket.on('open', () => link.hello());
    socket.on('message', (data: Buffer, isBinary) => link.received(data, isBinary));
    socket.on('ping', () => link.heard());
    socket.on('pong', () => link.heard());
    socket.on('error', (error) => {
      failure ??= messageOf(error);
    });
    socket.on('unexpected-response', (request, response) => {
      retryAfterSeconds = secondsOf(response.headers['retry-after']);
      void refusalOf(response).then((why) => {
        failure = why;
        request.destroy();
        socket.terminate();
      });
    });
    socket.on('close', (code, reason) => {
      link.end();
      this.#socket = undefined;
      this.#link = undefined;
      const words = CLOSE_WORDS[code] ?? `closed with ${code} ${reason.toString().slice(0, 123)}`;
      resolve({
        why: failure ?? words.trim(),
        wasConnected: link.session !== undefined,
        ...link.farewell,
        retryAfterSeconds: retryAfterSeconds ?? link.farewell.retryAfterSeconds,
      });
    });
    return await ended;
  }
}

function wireOf(socket: WebSocket): ConstructorParameters<typeof Link>[0] {
  return {
    send: (bytes, sent) => socket.send(bytes, { binary: true }, sent),
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    terminate: () => socket.terminate(),
  };
}

async function clientOptions({ caFile }: AggregatorLink, token: string): Promise<ClientOptions> {
  return {
    ...WS_OPTIONS,
    handshakeTimeout: HANDSHAKE_MS,
    headers: { authorization: `Bearer ${token}` },
    ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
  };
}

/** The token as its file holds it, without the end of the line. */
async function readToken(file: string): Promise<string> {
  const token = (await readFile(file, 'utf8')).trim();
  // What cannot stand in a header would be told in the error that setting it throws.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Error(`${file}: expected one token of printable ASCII`);
  return token;
}

function secondsOf(retryAfter: string | undefined): number | undefined {
  const seconds = Number(retryAfter);
  return retryAfter !== undefined && Number.isFinite(seconds) && seconds >= 0
    ? Math.min(seconds, MAX_WAIT_SECONDS)
    : undefined;
}

/** Why an upgrade was refused: status, and the code and detail of problem details (RFC 9457). */
async function refusalOf(response: IncomingMessage): Promise<string> {
  let body = '';
  const timer = setTimeout(() => response.destroy(new Error('no end in 5 s')), ANSWER_MS);
  try {
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > LIMIT_ANSWER_BYTES) break;
    }
    const problem: unknown = JSON.parse(body);
    if (typeof problem === 'object' && problem !== null && 'detail' in problem) {
      return `refused with HTTP ${response.statusCode}: ${String(problem.detail).slice(0, 200)}`;
    }
  } catch {
    // Not ours: a proxy's page.
  } finally {
    clearTimeout(timer);
  }
  return `refused with HTTP ${response.statusCode}`;
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', onAbort);
}

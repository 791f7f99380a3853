import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import { DEFAULT_SPREAD_SECONDS, reconnectDelayMs } from '../shared/backoff.ts';
import { CodedError, messageOf } from '../shared/errors.ts';
import { CLOSE, PROTOCOL, WS_OPTIONS } from '../shared/protocol.ts';
import { type AggregatorLink, linkAddress } from './config.ts';
import { linkStep } from './identity/next-steps.ts';
import { NodeCredential, type Shown, WaitError } from './identity/node-credential.ts';
import { type Farewell, Link, type LinkContext } from './uplink/link.ts';

export interface UplinkOptions extends Omit<LinkContext, 'freshToken'> {
  readonly aggregator: AggregatorLink;
  /** Told when the aggregator answered `hello`, and each time there is no connection: why, and what to do about it. */
  readonly onLink?: (lost: Lost | undefined) => void;
}

/** Why there is no connection. */
export interface Lost {
  readonly why: string;
  /** What a person does about it; undefined where nothing but time helps. */
  readonly next?: string | undefined;
}

/** How one attempt to be connected ended. */
interface Ended extends Farewell, Lost {
  /** True when the aggregator had answered `hello`. */
  readonly wasConnected: boolean;
  /** True when the agent itself ended it, to come back at once with a new certificate. */
  readonly isRenewal?: boolean;
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

/** What a person does about a close code; for the others time helps, or the aggregator's log. */
const CLOSE_STEPS: Readonly<Record<number, string>> = {
  [CLOSE.unknownNode]: 'is aggregator.url the right one? Then give this node a new join token',
  [CLOSE.superseded]: 'does another machine use a copy of this state directory?',
  [CLOSE.fork]: 'one of them is a copy: remove its state directory and enrol it under another name',
};

/** Keeps a connection to the aggregator for as long as the agent runs. The only WebSocket client. */
export class Uplink implements AsyncDisposable {
  readonly #options: UplinkOptions;
  readonly #stopping = new AbortController();
  #socket: WebSocket | undefined;
  #link: Link | undefined;
  readonly #credential: NodeCredential;
  readonly #running: Promise<void>;

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { aggregator: link, clock, random, log } = options;
    this.#credential = new NodeCredential({ link, name: options.host.name, clock, random, log });
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
      const { why, next, wasConnected, isRenewal, retryAfterSeconds, ...farewell } =
        await this.#connect();
      if (this.#stopping.signal.aborted) return;
      if (isRenewal) continue;
      spreadSeconds = farewell.spreadSeconds ?? spreadSeconds;
      const delayMs = reconnectDelayMs(
        { failures: wasConnected ? 0 : failures, spreadSeconds, retryAfterSeconds },
        random,
      );
      failures = wasConnected ? 1 : failures + 1;
      log.warn({ why, next, delayMs, failures }, 'not connected to the aggregator');
      this.#options.onLink?.({ why, next });
      await sleep(delayMs, this.#stopping.signal);
    }
  }

  /** One attempt, from connecting to the close. Never rejects. */
  async #connect(): Promise<Ended> {
    let shown: Shown;
    try {
      shown = await this.#credential.prepare(this.#stopping.signal);
    } catch (error) {
      const wait = error instanceof WaitError ? { retryAfterSeconds: error.seconds } : {};
      return { why: messageOf(error), next: linkStep(error), wasConnected: false, ...wait };
    }
    if (this.#stopping.signal.aborted) return { why: 'stopping', wasConnected: false };
    const address = linkAddress(this.#options.aggregator);
    return await this.#talk(new WebSocket(address, PROTOCOL, clientOptions(shown)), shown);
  }

  async #talk(socket: WebSocket, shown: Shown): Promise<Ended> {
    const { promise: ended, resolve } = Promise.withResolvers<Ended>();
    let isRenewal = false;
    let sentToken = shown.token;
    const link = new Link(wireOf(socket), {
      ...this.#options,
      onServerTime: (aheadMs) => {
        this.#options.onServerTime?.(aheadMs);
        this.#accepted(shown);
        this.#options.onLink?.(undefined);
      },
      freshToken: async () => {
        if (shown.token === undefined) {
          if (!(await this.#credential.renewIfDue(this.#stopping.signal))) return undefined;
          isRenewal = true;
          socket.close(1000, 'to come back with a new certificate');
          return undefined;
        }
        const token = await this.#credential.token().catch(() => sentToken);
        if (token === sentToken) return undefined;
        sentToken = token;
        return token;
      },
    });
    let failure: Error | undefined;
    let retryAfterSeconds: number | undefined;
    this.#socket = socket;
    this.#link = link;
    socket.on('open', () => link.hello());
    socket.on('message', (data: Buffer, isBinary) => link.received(data, isBinary));
    socket.on('ping', () => link.heard());
    socket.on('pong', () => link.heard());
    socket.on('error', (error) => {
      failure ??= error;
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
      const wasConnected = link.session !== undefined;
      const end = (): void =>
        resolve({
          why: failure === undefined ? words.trim() : messageOf(failure),
          next: failure === undefined ? CLOSE_STEPS[code] : linkStep(failure),
          wasConnected,
          isRenewal: isRenewal && wasConnected,
          ...link.farewell,
          retryAfterSeconds: retryAfterSeconds ?? link.farewell.retryAfterSeconds,
        });
      this.#credential.ended(shown, code, wasConnected).then(end, (error: unknown) => {
        this.#options.log.error({ reason: messageOf(error) }, 'credential file');
        end();
      });
    });
    return await ended;
  }

  #accepted(shown: Shown): void {
    this.#credential.accepted(shown).catch((error: unknown) => {
      // It stays beside the old one and is tried again.
      this.#options.log.error({ reason: messageOf(error) }, 'new certificate could not be kept');
    });
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

function clientOptions({ tls, token }: Shown): ClientOptions {
  return {
    ...WS_OPTIONS,
    handshakeTimeout: HANDSHAKE_MS,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...tls,
  };
}

function secondsOf(retryAfter: string | undefined): number | undefined {
  const seconds = Number(retryAfter);
  return retryAfter !== undefined && Number.isFinite(seconds) && seconds >= 0
    ? Math.min(seconds, MAX_WAIT_SECONDS)
    : undefined;
}

/** Why an upgrade was refused: status and detail, and as its code that of problem details (RFC 9457). */
async function refusalOf(response: IncomingMessage): Promise<CodedError<string>> {
  let body = '';
  const timer = setTimeout(() => response.destroy(new Error('no end in 5 s')), ANSWER_MS);
  try {
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > LIMIT_ANSWER_BYTES) break;
    }
    const problem: unknown = JSON.parse(body);
    if (typeof problem === 'object' && problem !== null && 'detail' in problem) {
      const detail = String(problem.detail).slice(0, 200);
      const code = 'code' in problem ? String(problem.code) : 'unknown';
      return new CodedError(code, `refused with HTTP ${response.statusCode}: ${detail}`);
    }
  } catch {
    // Not ours: a proxy's page.
  } finally {
    clearTimeout(timer);
  }
  return new CodedError('unknown', `refused with HTTP ${response.statusCode}`);
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

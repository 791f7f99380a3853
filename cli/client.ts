import type { Agent, IncomingMessage } from 'node:http';
import { messageOf } from '../shared/errors.ts';
import { problemError, rubbish, transportError } from './client-errors.ts';
import type { Invocation } from './command.ts';
import { resolveTarget, type Target } from './context.ts';
import { readDuration } from './duration.ts';
import { CliError } from './errors.ts';
import { readNamed } from './files.ts';
import type { Io } from './io.ts';

export type Query = Readonly<Record<string, string | undefined>>;

/** Longest answer that is read, bytes: a page of 5,000 findings has 10 MiB. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
/** A stream without a byte for so long is dead; an aggregator sends a comment every 15 s. */
const MAX_SILENCE_MS = 45_000;
/** Longest text that may stand in a token file. */
const MAX_TOKEN_BYTES = 16_384;

/** Asks one aggregator over HTTP. Every failure is a `CliError` that says what, why and what to do next. */
export class Client implements Disposable {
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #io: Io;
  readonly #agent: Agent;

  private constructor(target: Target, timeoutMs: number, agent: Agent, io: Io) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#agent = agent;
    this.#io = io;
  }

  /** The client for the flags of `SERVER_OPTIONS`; nothing is sent yet. */
  static async open(invocation: Invocation, io: Io): Promise<Client> {
    const target = await resolveTarget(invocation, io);
    const timeoutMs = readDuration(invocation.value('timeout') ?? '30s', '--timeout');
    const { Agent } = moduleOf(target.server);
    const agent = new Agent({ keepAlive: true, ...(await certificates(target)) });
    return new Client(target, timeoutMs, agent, io);
  }

  get server(): string {
    const { server } = this.#target;
    return isSocket(server) ? server.href : server.origin;
  }

  /** The JSON that answers a GET; not yet checked. */
  async get(path: string, query: Query = {}): Promise<unknown> {
    return await this.#ask('GET', path, query);
  }

  async post(path: string, body?: object): Promise<unknown> {
    return await this.#ask('POST', path, {}, body);
  }

  async delete(path: string): Promise<unknown> {
    return await this.#ask('DELETE', path, {});
  }

  /** The bytes of an answer without a known end, as they come. Ends with the answer or `signal`. */
  async *stream(
    path: string,
    query: Query,
    signal: AbortSignal,
    accept = 'text/event-stream',
  ): AsyncGenerator<Buffer, void> {
    const opening = new AbortController();
    const timer = setTimeout(() => opening.abort(), this.#timeoutMs);
    try {
      const either = AbortSignal.any([signal, opening.signal]);
      const response = await this.#send('GET', path, query, accept, either);
      clearTimeout(timer);
      response.setTimeout(MAX_SILENCE_MS, () => response.destroy(new Error('it fell silent')));
      if (response.statusCode !== 200) throw await this.#refusal(response);
      assertType(response, accept, this.server);
      for await (const chunk of response) yield Buffer.from(chunk);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CliError) throw error;
      throw opening.signal.aborted ? this.#timedOut(error) : transportError(error, this.server);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    query: Query,
    body?: object,
  ): Promise<unknown> {
    const startMs = this.#io.nowMs();
    const limit = AbortSignal.timeout(this.#timeoutMs);
    try {
      const signal = AbortSignal.any([this.#io.signal, limit]);
      const response = await this.#send(method, path, query, 'application/json', signal, body);
      if (this.#io.verbose) {
        const tookMs = this.#io.nowMs() - startMs;
        this.#io.stderr.write(`${method} ${path}: ${response.statusCode} after ${tookMs} ms\n`);
      }
      if (!isDone(response)) throw await this.#refusal(response);
      return parseAnswer(await readBody(response, this.server), this.server);
    } catch (error) {
      this.#io.signal.throwIfAborted();
      if (error instanceof CliError) throw error;
      throw limit.aborted ? this.#timedOut(error) : transportError(error, this.server);
    }
  }

  async #send(
    method: string,
    path: string,
    query: Query,
    accept: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<IncomingMessage> {
    const { server } = this.#target;
    const url = isSocket(server) ? new URL('http://localhost/') : new URL(server);
    const socket = isSocket(server) ? { socketPath: decodeURIComponent(server.pathname) } : {};
    url.pathname = url.pathname.replace(/\/$/, '') + path;
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const token = await readToken(this.#target.tokenFile);
    const headers = {
      accept,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { method, headers, agent: this.#agent, signal, ...socket };
    // Redirects are not followed: they would carry the token elsewhere.
    const request = moduleOf(url).request(url, options, resolve);
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
    try {
      return await promise;
    } catch (error) {
      if (error instanceof CliError || signal.aborted) throw error;
      throw transportError(error, this.server);
    }
  }

  async #refusal(response: IncomingMessage): Promise<CliError> {
    const body = await readBody(response, this.server);
    const retryAfter = response.headers['retry-after'];
    return problemError(response.statusCode ?? 0, body, this.server, retryAfter);
  }

  #timedOut(cause: unknown): CliError {
    return new CliError('ERR_CLI_UNREACHABLE', `no answer from ${this.server}`, {
      why: `nothing came within ${this.#timeoutMs} ms`,
      next: 'try again with --timeout 2m',
      cause,
    });
  }
}

/** A page to sign in at, answered by whatever stands before the aggregator, is no export. */
function assertType(response: IncomingMessage, accept: string, server: string): void {
  const [wanted = ''] = accept.split(';');
  const type = response.headers['content-type'] ?? 'no type';
  if (type.startsWith(wanted)) return;
  response.destroy();
  throw rubbish(server, `expected ${wanted}, found ${type.slice(0, 100)}`);
}

/** 202: what was asked for is under way. */
function isDone({ statusCode }: IncomingMessage): boolean {
  return statusCode === 200 || statusCode === 202;
}

/** `unix:/run/…`: a socket of this machine. */
function isSocket({ protocol }: URL): boolean {
  return protocol === 'unix:';
}

/**
 * The module that speaks the scheme, loaded when it is needed. `import 'node:http'` would cost 25 ms more: its namespace
 * reads every export, and `http.WebSocket` loads undici.
 */
function moduleOf({ protocol }: URL): typeof import('node:http') | typeof import('node:https') {
  return protocol === 'https:'
    ? process.getBuiltinModule('node:https')
    : process.getBuiltinModule('node:http');
}

async function certificates({ caFile }: Target): Promise<{ readonly ca?: Buffer }> {
  if (caFile === undefined) return {};
  return { ca: await readNamed(caFile, 'certificates') };
}

/** Read at each request: tokens of Kubernetes are replaced while a watch goes on. */
async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = (await readNamed(file, 'token file')).toString().trim();
  // RFC 6750, section 2.1; the text itself is never shown.
  if (text.length <= MAX_TOKEN_BYTES && /^[A-Za-z0-9._~+/-]+=*$/.test(text)) return text;
  throw new CliError('ERR_CLI_INPUT', `the token file ${file} holds no token`, {
    why: 'expected one line of letters, digits and -._~+/',
  });
}

async function readBody(response: IncomingMessage, server: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_ANSWER_BYTES) {
      response.destroy();
      throw rubbish(server, `its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

function parseAnswer(text: string, server: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw rubbish(server, `its answer is no JSON: ${messageOf(cause).slice(0, 120)}`, cause);
  }
}

import { type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { WebSocket } from 'ws';
import { certificateRequest, makeKey } from '../../agent/identity/certificate-request.ts';
import type { AggregatorConfig } from '../../aggregator/config.ts';
import { encodeFrame, readAggregatorFrame } from '../../shared/frames.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  type Hello,
  PROTOCOL,
  WS_OPTIONS,
} from '../../shared/protocol.ts';
import { helloFrame } from './agent-client.ts';
import { type RunningAggregator, runAggregator } from './aggregator.ts';
import { type TlsAuthority, tlsAuthority } from './tls-authority.ts';

/** An answer of the API over TLS. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A node of a test: its key and, once it has one, its certificate. */
export interface TestNode {
  readonly key: KeyObject;
  readonly pem: string;
  readonly x509: X509Certificate;
  readonly uid: string;
}

export interface TlsAggregator extends AsyncDisposable {
  readonly running: RunningAggregator;
  readonly authority: TlsAuthority;
  readonly stateDir: string;
  /** With its pin, as in the file of the first start; empty where another aggregator on the database made it. */
  readonly joinToken: string;
  post(path: string, body: unknown, options?: AskOptions): Promise<Answer>;
  remove(path: string, options?: AskOptions): Promise<Answer>;
  get(path: string, options?: AskOptions): Promise<Answer>;
  /** Enrols with a fresh key over the API. */
  enrol(name: string, key?: KeyObject, token?: string): Promise<Answer>;
  node(name: string): Promise<TestNode>;
  /** Connects as an agent, shows what is given and says hello. */
  agent(options: AskOptions, hello?: Partial<Hello>): Promise<TlsAgent>;
}

export interface AskOptions {
  /** Null sends none; the administrator's by default for the API, none for agents. */
  readonly token?: string | null;
  readonly as?: Pick<TestNode, 'key' | 'pem'>;
  /** What is trusted in place of the authority of the start. */
  readonly ca?: string;
}

/** How a connection of an agent went. */
export interface TlsAgent {
  readonly frames: readonly AggregatorFrame[];
  /** HTTP status of a refused upgrade. */
  readonly refused: number | undefined;
  readonly closed: Promise<number>;
  send(frame: AgentFrame): void;
  next(type: AggregatorFrame['type']): Promise<AggregatorFrame>;
  close(): void;
}

/** A real aggregator that speaks TLS on loopback; its chain ends with the authority, so that join tokens have a pin. */
export async function runTlsAggregator(
  folder: string,
  change: Partial<AggregatorConfig> = {},
): Promise<TlsAggregator> {
  const authority = tlsAuthority();
  const stateDir = join(folder, 'aggregator');
  mkdirSync(stateDir, { recursive: true });
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  writeFileSync(certFile, `${authority.server.cert}${authority.ca}`);
  writeFileSync(keyFile, authority.server.key, { mode: 0o600 });
  const running = await runAggregator(stateDir, { tls: { certFile, keyFile }, ...change });
  const { url, adminToken } = running;
  const tlsOf = ({ as, ca = authority.ca }: AskOptions): SecureContextOptions => ({
    ca,
    ...(as === undefined
      ? {}
      : { cert: as.pem, key: as.key.export({ format: 'pem', type: 'pkcs8' }).toString() }),
  });
  const ask = async (method: string, path: string, body: unknown, options: AskOptions) => {
    const token = options.token === undefined ? adminToken : options.token;
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const outgoing = request(`${url}${path}`, { method, headers, agent: false, ...tlsOf(options) });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(outgoing, 'response');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    const isJson = String(response.headers['content-type']).includes('json');
    return { status: response.statusCode, body: isJson ? JSON.parse(text) : text };
  };
  const { join: joinFile } = running.aggregator.tokenFiles;
  const joinToken = existsSync(joinFile) ? readFileSync(joinFile, 'utf8').trim() : '';
  const post: TlsAggregator['post'] = (path, body, options = {}) =>
    ask('POST', path, body, options);
  const enrol: TlsAggregator['enrol'] = (name, key = makeKey(), token = joinToken) =>
    post('/v1/enroll', { token, name, csr: certificateRequest(key) }, { token: null });
  return {
    running,
    authority,
    stateDir,
    joinToken,
    post,
    enrol,
    get: (path, options = {}) => ask('GET', path, undefined, options),
    remove: (path, options = {}) => ask('DELETE', path, undefined, options),
    async node(name) {
      const key = makeKey();
      const { body } = await enrol(name, key);
      const { certificate, uid } = body as { certificate: string; uid: string };
      return { key, pem: certificate, x509: new X509Certificate(certificate), uid };
    },
    agent: (options, hello) => connect(url, tlsOf(options), options.token ?? undefined, hello),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

async function connect(
  url: string,
  tls: SecureContextOptions,
  token: string | undefined,
  hello: Partial<Hello> | undefined,
): Promise<TlsAgent> {
  const socket = new WebSocket(`${url.replace('https', 'wss')}/v1/agent`, PROTOCOL, {
    ...WS_OPTIONS,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...tls,
  });
  const frames: AggregatorFrame[] = [];
  let wake = Promise.withResolvers<void>();
  let refused: number | undefined;
  const wakeUp = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  socket.on('message', (data: Buffer) => {
    frames.push(readAggregatorFrame(data));
    wakeUp();
  });
  socket.on('error', () => {});
  const { promise: closed, resolve } = Promise.withResolvers<number>();
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  socket.on('close', (code) => {
    resolve(code);
    settle();
    wakeUp();
  });
  socket.on('open', () => {
    socket.send(encodeFrame(helloFrame(hello)));
    settle();
  });
  socket.on('unexpected-response', (outgoing, response) => {
    refused = response.statusCode;
    outgoing.destroy();
    socket.terminate();
    settle();
  });
  await settled;
  return {
    frames,
    get refused() {
      return refused;
    },
    closed,
    send: (frame) => socket.send(encodeFrame(frame)),
    async next(type) {
      for (;;) {
        const found = frames.find((frame) => frame.type === type);
        if (found !== undefined) return found;
        if (socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type}`);
        await wake.promise;
      }
    },
    close: () => socket.close(),
  };
}

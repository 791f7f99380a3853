import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { toProblem } from './api/problem.ts';
import { Query } from './api/query.ts';
import { nameOf } from './api/request-name.ts';
import { type ApiContext, Reply, type Route } from './api/route.ts';
import { AuditRecord } from './audit-record.ts';
import type { Certificate } from './certificate.ts';
import { assertNode, assertRole, type Credentials, Refusal } from './identity/credentials.ts';
import type { Principal } from './identity/principal.ts';
import { isLocal, LOCAL_ADMIN, LocalSocket } from './local-socket.ts';
import { certificateOf } from './peer-certificate.ts';
import type { ReadyCheck } from './readiness.ts';
import type { AgentUpgrade } from './upgrade.ts';
import { Web } from './web/web.ts';

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM; without it the server speaks plain HTTP. `ca` is of the clients' certificates that are asked for. */
  readonly tls?: Certificate & { readonly ca: string };
  /** Path of a socket for administrators of this machine, beside the port. */
  readonly socket?: string | undefined;
  readonly routes: readonly Route[];
  readonly api: ApiContext;
  readonly web: Web;
  readonly upgrade: AgentUpgrade;
  readonly credentials: Credentials;
  /** The parts of the program, and whether they work. */
  readonly ready: () => Promise<readonly ReadyCheck[]>;
  readonly clock: Clock;
  readonly log: Logger;
}
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_HEADER_BYTES = 8192;
const MAX_BODY_BYTES = 1_048_576;
const MIN_TLS = 'TLSv1.2';
const HTTP_LIMITS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
  connectionsCheckingInterval: 2000,
} as const;

/** The HTTP server: health without a credential, everything else with one; agents by upgrade. */
export class HttpServer implements AsyncDisposable {
  readonly #app: FastifyInstance;
  readonly #options: ServerOptions;
  readonly url: string;

  readonly #local: LocalSocket | undefined;

  private constructor(
    app: FastifyInstance,
    options: ServerOptions,
    url: string,
    local: LocalSocket | undefined,
  ) {
    this.#app = app;
    this.#local = local;
    this.#options = options;
    this.url = url;
  }

  static async listen(options: ServerOptions): Promise<HttpServer> {
    const app = createApp(options);
    app.server.on('upgrade', (request, socket, head) => {
      options.upgrade.handle(request, socket, head);
    });
    const { host, port, socket } = options;
    await app.ready();
    const local = socket === undefined ? undefined : await LocalSocket.listen(socket, app.routing);
    try {
      await app.listen({ host, port });
    } catch (error) {
      await local?.[Symbol.asyncDispose]();
      throw error;
    }
    const address = app.server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    const name = host.includes(':') ? `[${host}]` : host;
    const url = `${options.tls === undefined ? 'http' : 'https'}://${name}:${bound}`;
    return new HttpServer(app, options, url, local);
  }

  /** Connections made from now on see this certificate; those that are open stay. */
  showCertificate(certificate: Certificate): void {
    const { tls } = this.#options;
    // The types of fastify know one kind of server.
    const server = this.#app.server as Server | TlsServer;
    if (tls === undefined || !('setSecureContext' in server)) return;
    server.setSecureContext({ ...certificate, ca: tls.ca, minVersion: MIN_TLS });
  }

  /** Stops listening, ends what is open (watchers never end by themselves), resolves when all is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local?.[Symbol.asyncDispose]();
    const closing = this.#app.close();
    this.#app.server.closeAllConnections();
    await closing;
    this.#options.log.debug({ url: this.url }, 'stopped listening');
  }
}

function createApp(options: ServerOptions): FastifyInstance {
  const app = fastifyOf(options);
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.status >= 500) {
      options.log.error({ err: error, url: request.url.slice(0, 200) }, 'request failed');
    }
    if (error instanceof Refusal && error.retryAfterSeconds !== undefined) {
      void reply.header('retry-after', error.retryAfterSeconds);
    }
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    return send(reply, problem.status, problem);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const isPage = Web.isAsked(request);
    if (!isPage) await caller(options, request);
    const path = `${request.method} ${request.url.slice(0, 200)}`;
    const nothing = new Refusal(404, 'notFound', `${path}: no such path`);
    if (!isPage) throw nothing;
    return await options.web.notFound(nothing, request, reply);
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (request, reply) => {
    const checks = await options.ready();
    const ok = checks.every((check) => check.ok || !check.required);
    const isVerbose = new URL(request.url, 'http://localhost').searchParams.has('verbose');
    const status = ok ? 'ok' : 'not ready';
    return send(reply, ok ? 200 : 503, isVerbose ? { status, checks } : { status });
  });
  app.get('/metrics', async (request, reply) => {
    assertRole(await caller(options, request), 'viewer');
    const { metrics } = options.api;
    return reply.type(metrics.contentType).send(await metrics.text());
  });
  for (const route of options.routes) addRoute(app, options, route);
  void app.register((scope, _options, done) => {
    options.web.register(scope);
    done();
  });
  return app;
}

/** The types of fastify differ by server; all that is used is the same on both. */
function fastifyOf({ tls }: ServerOptions): FastifyInstance {
  const common = {
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    // What fails before there is a route: a path that cannot be decoded.
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      const problem = toProblem(error);
      void send(reply, problem.status, problem);
    },
    forceCloseConnections: true,
  };
  if (tls === undefined) return fastify({ ...common, http: HTTP_LIMITS });
  const https = {
    ...HTTP_LIMITS,
    ...tls,
    // Who has none comes with a token; what a certificate is worth is decided where credentials are.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: MIN_TLS,
    handshakeTimeout: 10_000,
  } as const;
  return fastify({ ...common, https }) as unknown as FastifyInstance<Server>;
}

function addRoute(app: FastifyInstance, options: ServerOptions, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      const record = new AuditRecord(options.api.audit, options.clock, request, route);
      try {
        const answer = await handle(request, reply, options, route, record);
        const status = answer instanceof Reply ? answer.status : (route.status ?? 200);
        await record.end(status);
        if (answer === undefined) return reply;
        return send(reply, status, answer instanceof Reply ? answer.body : answer);
      } catch (error) {
        await record.end(toProblem(error).status);
        throw error;
      }
    },
  });
}

async function handle(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ServerOptions,
  route: Route,
  record: AuditRecord,
): Promise<unknown> {
  const asker = route.role === 'join' ? undefined : await caller(options, request);
  if (asker !== undefined) record.isBy(asker);
  if (route.role === 'node') assertNode(asker);
  else if (route.role !== 'join' && asker !== undefined) assertRole(asker, route.role);
  await record.begin();
  const { searchParams } = new URL(request.url, 'http://localhost');
  return await route.handle(
    {
      query: new Query(searchParams, route.query, options.clock.nowMs()),
      name: nameOf(request.params),
      body: request.body,
      source: sourceOf(request),
      caller: asker,
      note: (detail) => record.note(detail),
      act: (who, detail) => record.act(who, detail),
      takeOver: () => {
        reply.hijack();
        return { response: reply.raw, connection: request.raw.socket };
      },
    },
    options.api,
  );
}

async function caller(options: ServerOptions, request: FastifyRequest): Promise<Principal> {
  if (isLocal(request.raw.socket)) return LOCAL_ADMIN;
  const { authorization } = request.headers;
  const certificate = certificateOf(request.raw.socket);
  return await options.credentials.identify({ authorization, certificate }, sourceOf(request));
}

function sourceOf({ raw: { socket } }: FastifyRequest): string {
  return isLocal(socket) ? 'socket' : (socket.remoteAddress ?? 'unknown');
}

function send(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  const isProblem = status >= 400 && typeof body === 'object' && body !== null && 'code' in body;
  const type = isProblem ? 'application/problem+json' : 'application/json';
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .type(`${type}; charset=utf-8`)
    .send(JSON.stringify(body));
}

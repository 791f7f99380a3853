import type { Server } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { toProblem } from './api/problem.ts';
import { Query } from './api/query.ts';
import type { ApiContext, Route } from './api/route.ts';
import { assertRole, type Credentials, Refusal } from './identity/credentials.ts';
import type { ReadyCheck } from './readiness.ts';
import type { AgentUpgrade } from './upgrade.ts';

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM; without it the server speaks plain HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly routes: readonly Route[];
  readonly api: ApiContext;
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

  private constructor(app: FastifyInstance, options: ServerOptions, url: string) {
    this.#app = app;
    this.#options = options;
    this.url = url;
  }

  static async listen(options: ServerOptions): Promise<HttpServer> {
    const app = createApp(options);
    app.server.on('upgrade', (request, socket, head) => {
      options.upgrade.handle(request, socket, head);
    });
    const { host, port } = options;
    await app.listen({ host, port });
    const address = app.server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    const name = host.includes(':') ? `[${host}]` : host;
    const url = `${options.tls === undefined ? 'http' : 'https'}://${name}:${bound}`;
    return new HttpServer(app, options, url);
  }

  /** Stops listening, ends what is open (watchers never end by themselves), resolves when all is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
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
  app.setNotFoundHandler(async (request) => {
    await caller(options, request);
    throw new Refusal(
      404,
      'notFound',
      `${request.method} ${request.url.slice(0, 200)}: no such path`,
    );
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
  return app;
}

/** The types of fastify differ by server; all that is used is the same on both. */
function fastifyOf({ tls }: ServerOptions): FastifyInstance {
  const common = {
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
  };
  if (tls === undefined) return fastify({ ...common, http: HTTP_LIMITS });
  const https = {
    ...HTTP_LIMITS,
    ...tls,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
  } as const;
  return fastify({ ...common, https }) as unknown as FastifyInstance<Server>;
}

function addRoute(app: FastifyInstance, options: ServerOptions, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      if (route.role !== 'join') assertRole(await caller(options, request), route.role);
      const { searchParams } = new URL(request.url, 'http://localhost');
      const answer = await route.handle(
        {
          query: new Query(searchParams, route.query, options.clock.nowMs()),
          name: nameOf(request.params),
          body: request.body,
          source: sourceOf(request),
          takeOver: () => {
            reply.hijack();
            return { response: reply.raw, connection: request.raw.socket };
          },
        },
        options.api,
      );
      return answer === undefined ? reply : send(reply, 200, answer);
    },
  });
}

function caller(options: ServerOptions, request: FastifyRequest) {
  return options.credentials.identify(request.headers.authorization, sourceOf(request));
}

function sourceOf(request: FastifyRequest): string {
  return request.socket.remoteAddress ?? 'unknown';
}

function nameOf(params: unknown): string {
  const isNamed = typeof params === 'object' && params !== null && 'name' in params;
  return isNamed && typeof params.name === 'string' ? params.name : '';
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

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { CANDIDATE_LIMITS } from '../../shared/simulation.ts';
import { toProblem } from '../api/problem.ts';
import { Query } from '../api/query.ts';
import { nameOf } from '../api/request-name.ts';
import type { ApiContext } from '../api/route.ts';
import { AuditRecord } from '../audit-record.ts';
import { assertRole, Refusal } from '../identity/credentials.ts';
import { ask } from './ask.ts';
import { Assets } from './assets.ts';
import { Browser, parametersOf, SignedOut } from './browser.ts';
import { FleetViews } from './fleet-views.ts';
import { assertOurs, localPath, readForm } from './forms.ts';
import { pathTo } from './links.ts';
import { LiveStreams } from './live.ts';
import type { Action, Page, PageRequest } from './page.ts';
import { ACTIONS, PAGES } from './pages/index.ts';
import { problemView } from './pages/problem.ts';
import { type PageSession, PageSessions } from './sessions.ts';
import { addSignIn } from './sign-in.ts';

export interface WebOptions {
  readonly api: ApiContext;
  readonly clock: Clock;
  readonly log: Logger;
}

const FORM_BYTES = 65_536;
/** A candidate policy with its files, and what a browser puts around them. */
const UPLOAD_BYTES = CANDIDATE_LIMITS.bytes + 262_144;
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Of every page, for the script: the column a table is ordered by, and which way. */
const ORDER = 'order';
/** Paths that are no pages, whoever asks. */
const NO_PAGE = /^\/(?:v1|healthz|readyz|metrics|openapi\.json)(?:[/?]|$)/;

/** The web page of the aggregator: what may be seen is decided where the API decides it. */
export class Web {
  readonly #options: WebOptions;
  readonly #assets: Assets;
  readonly #sessions: PageSessions;
  readonly #browser: Browser;
  readonly #views: FleetViews;
  readonly #streams: LiveStreams;

  private constructor(options: WebOptions, assets: Assets) {
    const { api, clock } = options;
    const { credentials, fleet, store, hasTls } = api;
    this.#options = options;
    this.#assets = assets;
    this.#sessions = new PageSessions(credentials, clock);
    this.#browser = new Browser({ assets, sessions: this.#sessions, hasTls, clock });
    this.#views = new FleetViews(fleet, store, clock);
    this.#streams = new LiveStreams(fleet);
  }

  static async open(options: WebOptions): Promise<Web> {
    return new Web(options, await Assets.read());
  }

  /** True for who looks for a page, not for an answer of the API. */
  static isAsked({ method, url, headers }: FastifyRequest): boolean {
    return method === 'GET' && !NO_PAGE.test(url) && (headers.accept ?? '').includes('text/html');
  }

  /** In a scope of its own: what is set here holds for pages alone. */
  register(scope: FastifyInstance): void {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_BYTES },
      (_request, body, done) => done(null, body),
    );
    scope.addContentTypeParser(
      'multipart/form-data',
      { parseAs: 'buffer', bodyLimit: UPLOAD_BYTES },
      (_request, body, done) => done(null, body),
    );
    scope.setErrorHandler((error, request, reply) => this.failed(error, request, reply));
    const [browser, sessions] = [this.#browser, this.#sessions];
    addSignIn(scope, { browser, sessions, record: (...about) => this.#record(...about) });
    scope.get('/assets/*', async (request, reply) => this.#asset(request, reply));
    scope.get('/live', async (request, reply) => await this.#live(request, reply));
    for (const page of PAGES) {
      scope.get(page.path, async (request, reply) => await this.#page(page, request, reply));
    }
    for (const action of ACTIONS) {
      scope.post(action.path, async (request, reply) => await this.#act(action, request, reply));
    }
  }

  /** An error as a page; who is not signed in is asked to, and comes back. */
  async failed(
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const problem = toProblem(error);
    const { status } = problem;
    if (status >= 500) {
      this.#options.log.error({ err: error, url: request.url.slice(0, 200) }, 'page failed');
    }
    if (error instanceof Refusal && error.retryAfterSeconds !== undefined) {
      void reply.header('retry-after', error.retryAfterSeconds);
    }
    if (error instanceof SignedOut && request.method === 'GET') {
      return this.#browser.redirect(reply, pathTo('/sign-in', { next: localPath(request.url) }));
    }
    const session = await this.#browser.sessionOf(request).catch(() => undefined);
    return this.#browser.send(request, reply, status, problemView(problem), { session });
  }

  /** For a path that is nothing; whoever is not signed in is asked to, and learns no more. */
  async notFound(
    nothing: Refusal,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const session = await this.#browser.sessionOf(request);
    return await this.failed(session === undefined ? new SignedOut() : nothing, request, reply);
  }

  async #page(page: Page, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const session = await this.#browser.signedIn(request);
    const record = this.#record(request, page.path);
    if (session.isNews(request.url)) record.isBy(session.person);
    return await recorded(record, 200, async () => {
      const query = new Query(
        parametersOf(request),
        [...page.query, ORDER],
        this.#options.clock.nowMs(),
      );
      const view = await page.render({ ...this.#requestOf(request, session), query });
      const { section, topics } = page;
      return this.#browser.send(request, reply, 200, view, { session, section, topics });
    });
  }

  async #act(action: Action, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const session = await this.#browser.signedIn(request);
    const form = await readForm(request);
    assertOurs(form, request.headers, session.formToken);
    assertRole(session.person, action.role);
    const record = this.#record(request, action.path);
    record.isBy(session.person);
    await record.begin();
    return await recorded(record, 303, async () => {
      const next = await action.run(
        { ...this.#requestOf(request, session), note: (detail) => record.note(detail) },
        form,
      );
      return this.#browser.redirect(reply, next);
    });
  }

  /** The name of a file holds its hash: another file has another name. */
  #asset(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const asset = this.#assets.at(request.url);
    if (asset === undefined) throw new Refusal(404, 'notFound', 'no such file');
    return reply
      .headers({ 'cache-control': FOR_EVER, 'x-content-type-options': 'nosniff' })
      .type(asset.type)
      .send(asset.bytes);
  }

  async #live(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    // The script asks; there is no page to be shown.
    if ((await this.#browser.sessionOf(request)) === undefined) return reply.code(401).send();
    if (this.#streams.isFull) return reply.code(503).send();
    reply.hijack();
    this.#streams.start(
      reply.raw,
      async () => (await this.#browser.sessionOf(request)) !== undefined,
    );
    return reply;
  }

  #record(request: FastifyRequest, path: string): AuditRecord {
    const { api, clock } = this.#options;
    const method = request.method === 'GET' ? 'GET' : 'POST';
    return new AuditRecord(api.audit, clock, request, { method, path });
  }

  #requestOf(request: FastifyRequest, session: PageSession): Omit<PageRequest, 'query'> {
    const { api, clock } = this.#options;
    return {
      name: nameOf(request.params),
      url: request.url,
      session,
      context: api,
      views: this.#views,
      nowMs: clock.nowMs(),
      ask: (operation, question = {}) => ask(operation, question, session.person, api),
    };
  }
}

/** Notes what came of a request, whatever it is. */
async function recorded<Answer>(
  record: AuditRecord,
  status: number,
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    const answer = await work();
    await record.end(status);
    return answer;
  } catch (error) {
    await record.end(toProblem(error).status);
    throw error;
  }
}

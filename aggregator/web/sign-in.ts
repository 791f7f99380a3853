import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toProblem } from '../api/problem.ts';
import type { AuditRecord } from '../audit-record.ts';
import { Refusal } from '../identity/credentials.ts';
import { type Browser, parametersOf } from './browser.ts';
import { assertOurs, localPath, readForm } from './forms.ts';
import { THEMES } from './layout.ts';
import { signIn } from './pages/sign-in.ts';
import { newSecret, type PageSessions } from './sessions.ts';

export interface SignInContext {
  readonly browser: Browser;
  readonly sessions: PageSessions;
  /** A line of the audit log for a request. */
  record(request: FastifyRequest, path: string): AuditRecord;
}

const THEME_SECONDS = 365 * 86_400;

/** Signing in and out, and the choice of a theme: what forms do that every page has. */
export function addSignIn(scope: FastifyInstance, context: SignInContext): void {
  const { browser, sessions } = context;

  scope.get('/sign-in', async (request, reply) => {
    return showForm(browser, request, reply, localPath(parametersOf(request).get('next')));
  });

  scope.post('/sign-in', async (request, reply) => {
    const form = await readForm(request);
    const next = localPath(form.fields.get('next'));
    try {
      assertOurs(form, request.headers, browser.cookieOf(request, 'form'));
      const source = request.raw.socket.remoteAddress ?? 'socket';
      const { id, person } = await sessions.open(form.fields.get('token')?.trim() ?? '', source);
      const record = context.record(request, '/sign-in');
      record.isBy(person);
      await record.end(303);
      // Whoever had a session in this browser has it no more.
      sessions.end(browser.cookieOf(request, 'session'));
      browser.setCookie(reply, 'session', id);
      return browser.redirect(reply, next);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { retryAfterSeconds: wait } = error;
      if (wait !== undefined) void reply.header('retry-after', wait);
      const { status, detail = 'try again' } = toProblem(error);
      const problem = wait === undefined ? detail : `${detail}: try again in ${wait} s`;
      return showForm(browser, request, reply.code(status), next, `Not signed in: ${problem}`);
    }
  });

  scope.post('/sign-out', async (request, reply) => {
    const { formToken } = await browser.signedIn(request);
    assertOurs(await readForm(request), request.headers, formToken);
    sessions.end(browser.cookieOf(request, 'session'));
    browser.setCookie(reply, 'session', '', { maxAgeSeconds: 0 });
    return browser.redirect(reply, '/sign-in');
  });

  scope.post('/theme', async (request, reply) => {
    const { formToken } = await browser.signedIn(request);
    const form = await readForm(request);
    assertOurs(form, request.headers, formToken);
    const theme = THEMES.find((each) => each === form.fields.get('theme'));
    if (theme === undefined) {
      throw new Refusal(400, 'badRequest', `theme: expected one of ${THEMES.join(', ')}`);
    }
    browser.setCookie(reply, 'theme', theme, { maxAgeSeconds: THEME_SECONDS });
    return browser.redirect(reply, localPath(form.fields.get('back')));
  });
}

function showForm(
  browser: Browser,
  request: FastifyRequest,
  reply: FastifyReply,
  next: string,
  problem?: string,
): FastifyReply {
  const known = browser.cookieOf(request, 'form');
  const formToken = known !== undefined && /^[\w-]{43}$/.test(known) ? known : newSecret();
  browser.setCookie(reply, 'form', formToken);
  const view = signIn({ next, formToken, ...(problem === undefined ? {} : { problem }) });
  return browser.send(request, reply, reply.statusCode, view);
}

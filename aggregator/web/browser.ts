import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import { Refusal } from '../identity/credentials.ts';
import type { Assets } from './assets.ts';
import { type CookieOptions, cookie, readCookies } from './cookies.ts';
import { type Frame, layout, THEMES, type Theme } from './layout.ts';
import type { View } from './page.ts';
import type { PageSession, PageSessions } from './sessions.ts';

/** Nobody is signed in, or no longer. */
export class SignedOut extends Refusal {
  constructor() {
    super(401, 'signedOut', 'sign in first');
  }
}

export type CookieName = 'session' | 'form' | 'theme';

/** Nothing but our own files, no script and no style in the markup, and in nobody's frame. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface BrowserOptions {
  readonly assets: Assets;
  readonly sessions: PageSessions;
  /** Cookies are sent over TLS only. */
  readonly hasTls: boolean;
  readonly clock: Clock;
}

/** What is said to browsers, and what they bring along. */
export class Browser {
  readonly #options: BrowserOptions;

  constructor(options: BrowserOptions) {
    this.#options = options;
  }

  cookieOf(request: FastifyRequest, name: CookieName): string | undefined {
    return readCookies(request.headers.cookie).get(this.#nameOf(name));
  }

  setCookie(
    reply: FastifyReply,
    name: CookieName,
    value: string,
    options: Omit<CookieOptions, 'isSecure'> = {},
  ): void {
    const { hasTls: isSecure } = this.#options;
    void reply.header('set-cookie', cookie(this.#nameOf(name), value, { isSecure, ...options }));
  }

  /** Who is signed in. */
  async sessionOf(request: FastifyRequest): Promise<PageSession | undefined> {
    return await this.#options.sessions.find(this.cookieOf(request, 'session'));
  }

  /** Throws `SignedOut`. */
  async signedIn(request: FastifyRequest): Promise<PageSession> {
    const session = await this.sessionOf(request);
    if (session === undefined) throw new SignedOut();
    return session;
  }

  send(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    view: View,
    frame: Pick<Frame, 'session' | 'section' | 'topics'> = {},
  ): FastifyReply {
    const { assets, clock } = this.#options;
    const text = layout(view, {
      assets,
      theme: this.#themeOf(request),
      url: request.url,
      nowMs: clock.nowMs(),
      ...frame,
    }).toString();
    return reply.code(status).headers(HEADERS).type('text/html; charset=utf-8').send(text);
  }

  redirect(reply: FastifyReply, path: string): FastifyReply {
    return reply.headers(HEADERS).redirect(path, 303);
  }

  #themeOf(request: FastifyRequest): Theme {
    const chosen = this.cookieOf(request, 'theme');
    return THEMES.find((theme) => theme === chosen) ?? 'auto';
  }

  /** Browsers take cookies of the longer name over TLS only, and from nobody but this very host. */
  #nameOf(name: CookieName): string {
    return `${this.#options.hasTls ? '__Host-' : ''}nodeseal-${name}`;
  }
}

/** Parameters of the query of a request. */
export function parametersOf({ url }: FastifyRequest): URLSearchParams {
  return new URL(url, 'http://localhost').searchParams;
}

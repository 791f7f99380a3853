import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { assertRole, type Credentials } from '../identity/credentials.ts';
import type { Principal } from '../identity/principal.ts';

export type Person = Principal & { readonly kind: 'user' };

/** Somebody who signed in, in one browser. */
export interface PageSession {
  readonly person: Person;
  /** To stand in every form of this session: proves that one of our own pages sent it. */
  readonly formToken: string;
  /** True the first time in ten minutes, so that what refreshes itself is not recorded again and again. */
  isNews(url: string): boolean;
}

interface Kept {
  readonly token: string;
  readonly formToken: string;
  readonly name: string;
  readonly startedMs: number;
  usedMs: number;
  readonly seen: Map<string, number>;
}

const IDLE_MS = 3_600_000;
const LIFE_MS = 12 * 3_600_000;
const MAX_SESSIONS = 1000;
/** One person in so many browsers; the one not used for longest makes room. */
const MAX_PER_PERSON = 20;
const NEWS_MS = 600_000;
const MAX_SEEN = 64;

/**
 * Who is signed in to the page. A session is of one bearer token, which is asked anew at every request: it ends with
 * the token, after an hour without use, and after twelve hours at the latest. Restarting the program ends all.
 */
export class PageSessions {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  /** By the hash of the id, the least recently used first: who reads memory by place learns no id by timing. */
  readonly #sessions = new Map<string, Kept>();

  constructor(credentials: Credentials, clock: Clock) {
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /** Signs in; the id is for the browser alone. Throws `Refusal`, as the API does. */
  async open(
    token: string,
    source: string,
  ): Promise<{ readonly id: string; readonly person: Person }> {
    const caller = await this.#credentials.identify({ authorization: `Bearer ${token}` }, source);
    assertRole(caller, 'viewer');
    if (caller.kind !== 'user') throw new TypeError('assertRole lets people pass only');
    const nowMs = this.#clock.monotonicMs();
    this.#makeRoom(caller.name);
    const id = newSecret();
    this.#sessions.set(hash(id), {
      token,
      formToken: newSecret(),
      name: caller.name,
      startedMs: nowMs,
      usedMs: nowMs,
      seen: new Map(),
    });
    return { id, person: caller };
  }

  /** The session of an id, as long as it and its token hold. */
  async find(id: string | undefined): Promise<PageSession | undefined> {
    if (id === undefined) return undefined;
    const key = hash(id);
    const kept = this.#sessions.get(key);
    if (kept === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    const isOver = nowMs - kept.usedMs >= IDLE_MS || nowMs - kept.startedMs >= LIFE_MS;
    const person = isOver ? undefined : await this.#credentials.authenticate(kept.token);
    if (person?.kind !== 'user') {
      this.#sessions.delete(key);
      return undefined;
    }
    // Somebody may have signed out meanwhile.
    if (!this.#sessions.delete(key)) return undefined;
    this.#sessions.set(key, kept);
    kept.usedMs = nowMs;
    return { person, formToken: kept.formToken, isNews: (url) => isNews(kept.seen, url, nowMs) };
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.#sessions.delete(hash(id));
  }

  #makeRoom(name: string): void {
    const own = [...this.#sessions].filter(([, kept]) => kept.name === name);
    const [oldestOwn] = own;
    if (own.length >= MAX_PER_PERSON && oldestOwn) this.#sessions.delete(oldestOwn[0]);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

function isNews(seen: Map<string, number>, url: string, nowMs: number): boolean {
  const before = seen.get(url);
  if (before !== undefined && nowMs - before < NEWS_MS) return false;
  seen.delete(url);
  seen.set(url, nowMs);
  const [oldest] = seen.keys();
  if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
  return true;
}

/** 256 bits from the system's generator. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether two secrets are the same, in constant time. */
export function isSame(given: string | undefined, expected: string): boolean {
  return timingSafeEqual(Buffer.from(hash(given ?? ''), 'hex'), Buffer.from(hash(expected), 'hex'));
}

function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

import type { FastifyRequest } from 'fastify';
import type { AuditItem } from '../shared/api-admission.ts';
import type { Json } from '../shared/canonical.ts';
import { type Clock, rfc3339 } from '../shared/clock.ts';
import type { Route } from './api/route.ts';
import type { AuditLog } from './audit.ts';
import type { Principal } from './identity/principal.ts';
import { isLocal } from './local-socket.ts';

const MAX_WHAT = 512;
/** The description of the API is no evidence. */
const UNRECORDED: ReadonlySet<string> = new Set(['/openapi.json']);

/**
 * What the audit log says of one request. A command is written before it is done, and when that fails it is not done;
 * everything is written when it is over. Requests of nobody known are counted, not written: whoever floods the
 * aggregator must not push out what others did.
 */
export class AuditRecord {
  readonly #log: AuditLog;
  readonly #clock: Clock;
  readonly #request: FastifyRequest;
  readonly #isRecorded: boolean;
  readonly #isCommand: boolean;
  #who: Pick<AuditItem, 'who' | 'role'> | undefined;
  #detail: Readonly<Record<string, Json>> = {};

  constructor(
    log: AuditLog,
    clock: Clock,
    request: FastifyRequest,
    route: Pick<Route, 'method' | 'path'>,
  ) {
    this.#log = log;
    this.#clock = clock;
    this.#request = request;
    this.#isRecorded = !UNRECORDED.has(route.path);
    this.#isCommand = route.method !== 'GET';
  }

  isBy(caller: Principal): void {
    this.#who =
      caller.kind === 'user'
        ? { who: caller.name, role: caller.role }
        : { who: caller.node.name, role: 'node' };
  }

  act(who: string, detail: Readonly<Record<string, Json>>): void {
    this.#who = { who, role: 'join' };
    this.note(detail);
  }

  note(detail: Readonly<Record<string, Json>>): void {
    this.#detail = { ...this.#detail, ...detail };
  }

  /** Throws `AuditError` when a command cannot be recorded. */
  async begin(): Promise<void> {
    if (this.#isCommand) await this.#write(undefined);
  }

  /** What was asked is over: that its line cannot be written is in the log and in /readyz. */
  async end(outcome: number): Promise<void> {
    await this.#write(outcome).catch(() => undefined);
  }

  async #write(outcome: number | undefined): Promise<void> {
    if (this.#who === undefined || !this.#isRecorded) return;
    const { method, url, raw } = this.#request;
    const hasDetail = Object.keys(this.#detail).length > 0;
    await this.#log.append({
      at: rfc3339(this.#clock.nowMs()),
      ...this.#who,
      from: isLocal(raw.socket) ? 'socket' : (raw.socket.remoteAddress ?? 'unknown'),
      what: `${method} ${url}`.slice(0, MAX_WHAT),
      ...(hasDetail ? { detail: this.#detail } : {}),
      ...(outcome === undefined ? {} : { outcome }),
    });
  }
}

import { rfc3339 } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Sink, SinkStatus } from './alerts/sink.ts';
import type { AuditLog } from './audit.ts';
import type { ExpectedSource, SourceStatus } from './coverage/expected.ts';
import type { ServerCertificate } from './server-certificate.ts';
import type { Store } from './store/store.ts';

/** One part of the program. */
export interface ReadyCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Without it nothing can be answered: the server is not ready. Others are told and keep nobody away. */
  readonly required: boolean;
  /** Why it is not well. */
  readonly reason?: string;
}

export interface Parts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly sources: readonly ExpectedSource[];
  readonly sinks: readonly Sink[];
  /** Undefined when the server speaks plain HTTP. */
  readonly certificate: ServerCertificate | undefined;
  readonly nowMs: number;
}

/** Looks at every part, those that answers depend on first. */
export async function readiness({
  store,
  audit,
  sources,
  sinks,
  certificate,
  nowMs,
}: Parts): Promise<readonly ReadyCheck[]> {
  return [
    await storeCheck(store),
    auditCheck(audit),
    ...sources.map((source) => sourceCheck(source.status())),
    ...(certificate === undefined ? [] : [certificateCheck(certificate, nowMs)]),
    ...sinks.map((sink) => sinkCheck(sink.status())),
  ];
}

async function storeCheck(store: Store): Promise<ReadyCheck> {
  try {
    await store.probe();
    return { name: 'store', ok: true, required: true };
  } catch (error) {
    return { name: 'store', ok: false, required: true, reason: messageOf(error) };
  }
}

/** What administrators do is refused while it cannot be recorded. */
function auditCheck({ failure }: AuditLog): ReadyCheck {
  return failure === undefined
    ? { name: 'audit', ok: true, required: true }
    : { name: 'audit', ok: false, required: true, reason: failure };
}

/** Who checks it stays away by himself. */
function certificateCheck({ refused, expiresAtMs }: ServerCertificate, nowMs: number): ReadyCheck {
  const ended = expiresAtMs <= nowMs ? `ended at ${rfc3339(expiresAtMs)}` : undefined;
  const reasons = [ended, refused].filter((reason) => reason !== undefined);
  if (reasons.length === 0) return { name: 'certificate', ok: true, required: false };
  return { name: 'certificate', ok: false, required: false, reason: reasons.join('; ') };
}

function sourceCheck({ source, reason, asOfMs }: SourceStatus): ReadyCheck {
  const name = `coverage.${source}`;
  if (reason === undefined) return { name, ok: true, required: false };
  const age = asOfMs === null ? 'there is no list' : `the list is of ${rfc3339(asOfMs)}`;
  return { name, ok: false, required: false, reason: `${reason}; ${age}` };
}

function sinkCheck({ name: sink, reason, queued }: SinkStatus): ReadyCheck {
  const name = `alerts.${sink}`;
  if (reason === undefined) return { name, ok: true, required: false };
  return { name, ok: false, required: false, reason: `${reason}; ${queued} waiting` };
}

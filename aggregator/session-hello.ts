import { type Hello, LIMITS, PROTOCOL, type Welcome } from '../shared/protocol.ts';
import { VERSION } from '../shared/version.ts';
import type { LiveSession } from './fleet-node.ts';
import type { SessionContext } from './sessions.ts';
import { RESERVED_EPOCH_PREFIX, type SessionOpened } from './store/store.ts';
import { storable } from './store/text.ts';

/** A key of the store; agents use a UUID. */
const MAX_EPOCH = 256;

/** Why a well-formed hello cannot begin a session. */
export function whyUnusable({ protocol, spool }: Hello): string | undefined {
  if (protocol !== PROTOCOL) return `protocol: expected ${PROTOCOL}`;
  const { epoch, first, next } = spool;
  const isReserved = epoch.startsWith(RESERVED_EPOCH_PREFIX);
  if (epoch === '' || isReserved || epoch.length > MAX_EPOCH || epoch !== storable(epoch)) {
    return 'spool.epoch: expected an epoch of the agent';
  }
  return first > next ? 'spool: expected first <= next' : undefined;
}

/** What the fleet knows of a session as it opens. */
export function liveOf(hello: Hello, opened: SessionOpened, nowMs: number): LiveSession {
  return {
    session: opened.session,
    sinceMs: nowMs,
    unsentRecords: Math.max(0, hello.spool.next - 1 - opened.have.sequence),
    clockSkewSeconds: (hello.clock.wallMs - nowMs) / 1000,
    conditions: [],
  };
}

/** The answer to a hello that begins a session. */
export function welcomeOf(
  { session, have }: SessionOpened,
  node: string,
  { sessions, clock, limits, serverId }: SessionContext,
  authenticatedUntilMs: number | null,
): Welcome {
  const { frameBytes, inflight, inflightBytes } = LIMITS;
  const { heartbeatSeconds } = limits;
  return {
    type: 'welcome',
    session,
    node,
    server: { id: serverId, version: VERSION, timeMs: clock.nowMs() },
    have,
    limits: { frameBytes, inflight, inflightBytes, heartbeatSeconds },
    reconnectSpreadSeconds: sessions.spreadSeconds,
    authenticatedUntilMs,
  };
}

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, systemClock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { ensureFolder } from '../shared/folder.ts';
import type { Part } from '../shared/lifecycle.ts';
import type { Logger } from '../shared/log.ts';
import { LogTail } from '../shared/log-tail.ts';
import { openAlerts } from './alerts/open.ts';
import { ROUTES } from './api/index.ts';
import type { ApiContext } from './api/route.ts';
import { AuditLog } from './audit.ts';
import { caPinOf } from './certificate.ts';
import { type AggregatorConfig, assertUsable, durationMs } from './config.ts';
import type { ExpectedSource, SourceStatus } from './coverage/expected.ts';
import { openSources } from './coverage/sources.ts';
import { Fleet } from './fleet.ts';
import { observeFleet } from './fleet-metrics.ts';
import { isDeparted } from './fleet-node.ts';
import { peerListener } from './follow-peers.ts';
import { openIdentity, type TokenFiles } from './identity/identity.ts';
import { RecordFile } from './identity/record-file.ts';
import { LoopDelay } from './loop-delay.ts';
import { Metrics } from './metrics.ts';
import { observeProgram } from './program-metrics.ts';
import { type ReadyCheck, readiness } from './readiness.ts';
import { HttpServer } from './server.ts';
import { ServerCertificate } from './server-certificate.ts';
import type { SessionContext } from './sessions.ts';
import { Sessions } from './sessions.ts';
import { Simulations } from './simulations/simulations.ts';
import { openStore } from './store/open.ts';
import type { Retention, Store } from './store/store.ts';
import { AgentUpgrade } from './upgrade.ts';
import { Web } from './web/web.ts';

export interface AggregatorOptions {
  readonly log: Logger;
  readonly clock?: Clock;
}

/** A running aggregator; disposing it tells agents, closes what is open and leaves the store consistent. */
export interface Aggregator extends Part {
  /** `http://127.0.0.1:8443`. */
  readonly url: string;
  readonly tokenFiles: TokenFiles;
  readonly store: Store;
}

const MAX_TICK_MS = 1000;
const ALERT_MS = 1000;
const FLUSH_MS = 10_000;
const RELOAD_MS = 2000;
const PRUNE_MS = 3_600_000;
const DAY_MS = 86_400_000;
const LATE_BEATS = 2.2;
const SILENT_MS = 300_000;

/** Starts everything and resolves when requests are answered. */
export async function startAggregator(
  config: AggregatorConfig,
  { log: logger, clock = systemClock }: AggregatorOptions,
): Promise<Aggregator> {
  const tail = new LogTail(clock);
  const log = tail.of(logger);
  assertUsable(config);
  const { stateDir, limits } = config;
  await ensureFolder(stateDir);
  await using parts = new AsyncDisposableStack();
  const certificate = await ServerCertificate.open(config, log);
  const metrics = new Metrics();
  const serverId = randomUUID();
  const onCommit = (seconds: number): void => metrics.commit.observe(seconds);
  const store = parts.use(await openStore(config, serverId, onCommit, log));
  const { peers } = store;
  const caPin = (): string | undefined => certificate && caPinOf(certificate.current);
  const identity = await openIdentity(config, { peers, caPin, metrics, clock, log });
  const { tokens, credentials, tokenFiles, ca, enrolment, enrolled, denied } = identity;
  const audit = parts.use(new AuditLog(stateDir, log));
  let sources: readonly ExpectedSource[] = [];
  const statuses = (): readonly SourceStatus[] => sources.map((source) => source.status());
  const fleet = await Fleet.load({
    store,
    clock,
    inventory: config.inventory,
    sources: statuses,
    thresholds: {
      lateMs: limits.heartbeatSeconds * LATE_BEATS * 1000,
      silentMs: SILENT_MS,
      staleMs: DAY_MS,
    },
  });
  fleet.expectAll(identity.nodes());
  parts.defer(async () => {
    try {
      await fleet.flush();
    } catch (error) {
      // Nothing that matters after a restart depends on it.
      log.warn({ reason: messageOf(error) }, 'when nodes were last heard could not be written');
    }
  });
  const lists = await openSources(config, { sink: fleet, clock, log });
  sources = lists.all.map((source) => parts.use(source));
  const sessions = new Sessions((uid) => fleet.inConflict(uid));
  const { promise: failed, reject: overtaken } = Promise.withResolvers<never>();
  // Also when nobody waits for it.
  failed.catch(() => {});
  peers?.follow(peerListener(fleet, sessions, overtaken));
  const delay = parts.use(new LoopDelay(clock, (seconds) => metrics.loopDelay.observe(seconds)));
  observeFleet(metrics, fleet, statuses);
  observeProgram(metrics, { sessions, store, certificate, loopDelayMs: () => delay.meanMs });
  const alerts =
    config.alerts &&
    parts.use(
      await openAlerts(config.alerts, {
        records: () => peers?.records('alerts') ?? new RecordFile(join(stateDir, 'alerts.json')),
        isOurs: () => peers?.isLeader ?? true,
        fleet,
        metrics,
        clock,
        log,
        returnMs: SILENT_MS,
      }),
    );
  const context: SessionContext = {
    store,
    fleet,
    sessions,
    authority: credentials,
    metrics,
    clock,
    log,
    limits,
    serverId,
    loopDelayMs: () => delay.meanMs,
  };
  const ready = (): Promise<readonly ReadyCheck[]> =>
    readiness({
      store,
      audit,
      sources,
      sinks: alerts?.sinks ?? [],
      certificate,
      nowMs: clock.nowMs(),
    });
  const simulations = parts.use(
    new Simulations({ store, fleet, sessions, clock, log }, store.peers?.records('simulation')),
  );
  const api: ApiContext = {
    store,
    fleet,
    sessions,
    simulations,
    metrics,
    tokens,
    credentials,
    enrolment,
    enrolled,
    denied,
    audit,
    hasTls: certificate !== undefined,
    clock,
    self: { config, ready, log: tail },
  };
  const upgrade = new AgentUpgrade(credentials, context, limits);
  const server = parts.use(
    await HttpServer.listen({
      host: config.listen.address,
      port: config.listen.port,
      ...(certificate && { tls: { ...certificate.current, ca: ca.certificate } }),
      socket: config.socket,
      routes: ROUTES,
      api,
      web: await Web.open({ api, clock, log }),
      upgrade,
      credentials,
      ready,
      clock,
      log,
    }),
  );
  parts.defer(() => {
    upgrade.close();
    sessions.drain('restart');
  });
  if (alerts !== undefined) parts.use(every(ALERT_MS, log, () => alerts.tick()));
  const tickMs = Math.min(MAX_TICK_MS, limits.heartbeatSeconds * 250);
  parts.use(
    every(tickMs, log, async () => {
      sessions.tick();
      fleet.tick();
    }),
  );
  // Beside the above: heartbeats do not wait for a database that is slow or away.
  parts.use(
    every(tickMs, log, async () => {
      await retireDeparted(fleet, store, clock);
      await fleet.failing.catchUp(store);
    }),
  );
  parts.use(every(FLUSH_MS, log, () => fleet.flush()));
  parts.use(
    every(RELOAD_MS, log, async () => {
      await identity.reload();
      // Those that another aggregator let in.
      fleet.expectAll(identity.nodes());
      const renewed = await certificate?.reload();
      if (renewed !== undefined) server.showCertificate(renewed);
      await lists.inventory?.reload();
    }),
  );
  parts.use(
    every(PRUNE_MS, log, async () => {
      const { events, history } = config.retention;
      const nowMs = clock.nowMs();
      const before: Retention = {
        eventsBeforeMs: nowMs - durationMs(events),
        historyBeforeMs: nowMs - durationMs(history),
        nowMs,
      };
      let removed = 0;
      for (let some = 1; some > 0; removed += some) some = await store.prune(before);
      if (removed > 0) log.info({ removed }, 'forgot records older than the retention time');
    }),
  );
  const running = parts.move();
  return {
    url: server.url,
    tokenFiles,
    store,
    failed,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Nodes whose cluster deleted them: their history is kept, they count no more. */
async function retireDeparted(fleet: Fleet, store: Store, clock: Clock): Promise<void> {
  for (const { uid } of [...fleet.members()].filter(isDeparted)) {
    await store.retire(uid, clock.nowMs());
    fleet.retired(uid);
  }
}

/** Repeats until disposed, one run at a time; what fails is logged and tried again. */
function every(periodMs: number, log: Logger, run: () => Promise<void>): AsyncDisposable {
  let running: Promise<void> = Promise.resolve();
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    running = run()
      .catch((error: unknown) => log.error({ err: error }, 'periodic work failed'))
      .finally(() => {
        isRunning = false;
      });
  }, periodMs);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}

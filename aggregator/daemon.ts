import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, systemClock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { ensureFolder } from '../shared/folder.ts';
import type { Logger } from '../shared/log.ts';
import { ROUTES } from './api/index.ts';
import { readCertificate } from './certificate.ts';
import { type AggregatorConfig, assertUsable, DEFAULT_POOL } from './config.ts';
import { Fleet } from './fleet.ts';
import { Credentials } from './identity/credentials.ts';
import { FailureLimit } from './identity/failures.ts';
import { IssuerKeyring } from './identity/issuer-keys.ts';
import { KubernetesAuthority } from './identity/kubernetes.ts';
import type { Authority } from './identity/principal.ts';
import { TokenAuthority } from './identity/tokens.ts';
import { LoopDelay } from './loop-delay.ts';
import { Metrics } from './metrics.ts';
import { HttpServer, type ReadyCheck } from './server.ts';
import type { SessionContext } from './sessions.ts';
import { Sessions } from './sessions.ts';
import { SqliteThreadStore } from './store/sqlite-thread.ts';
import type { Store } from './store/store.ts';
import { AgentUpgrade } from './upgrade.ts';

export interface AggregatorOptions {
  readonly log: Logger;
  readonly clock?: Clock;
}

/** A running aggregator; disposing it tells agents, closes what is open and leaves the store consistent. */
export interface Aggregator extends AsyncDisposable {
  /** `http://127.0.0.1:8443`. */
  readonly url: string;
  readonly tokenFiles: {
    readonly admin: string;
    readonly join: string;
    /** Of `bootstrapAgent`, when one is configured. */
    readonly agent: string | undefined;
  };
  readonly store: Store;
}

const MAX_TICK_MS = 1000;
const FLUSH_MS = 10_000;
const RELOAD_MS = 2000;
const PRUNE_MS = 3_600_000;
const DAY_MS = 86_400_000;
const JOIN_LIFE_MS = DAY_MS;
const JOIN_USES = 1000;
const LATE_BEATS = 2.2;
const SILENT_MS = 300_000;

/** Starts everything and resolves when requests are answered. */
export async function startAggregator(
  config: AggregatorConfig,
  { log, clock = systemClock }: AggregatorOptions,
): Promise<Aggregator> {
  assertUsable(config);
  const { stateDir, limits } = config;
  await ensureFolder(stateDir);
  await using parts = new AsyncDisposableStack();
  const tokens = await TokenAuthority.open(stateDir, clock, log);
  const tokenFiles = {
    admin: await tokens.ensureUser('admin', 'admin'),
    join: await tokens.ensureJoin(DEFAULT_POOL, JOIN_USES, JOIN_LIFE_MS),
    agent: config.bootstrapAgent && (await tokens.ensureAgent(config.bootstrapAgent, DEFAULT_POOL)),
  };
  const tls = await readCertificate(config);
  const metrics = new Metrics();
  const store = parts.use(
    await SqliteThreadStore.open({
      path: join(stateDir, 'nodeseal.db'),
      onCommit: (seconds) => metrics.commit.observe(seconds),
    }),
  );
  const fleet = await Fleet.load({
    store,
    clock,
    inventory: config.inventory,
    thresholds: {
      lateMs: limits.heartbeatSeconds * LATE_BEATS * 1000,
      silentMs: SILENT_MS,
      staleMs: DAY_MS,
    },
  });
  for (const agent of tokens.agents()) fleet.expect(agent);
  parts.defer(async () => {
    try {
      await fleet.flush();
    } catch (error) {
      // Nothing that matters after a restart depends on it.
      log.warn({ reason: messageOf(error) }, 'when nodes were last heard could not be written');
    }
  });
  const sessions = new Sessions((uid) => fleet.inConflict(uid));
  metrics.observe(fleet, sessions, store);
  const authorities = [tokens, ...kubernetesAuthority(config, clock, log)];
  const credentials = new Credentials(authorities, new FailureLimit(clock), metrics);
  const delay = parts.use(new LoopDelay(clock, (seconds) => metrics.loopDelay.observe(seconds)));
  const context: SessionContext = {
    store,
    fleet,
    sessions,
    authority: credentials,
    metrics,
    clock,
    log,
    limits,
    serverId: randomUUID(),
    loopDelayMs: () => delay.meanMs,
  };
  const server = parts.use(
    await HttpServer.listen({
      host: config.listen.address,
      port: config.listen.port,
      ...(tls === undefined ? {} : { tls }),
      routes: ROUTES,
      api: { store, fleet, sessions, metrics, tokens, credentials, clock },
      upgrade: new AgentUpgrade(credentials, context, limits),
      credentials,
      ready: () => readiness(store),
      clock,
      log,
    }),
  );
  parts.defer(() => sessions.drain('restart'));
  parts.use(
    every(Math.min(MAX_TICK_MS, limits.heartbeatSeconds * 250), log, async () => {
      sessions.tick();
      fleet.tick();
    }),
  );
  parts.use(every(FLUSH_MS, log, () => fleet.flush()));
  parts.use(every(RELOAD_MS, log, () => tokens.reload()));
  parts.use(
    every(PRUNE_MS, log, async () => {
      const beforeMs = clock.nowMs() - config.retentionDays * DAY_MS;
      let removed = 0;
      for (let some = 1; some > 0; removed += some) some = await store.prune(beforeMs);
      if (removed > 0) log.info({ removed }, 'forgot records older than the retention time');
    }),
  );
  const running = parts.move();
  return {
    url: server.url,
    tokenFiles,
    store,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function kubernetesAuthority(
  { kubernetes, stateDir }: AggregatorConfig,
  clock: Clock,
  log: Logger,
): readonly Authority[] {
  if (kubernetes === undefined) return [];
  const cacheFile = join(stateDir, 'issuer-keys.json');
  const keyring = new IssuerKeyring({ ...kubernetes, cacheFile }, clock);
  return [new KubernetesAuthority(keyring, kubernetes, clock, log)];
}

async function readiness(store: Store): Promise<readonly ReadyCheck[]> {
  try {
    await store.probe();
    return [{ name: 'store', ok: true }];
  } catch (error) {
    return [{ name: 'store', ok: false, why: messageOf(error) }];
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

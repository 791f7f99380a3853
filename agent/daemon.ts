import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { type Clock, rfc3339, systemClock } from '../shared/clock.ts';
import { ConfigError } from '../shared/config.ts';
import { ensureFolder } from '../shared/folder.ts';
import type { Logger } from '../shared/log.ts';
import { LogTail } from '../shared/log-tail.ts';
import { nearest } from '../shared/nearest.ts';
import { readCandidate } from '../shared/simulation/candidate.ts';
import { answerParts } from '../shared/simulation/node-answer.ts';
import { EVALUATE_POLICY } from '../shared/simulation.ts';
import { VERSION } from '../shared/version.ts';
import type { Check } from './check.ts';
import { agent as selfCheck } from './checks/agent.ts';
import { exceptions as exceptionsCheck } from './checks/exceptions.ts';
import { checks as allChecks } from './checks/index.ts';
import { ClockSkew } from './clock-skew.ts';
import { collect } from './collect.ts';
import { Conditions } from './conditions.ts';
import type { AgentConfig } from './config.ts';
import { baselineFile } from './desired/baseline.ts';
import { Exceptions } from './exceptions.ts';
import { readFacts } from './facts.ts';
import { type Host, openHost } from './host.ts';
import { verifierOf } from './images/verifier.ts';
import { NodeState } from './node-state.ts';
import { profileFor } from './profile-choice.ts';
import { Reporter } from './reporter.ts';
import { Schedule } from './schedule.ts';
import { sectionSources } from './section-sources.ts';
import { type EventDraft, Spool } from './spool.ts';
import { type AgentStatus, clockText, statusText } from './status.ts';
import { CommandAnswers } from './uplink/commands.ts';
import { Watch } from './watch.ts';

const BASELINE_POLL_MS = 2000;

export interface AgentOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Told, in one line, what the agent does or what keeps it from it, each time that changes. */
  readonly onStatus?: (text: string) => void;
  /** Instead of the product's own, those of the configuration included and excluded. */
  readonly checks?: readonly Check[];
}

/** A running agent; disposing it ends its work and keeps what was not delivered. */
export interface Agent extends AsyncDisposable {
  readonly state: NodeState;
  readonly spool: Spool;
  /** Looks at everything now. */
  rescan(): Promise<void>;
}

/** Resolves when the agent looks and reports; the first looks are under way then. Throws `ConfigError`. */
export async function startAgent(
  config: AgentConfig,
  { log: logger, clock = systemClock, random = Math.random, onStatus, checks }: AgentOptions,
): Promise<Agent> {
  const tail = new LogTail(clock);
  const log = tail.of(logger);
  const { stateDir, hostRoot, intervalMs } = config;
  const chosen = checks ?? chooseChecks(allChecks, config.checks);
  await ensureFolder(stateDir);
  await using parts = new AsyncDisposableStack();
  const host = openHost(hostRoot);
  verifierOf(host, config);
  const { profile, chosen: profileChosen } = await profileFor(host, config.profile, allChecks);
  const introduction = await introduce(host, config);
  const exceptions =
    config.exceptionsFile === undefined
      ? undefined
      : await Exceptions.open({
          file: config.exceptionsFile,
          node: introduction.name,
          checks: allChecks,
          // What exceptions are used for is said by a check of its own.
          onUse: () => schedule.changed([exceptionsCheck.id]),
        });
  const state = new NodeState();
  const spool = parts.use(await Spool.open({ folder: join(stateDir, 'spool'), clock }));
  if (spool.leftBehind !== undefined) {
    const what = 'a later version left a spool here: it is kept as it is, and a new one begun';
    log.warn({ folder: spool.leftBehind }, what);
  }
  const lostBefore = spool.state.lost;
  const skew = new ClockSkew();
  let link: AgentStatus['link'];
  const tellStatus = (): void => {
    const url = config.aggregator?.url;
    const { aheadMs: serverAheadMs } = skew;
    onStatus?.(statusText({ url, link, serverAheadMs, conditions: conditions.names }));
  };
  const emit = async (event: EventDraft): Promise<void> => {
    await spool.append(event);
    conditions.set('SpoolDegraded', spool.state.degraded);
  };
  const conditions = new Conditions(clock, (event) => {
    log.warn(event.data, 'condition of the agent changed');
    describeAgent();
    tellStatus();
    // Not waited for: the spool itself may be what is wrong.
    emit(event).catch((error: unknown) => log.error({ err: error }, 'event not kept'));
  });
  const about = {
    version: VERSION,
    startedAt: rfc3339(clock.nowMs()),
    hostRoot,
    intervalSeconds: intervalMs / 1000,
    checks: chosen.map(({ id }) => id),
    profile: { name: profile.name, title: profile.title, chosen: profileChosen },
    exceptionsFile: config.exceptionsFile ?? null,
  };
  const describeAgent = (): void => {
    state.replace('agent', new Map([['agent', about], ...conditions.items]));
  };
  describeAgent();
  const reporter = await Reporter.open({
    host,
    clock,
    checks: chosen,
    sources: sectionSources.filter(
      ({ after }) => after === undefined || chosen.some(({ id }) => id === after),
    ),
    state,
    conditions,
    stateDir,
    emit,
    log,
    judgement: {
      profile,
      exceptions,
      self: {
        lostEvents: () => spool.state.lost - lostBefore,
        serverAheadMs: () => skew.aheadMs,
      },
    },
  });
  parts.defer(() => reporter.saved());
  await emit({ kind: 'agent.started', class: 'low', data: { version: VERSION } });
  const schedule = parts.use(
    new Schedule({
      run: (id, signal) => reporter.look(id, signal),
      ids: reporter.jobs.map(({ id }) => id),
      intervalMs,
      random,
    }),
  );
  parts.use(
    await Watch.start({
      host,
      checks: reporter.jobs,
      onChange: (ids) => schedule.changed(ids),
      onDegraded: (why) => conditions.set('WatchDegraded', why),
      log,
      random,
    }),
  );
  const rescan = async (): Promise<void> => await schedule.runAll();
  const first = rescan().catch((error: unknown) => log.error({ err: error }, 'first look failed'));
  parts.defer(() => first);
  const baseline = baselineFile(stateDir);
  // Accepted from another process; its folder changes all the time with the spool.
  const onBaseline = (): void => schedule.changed(reporter.jobs.map(({ id }) => id));
  watchFile(baseline, { interval: BASELINE_POLL_MS, persistent: false }, onBaseline);
  parts.defer(() => unwatchFile(baseline, onBaseline));
  if (config.aggregator !== undefined) {
    const { Uplink } = await import('./uplink.ts');
    parts.use(
      new Uplink({
        aggregator: config.aggregator,
        spool,
        state,
        held: new Map(),
        commands: new CommandAnswers({
          rescan: async () => {
            await rescan();
            return [{ rootHash: state.rootHash }];
          },
          collect: async () =>
            collect({
              config,
              profile: profile.name,
              state,
              spool: spool.state,
              conditions: conditions.names,
              results: reporter.results,
              log: tail,
            }),
          [EVALUATE_POLICY]: async (command, signal) => {
            const candidate = readCandidate(command.arguments);
            return answerParts(await verifierOf(host).rehearse(candidate, clock, signal));
          },
        }),
        clock,
        random,
        log,
        version: VERSION,
        host: introduction,
        onServerTime: (aheadMs) => {
          if (!skew.note(aheadMs)) return;
          schedule.changed([selfCheck.id]);
          const apart = clockText(skew.aheadMs);
          if (apart !== undefined) log.warn({}, apart);
          tellStatus();
        },
        onLink: (lost) => {
          link = lost ?? 'connected';
          tellStatus();
        },
        conditions: () => {
          // The spool recovers by itself, without an event.
          conditions.set('SpoolDegraded', spool.state.degraded);
          return conditions.names;
        },
      }),
    );
  }
  tellStatus();
  const running = parts.move();
  return { state, spool, rescan, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Those that are included (all, when nothing is said) and not excluded. Throws `ConfigError` for an unknown id. */
export function chooseChecks(
  all: readonly Check[],
  { include, exclude }: AgentConfig['checks'],
): readonly Check[] {
  const known = all.map(({ id }) => id);
  for (const [place, ids] of [
    ['checks.include', include ?? []] as const,
    ['checks.exclude', exclude] as const,
  ]) {
    for (const id of ids) {
      if (known.includes(id)) continue;
      const near = nearest(id, known);
      const hint = near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`;
      throw new ConfigError('ERR_CONFIG_VALUE', `${place}: unknown check "${id}", ${hint}`);
    }
  }
  return all.filter(({ id }) => include?.includes(id) !== false && !exclude.includes(id));
}

/** How the agent introduces its node: names to show, no identity. */
async function introduce(
  host: Host,
  { nodeName }: AgentConfig,
): Promise<{ name: string; machineId: string; bootId: string }> {
  const { hostname, machineId, bootId } = await readFacts(host);
  return {
    name: nodeName ?? process.env['NODE_NAME'] ?? hostname ?? 'unknown',
    machineId: machineId ?? '',
    bootId: bootId ?? '',
  };
}

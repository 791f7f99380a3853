import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { Alerts } from '../alerts.ts';
import type { Fleet } from '../fleet.ts';
import type { Metrics } from '../metrics.ts';
import type { Records } from '../store/records.ts';
import { AlertmanagerSink } from './alertmanager.ts';
import type { AlertsConfig } from './config.ts';
import type { Target } from './delivery.ts';
import { AlertDuty } from './duty.ts';
import type { Sink, SinkCounters } from './sink.ts';
import { AlertsStateRecord } from './state-record.ts';
import { WebhookSink } from './webhook.ts';

export interface AlertParts {
  /** Where the state is kept; each call of it reads anew. */
  readonly records: () => Records;
  /** Whether it is this aggregator that tells now. */
  readonly isOurs: () => boolean;
  readonly fleet: Fleet;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long after the start nodes may take to come back. */
  readonly returnMs: number;
}

type Counters = SinkCounters & { known(sink: string): void };

/** The alerts of a configuration, told by one aggregator at a time. */
export async function openAlerts(config: AlertsConfig, parts: AlertParts): Promise<AlertDuty> {
  const counters = countersOf(parts.metrics);
  const duty = new AlertDuty(() => begin(config, parts, counters), parts.isOurs);
  observe(parts.metrics, duty);
  await duty.take();
  return duty;
}

/** The alerts with what is known from before a restart, or from who told them before. */
async function begin(
  config: AlertsConfig,
  { records, fleet, clock, log, returnMs }: AlertParts,
  counters: Counters,
): Promise<Alerts> {
  const record = new AlertsStateRecord(records());
  const state = await record.read();
  const timeoutMs = config.timeoutSeconds * 1000;
  const common = { timeoutMs, clock, log, random: Math.random, counters };
  const names = new Set<string>();
  const name = (kind: string, { url }: Target): string => {
    const unique = uniqueName(`${kind}:${new URL(url).host}`, names);
    counters.known(unique);
    return unique;
  };
  const { tokenFile, caFile, urls = [] } = config.alertmanager ?? {};
  const sinks: Sink[] = [
    ...config.webhooks.map((target) => {
      const options = { ...common, target, name: name('webhook', target) };
      return new WebhookSink(options, state.waiting[options.name] ?? []);
    }),
    ...urls.map((url) => {
      const target = { url, tokenFile, caFile };
      return new AlertmanagerSink({ ...common, target, name: name('alertmanager', target) });
    }),
  ];
  const { severity: atLeast, labels, holdSeconds, resolveSeconds, groupSeconds } = config;
  const times = {
    holdMs: holdSeconds * 1000,
    resolveMs: resolveSeconds * 1000,
    groupMs: groupSeconds * 1000,
  };
  const options = { fleet, sinks, clock, log, times, atLeast, labels, record, returnMs };
  return new Alerts(options, state);
}

/** Two addresses on one host are told apart by number, in the order of the configuration. */
function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let number = 2; taken.has(unique); number++) unique = `${name}#${number}`;
  taken.add(unique);
  return unique;
}

function countersOf(metrics: Metrics): Counters {
  const sent = metrics.counter('alerts_sent', 'Deliveries that were taken', ['sink']);
  const failed = metrics.counter('alerts_failed', 'Deliveries that failed', ['sink']);
  const dropped = metrics.counter('alerts_dropped', 'Notices given up', ['sink', 'reason']);
  return {
    sent: (sink) => sent.inc({ sink }),
    failed: (sink) => failed.inc({ sink }),
    dropped: (sink, reason) => dropped.inc({ sink, reason }),
    // A rate needs the zero before the first.
    known(sink) {
      sent.inc({ sink }, 0);
      failed.inc({ sink }, 0);
      for (const reason of ['overflow', 'refused', 'expired']) dropped.inc({ sink, reason }, 0);
    },
  };
}

function observe(metrics: Metrics, alerts: AlertDuty): void {
  metrics.gauge('alerts_firing', 'Alerts that are on', ['alert', 'severity'], () => {
    const counts = new Map<string, number>();
    for (const { alert, severity } of alerts.firing()) {
      const key = `${alert} ${severity}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return [...counts].map(([key, count]) => {
      const [alert = '', severity = ''] = key.split(' ');
      return [{ alert, severity }, count];
    });
  });
  metrics.gauge('alerts_queued', 'Notices that wait for a receiver', ['sink'], () =>
    alerts.sinks.map((sink) => {
      const { name, queued } = sink.status();
      return [{ sink: name }, queued];
    }),
  );
  metrics.gauge(
    'export_last_success_timestamp_seconds',
    'When something was delivered last since the start',
    ['sink'],
    () =>
      alerts.sinks.flatMap((sink) => {
        const { name, lastSuccessMs } = sink.status();
        return lastSuccessMs === null ? [] : [[{ sink: name }, lastSuccessMs / 1000] as const];
      }),
  );
}

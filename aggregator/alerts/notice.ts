import { API_VERSION } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { counted } from '../../shared/counted.ts';
import type { Severity } from '../../shared/results.ts';
import type { AlertGroup } from './group.ts';

/** So many nodes are named; the rest are counted. */
const NAMED = 10;

/** Body of a webhook: what is wrong, or no longer, on how many nodes. */
export interface Notice {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Alert';
  /** The same at each attempt to deliver this notice: who has seen it may ignore it. */
  readonly id: string;
  readonly status: 'firing' | 'resolved';
  readonly alert: string;
  readonly severity: Severity;
  readonly rule?: string;
  readonly title: string;
  /** One sentence for people. */
  readonly summary: string;
  /** How many nodes. */
  readonly count: number;
  /** The first of them by name. */
  readonly nodes: readonly string[];
  /** When this was noticed, RFC 3339. */
  readonly at: string;
  /** When the alert went on, RFC 3339. */
  readonly startsAt: string;
  /** RFC 3339; of one that is resolved. */
  readonly endsAt?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NoticeContext {
  readonly id: string;
  readonly atMs: number;
  /** Of the configuration. */
  readonly labels: Readonly<Record<string, string>>;
}

export function toNotice(group: AlertGroup, { id, atMs, labels }: NoticeContext): Notice {
  const { subject, names, startsAtMs } = group;
  const status = group.isOn ? 'firing' : 'resolved';
  return {
    apiVersion: API_VERSION,
    kind: 'Alert',
    id,
    status,
    alert: subject.name,
    severity: subject.severity,
    ...(subject.ruleId === undefined ? {} : { rule: subject.ruleId }),
    title: subject.title,
    summary: group.isOn ? summarize(group) : `${subject.title}: no node any more`,
    count: names.length,
    nodes: names.slice(0, NAMED),
    at: rfc3339(atMs),
    startsAt: rfc3339(startsAtMs),
    ...(group.isOn ? {} : { endsAt: rfc3339(atMs) }),
    labels,
  };
}

/** `SELinux is enforcing: fails on 312 nodes: worker-1, worker-2, … and 302 more`. */
function summarize({ subject, names }: AlertGroup): string {
  const verb = subject.family === 'rules' ? 'fails on ' : '';
  const count = counted(names.length, 'node');
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : '';
  return `${subject.title}: ${verb}${count}: ${names.slice(0, NAMED).join(', ')}${more}`;
}

/** How those severities are called that OpenShift routes by. */
const ROUTED: Readonly<Record<Severity, 'critical' | 'warning' | 'info'>> = {
  critical: 'critical',
  high: 'warning',
  medium: 'warning',
  low: 'info',
  info: 'info',
};

/** The notice as an alert of the Alertmanager API v2; `labels` alone tell one alert from another. */
export function toAlertmanager(notice: Notice, endsAtMs: number): object {
  const { alert, severity, rule, title, summary, count, startsAt, labels } = notice;
  return {
    labels: {
      ...labels,
      alertname: alert,
      severity: ROUTED[severity],
      finding_severity: severity,
      source: 'nodeseal',
      ...(rule === undefined ? {} : { rule }),
    },
    annotations: { summary: title, description: summary, count: String(count) },
    startsAt,
    endsAt: rfc3339(endsAtMs),
  };
}

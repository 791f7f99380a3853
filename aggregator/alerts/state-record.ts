import * as v from 'valibot';
import { API_VERSION } from '../../shared/api.ts';
import { SEVERITIES } from '../../shared/results.ts';
import type { RecordChanges, Records } from '../store/records.ts';
import { FAMILIES, type Family } from './condition.ts';
import type { GroupState } from './group.ts';
import type { Notice } from './notice.ts';

/** What the alerts must not forget over a restart: a restart is no news. */
export interface AlertsState {
  /** What was looked at once: from then on everything new is told. */
  readonly families: readonly Family[];
  readonly groups: readonly GroupState[];
  /** By name of the sink, what was not delivered. */
  readonly waiting: Readonly<Record<string, readonly Notice[]>>;
}

const NOTHING: AlertsState = { families: [], groups: [], waiting: {} };

const severity = v.picklist(SEVERITIES);
const subjectSchema = v.object({
  family: v.picklist(FAMILIES),
  name: v.string(),
  severity,
  title: v.string(),
  ruleId: v.exactOptional(v.string()),
});
const noticeSchema = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Alert'),
  id: v.string(),
  status: v.picklist(['firing', 'resolved']),
  alert: v.string(),
  severity,
  rule: v.exactOptional(v.string()),
  title: v.string(),
  summary: v.string(),
  count: v.number(),
  nodes: v.array(v.string()),
  at: v.string(),
  startsAt: v.string(),
  endsAt: v.exactOptional(v.string()),
  labels: v.record(v.string(), v.string()),
});
const schema: v.GenericSchema<unknown, AlertsState> = v.object({
  families: v.array(v.picklist(FAMILIES)),
  groups: v.array(
    v.object({
      key: v.string(),
      subject: subjectSchema,
      nodes: v.array(v.tuple([v.string(), v.string()])),
      startsAtMs: v.number(),
      isTold: v.boolean(),
    }),
  ),
  waiting: v.record(v.string(), v.array(noticeSchema)),
});

/** The state is one record. */
const KEY = '';

/** Where the state of alerts is kept, for a restart and for the aggregator that takes over. */
export class AlertsStateRecord {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Nothing when there is none, or one that is damaged: then what is so at the start is no news. */
  async read(): Promise<AlertsState> {
    const text = (await this.#records.changes()).get(KEY);
    try {
      return v.parse(schema, JSON.parse(text ?? ''));
    } catch {
      return NOTHING;
    }
  }

  /** False, and nothing is written, when another aggregator has written since this one read: it is its turn now. */
  async write(state: AlertsState): Promise<boolean> {
    let isOurs = true;
    const learn = (changes: RecordChanges): void => {
      isOurs = !changes.has(KEY);
    };
    await this.#records.inTurn(learn, async ({ keep }) => {
      if (isOurs) await keep(KEY, JSON.stringify(state));
    });
    return isOurs;
  }

  /** For messages. */
  get place(): string {
    return this.#records.place(KEY);
  }
}

import * as v from 'valibot';
import { SEVERITIES, type Severity } from '../../shared/results.ts';

/** Who is told of changes, and of which. */
export interface AlertsConfig {
  /** Each gets every alert as JSON; a token is sent as `Authorization: Bearer`. */
  readonly webhooks: readonly {
    readonly url: string;
    readonly tokenFile?: string | undefined;
    readonly caFile?: string | undefined;
  }[];
  /** All of them are told, as a cluster of Alertmanagers asks for. */
  readonly alertmanager?:
    | {
        readonly urls: readonly string[];
        readonly tokenFile?: string | undefined;
        readonly caFile?: string | undefined;
      }
    | undefined;
  /** Rules that fail with less are not told. */
  readonly severity: Severity;
  /** Added to every alert: `cluster: prod-1`. */
  readonly labels: Readonly<Record<string, string>>;
  /** It must be so for so long before it is told, in seconds. */
  readonly holdSeconds: number;
  /** It must be over for so long before that is told, in seconds. */
  readonly resolveSeconds: number;
  /** More nodes with an alert that is on are told so often at most, in seconds. */
  readonly groupSeconds: number;
  /** A receiver that takes longer to answer has failed, in seconds. */
  readonly timeoutSeconds: number;
}

const text = v.pipe(v.string(), v.minLength(1));
const url = v.pipe(
  v.string(),
  v.check((value) => /^https?:\/\//.test(value) && URL.canParse(value), 'expected http(s)://…'),
);
const credentials = { tokenFile: v.optional(text), caFile: v.optional(text) };
const seconds = (fallback: number) =>
  v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(86_400)), fallback);

/** Defaults filled in. */
export const alertsSchema: v.GenericSchema<unknown, AlertsConfig> = v.strictObject({
  webhooks: v.optional(v.array(v.strictObject({ url, ...credentials })), []),
  alertmanager: v.optional(
    v.strictObject({ urls: v.pipe(v.array(url), v.minLength(1)), ...credentials }),
  ),
  severity: v.optional(v.picklist(SEVERITIES), 'medium'),
  labels: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*$/, 'expected a label name')), v.string()),
    {},
  ),
  holdSeconds: seconds(30),
  resolveSeconds: seconds(300),
  groupSeconds: seconds(300),
  timeoutSeconds: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(300)), 10),
});

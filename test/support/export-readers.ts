import type { Outcome } from '../../shared/exports/outcome.ts';
import type { Result } from '../../shared/results.ts';
import { fromMarkup } from './markup.ts';

/** What an export says of one finding, as its reader sees it. */
export interface Told {
  /** Rule, and subject when there is one. */
  readonly key: string;
  /** The format's own word. */
  readonly word: string;
  /** Not every format has them for every outcome. */
  readonly severity?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** A published format as somebody else reads it, and its word for each outcome (docs/exports.md). */
interface ExportReader {
  readonly words: Readonly<Record<Outcome, string | undefined>>;
  /** Its word for a result of its own, in place of that of the outcome. */
  readonly ofResult?: Readonly<Partial<Record<Result, string>>>;
  /** How many findings it has room for; absent when for all. */
  readonly most?: number;
  /** Every finding that it tells of. */
  read(text: string): readonly Told[];
}

interface Properties {
  readonly [name: string]: string;
}

export const EXPORT_READERS: Readonly<Record<string, ExportReader>> = {
  sarif: {
    words: {
      pass: 'pass',
      fail: 'fail',
      warn: 'fail note',
      unknown: 'open',
      error: 'open',
      notapplicable: 'notApplicable',
      excepted: 'fail suppressed',
    },
    read(text) {
      const [run] = JSON.parse(text).runs;
      return run.results.map((one: SarifResult) => ({
        key: keyOf(one.ruleId, subjectOf(one)),
        word: [one.kind, one.suppressions && 'suppressed', one.level === 'note' && 'note']
          .filter(Boolean)
          .join(' '),
        ...told(one.properties),
        // Doubled, for a brace alone is a placeholder.
        message: one.message.text.replace(/([{}])\1/g, '$1').replace(/\\([[\]\\])/g, '$1'),
      }));
    },
  },
  oscal: {
    words: {
      pass: 'pass',
      fail: 'fail',
      warn: 'warn',
      unknown: 'unknown',
      error: 'error',
      // Counted only.
      notapplicable: undefined,
      excepted: 'excepted',
    },
    read(text) {
      const [result] = JSON.parse(text)['assessment-results'].results;
      return result.observations.map((one: OscalObservation) => {
        const named = Object.fromEntries(one.props.map(({ name, value }) => [name, value]));
        const own = named as Properties;
        return {
          key: keyOf(own['rule-id'], own['subject']),
          word: own['outcome'],
          ...told(own),
          message: one.description.replace(/\\(.)/g, '$1'),
        };
      });
    },
  },
  csv: {
    words: {
      pass: 'pass',
      fail: 'fail',
      warn: 'warn',
      unknown: 'unknown',
      error: 'error',
      notapplicable: 'notapplicable',
      excepted: 'excepted',
    },
    read(text) {
      const [head = [], ...rows] = csvRows(text);
      return rows.flatMap((row) => {
        const named = head.flatMap((name, at) => (row[at] ? [[name, row[at]]] : []));
        const own = Object.fromEntries(named) as Properties;
        if (own['record'] !== 'finding') return [];
        const { ruleId = '', subject, outcome = '', message = '' } = own;
        return [{ key: keyOf(ruleId, subject), word: outcome, ...told(own), message }];
      });
    },
  },
  openreports: {
    most: 200,
    words: {
      pass: 'pass',
      fail: 'fail',
      warn: 'warn',
      unknown: 'error',
      error: 'error',
      notapplicable: 'skip',
      excepted: 'skip',
    },
    read(text) {
      const [, report] = JSON.parse(text).items;
      return report.results.map((one: ReportResult) => ({
        key: keyOf(one.rule, one.properties['subject']),
        word: one.result,
        ...told({ ...one.properties, severity: one.severity }),
        message: one.message,
      }));
    },
  },
  junit: {
    words: {
      pass: 'passed',
      fail: 'failure',
      warn: 'skipped',
      unknown: 'error',
      error: 'error',
      notapplicable: 'skipped',
      excepted: 'skipped',
    },
    read(text) {
      const cases = text.matchAll(/<testcase name="([^"]*)" classname="([^"]*)">(?:<(\w+) )?/g);
      return [...cases]
        .filter(([, , check]) => check !== 'coverage')
        .map(([, name = '', , word = 'passed']) => ({ key: fromMarkup(name), word }));
    },
  },
  xccdf: {
    ofResult: { notchecked: 'notchecked' },
    words: {
      pass: 'pass',
      fail: 'fail',
      warn: 'informational',
      unknown: 'unknown',
      error: 'error',
      notapplicable: 'notapplicable',
      excepted: 'notapplicable',
    },
    read(text) {
      return [...text.matchAll(/<rule-result idref="xccdf_dev\.nodeseal_rule_([^"]*)".*$/gm)].map(
        ([line, rule = '']) => {
          const part = (pattern: RegExp): string | undefined => {
            const [, found] = pattern.exec(line) ?? [];
            return found === undefined ? undefined : fromMarkup(found);
          };
          return {
            key: keyOf(rule, part(/<instance context="subject">([^<]*)</)),
            word: part(/<result>([^<]*)</) ?? '',
            ...told({ reason: part(/<reason [^>]*>([^<]*)</) }),
            message: part(/<message [^>]*>([^<]*)</) ?? '',
          };
        },
      );
    },
  },
};

interface SarifResult {
  readonly ruleId: string;
  readonly kind: string;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly suppressions?: object;
  readonly properties: Properties;
  readonly locations: readonly [
    { readonly logicalLocations: readonly [{ readonly kind: string; readonly name: string }] },
  ];
}
interface OscalObservation {
  readonly description: string;
  readonly props: readonly { readonly name: string; readonly value: string }[];
}
interface ReportResult {
  readonly rule: string;
  readonly result: string;
  readonly severity: string;
  readonly message: string;
  readonly properties: Properties;
}

function subjectOf({ locations: [{ logicalLocations }] }: SarifResult): string | undefined {
  const [{ kind, name }] = logicalLocations;
  return kind === 'node' ? undefined : name;
}

function keyOf(ruleId = '', subject?: string): string {
  return subject === undefined ? ruleId : `${ruleId} ${subject}`;
}

function told(own: Readonly<Record<string, string | undefined>>): Partial<Told> {
  const { severity, reason } = own;
  return {
    ...(severity === undefined ? {} : { severity }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** RFC 4180, with a line feed. */
function csvRows(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain,
      ),
    );
}

import { exceptionText } from '../finding-text.ts';
import { combine, type Result } from '../results.ts';
import { reviewedControls } from './oscal-controls.ts';
import { markup, property, propertyValue, token } from './oscal-text.ts';
import { countOutcomes, OUTCOMES, type Outcome } from './outcome.ts';
import type { NodeReport } from './source.ts';
import type { Statement } from './statement.ts';
import { uuidOf } from './uuid.ts';

const TOOL = uuidOf('component', 'nodeseal');

/** What an outcome says of its objective; nothing where it is only observed, or does not apply. */
const STATE: Readonly<Record<Outcome, Result>> = {
  pass: 'pass',
  fail: 'fail',
  warn: 'notchecked',
  unknown: 'unknown',
  error: 'error',
  notapplicable: 'notapplicable',
  // Vouched for, and still not as it should be: the risk says by whom.
  excepted: 'fail',
};

/** `result` of one node: the node, what was seen, what follows for each rule, and the risks of what fails. */
export function resultOf(node: NodeReport<Statement>, generatedAt: string): object {
  const { name, items, pool, state, cause, lastSeen, dataAsOf } = node;
  const start = dataAsOf ?? generatedAt;
  const applying = items.filter(({ outcome }) => outcome !== 'notapplicable');
  const counts = countOutcomes(items.map(({ outcome }) => outcome));
  const risks = applying.filter(({ outcome }) => outcome === 'fail' || outcome === 'excepted');
  const findings = findingsOf(applying);
  const asset = uuidOf('inventory-item', name);
  return {
    uuid: uuidOf('result', name),
    title: `Node ${markup(name)}`,
    description: markup(cause === undefined ? `what ${name} says` : `${name}: ${cause}`),
    start,
    props: [
      property('pool', pool),
      ...(state === undefined ? [] : [property('node-state', state)]),
      ...(lastSeen === null ? [] : [property('last-seen', lastSeen)]),
      ...(dataAsOf === null ? [] : [property('data-as-of', dataAsOf)]),
      ...OUTCOMES.map((outcome) => property(`count-${outcome}`, String(counts[outcome]))),
    ],
    'local-definitions': {
      components: [TOOL_COMPONENT],
      'inventory-items': [
        {
          uuid: asset,
          description: 'A node of the fleet.',
          props: [{ name: 'asset-id', value: propertyValue(name) }],
        },
      ],
    },
    'reviewed-controls': reviewedControls(items),
    ...(applying.length === 0
      ? {}
      : { observations: applying.map((one) => observation(one, asset, start)) }),
    ...(risks.length === 0 ? {} : { risks: risks.map(risk) }),
    ...(findings.length === 0 ? {} : { findings }),
  };
}

const TOOL_COMPONENT = {
  uuid: TOOL,
  type: 'software',
  title: 'nodeseal',
  description: 'The agent on the node and the aggregator that keeps what it says.',
  status: { state: 'operational' },
};

function observation(statement: Statement, asset: string, collected: string): object {
  const { fingerprint, title, message, ruleId, outcome, severity, reason, observed } = statement;
  return {
    uuid: uuidOf('observation', fingerprint),
    title: markup(title),
    description: markup(message),
    props: [
      property('rule-id', ruleId),
      property('outcome', outcome),
      property('severity', severity),
      ...(statement.subject === undefined ? [] : [property('subject', statement.subject)]),
      ...(reason === undefined ? [] : [property('reason', reason)]),
    ],
    methods: ['TEST'],
    origins: [{ actors: [{ type: 'tool', 'actor-uuid': TOOL }] }],
    subjects: [{ 'subject-uuid': asset, type: 'inventory-item' }],
    'relevant-evidence': [{ description: markup(observed) }],
    collected,
  };
}

/** One finding for each rule that was decided, over all of its subjects: as XCCDF combines results. */
function findingsOf(statements: readonly Statement[]): readonly object[] {
  const byRule = Map.groupBy(statements, ({ ruleId }) => ruleId);
  return [...byRule].flatMap(([ruleId, ofRule]) => {
    const result = combine(ofRule.map(({ outcome }) => STATE[outcome]));
    const [first] = ofRule;
    if (first === undefined || (result !== 'pass' && result !== 'fail')) return [];
    const isPass = result === 'pass';
    const risks = ofRule.filter(({ outcome }) => STATE[outcome] === 'fail');
    return [
      {
        uuid: uuidOf('finding', first.node, ruleId),
        title: markup(first.title),
        description: markup(`${ruleId}: ${isPass ? 'passes' : 'fails'} on ${first.node}`),
        target: {
          type: 'objective-id',
          'target-id': token(ruleId),
          status: {
            state: isPass ? 'satisfied' : 'not-satisfied',
            reason: isPass ? 'pass' : 'fail',
          },
        },
        'related-observations': ofRule.map(({ fingerprint }) => ({
          'observation-uuid': uuidOf('observation', fingerprint),
        })),
        ...(risks.length === 0
          ? {}
          : { 'related-risks': risks.map((one) => ({ 'risk-uuid': riskUuid(one) })) }),
      },
    ];
  });
}

function riskUuid({ fingerprint }: Statement): string {
  return uuidOf('risk', fingerprint);
}

function risk(statement: Statement): object {
  const { fingerprint, title, message, severity, remediation, override } = statement;
  const deadline = override === undefined ? undefined : endOf(override.until);
  return {
    uuid: riskUuid(statement),
    title: markup(title),
    description: markup(message),
    statement: markup(remediation),
    props: [property('severity', severity)],
    status: override === undefined ? 'open' : 'deviation-approved',
    ...(override === undefined
      ? {}
      : {
          'mitigating-factors': [
            {
              uuid: uuidOf('mitigating-factor', fingerprint),
              description: markup(exceptionText(override)),
            },
          ],
        }),
    ...(deadline === undefined ? {} : { deadline }),
    'related-observations': [{ 'observation-uuid': uuidOf('observation', fingerprint) }],
  };
}

/** The moment an exception ends; a day ends with it, in UTC. */
function endOf(until: string): string | undefined {
  const ms = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(until) ? `${until}T23:59:59Z` : until);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

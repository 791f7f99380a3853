import { API_VERSION, type CheckDetail, type CheckItem, type CheckList } from '../../shared/api.ts';
import {
  combine,
  countResults,
  RESULTS,
  type Result,
  SEVERITIES,
  type Severity,
} from '../../shared/results.ts';
import { toFindingItem } from '../section-items.ts';
import type { OutcomeCount } from '../store/store.ts';
import { withSince } from './failing-since.ts';
import { list, notFound, withNodeState } from './list.ts';
import type { ApiContext, Route } from './route.ts';

const DETAIL_FINDINGS = 5000;

const getChecks: Route = {
  method: 'GET',
  path: '/v1/checks',
  role: 'viewer',
  summary: 'Rules over all nodes, worst first',
  query: ['result', 'severity'],
  async handle({ query }, context): Promise<CheckList> {
    const results = query.words('result', RESULTS);
    const severities = query.words('severity', SEVERITIES);
    const items = (await readChecks(context)).filter(
      (item) =>
        (results?.includes(item.worst) ?? true) && (severities?.includes(item.severity) ?? true),
    );
    return list('CheckList', items, context.fleet.coverage());
  },
};

const getCheck: Route = {
  method: 'GET',
  path: '/v1/checks/:name',
  role: 'viewer',
  summary: 'One rule with what every node says of it',
  query: [],
  async handle({ name }, context): Promise<CheckDetail> {
    const { store, fleet } = context;
    const check = (await readChecks(context)).find((item) => item.ruleId === name);
    if (check === undefined) throw notFound('check', name);
    const page = await store.items({ section: 'checks', limit: DETAIL_FINDINGS, subject: name });
    const findings = page.rows.map((row) => toFindingItem(row.node, row.key, row.item));
    return {
      apiVersion: API_VERSION,
      kind: 'Check',
      check,
      findings: withNodeState(context, await withSince(store, findings), undefined),
      coverage: fleet.coverage(),
    };
  },
};

export const checkRoutes: readonly Route[] = [getChecks, getCheck];

/** The store gives outcomes worst first, so rules come worst first too. */
async function readChecks(context: ApiContext): Promise<readonly CheckItem[]> {
  const byRule = new Map<string, OutcomeCount[]>();
  for (const outcome of await context.store.outcomes('checks')) {
    const ofRule = byRule.get(outcome.subject) ?? [];
    byRule.set(outcome.subject, ofRule);
    ofRule.push(outcome);
  }
  const stale = await stalePasses(context);
  return [...byRule].map(([ruleId, outcomes]) => toCheck(ruleId, outcomes, stale));
}

/** What stale nodes passed is no longer known to hold: on how many of them, by rule and severity. */
async function stalePasses({ store, fleet }: ApiContext): Promise<ReadonlyMap<string, number>> {
  const stateNow = fleet.stateNow();
  const stale = [...fleet.members()].filter((node) => stateNow(node) === 'stale');
  if (stale.length === 0) return new Map();
  const uids = stale.map(({ uid }) => uid);
  const passed = (await store.outcomes('checks', uids)).filter(({ outcome }) => outcome === 'pass');
  return new Map(passed.map(({ subject, severity, nodes }) => [`${subject} ${severity}`, nodes]));
}

function toCheck(
  ruleId: string,
  outcomes: readonly OutcomeCount[],
  stale: ReadonlyMap<string, number>,
): CheckItem {
  const nodes: Record<Result, number> = { ...countResults([]) };
  let severity: Severity = 'info';
  for (const { outcome, nodes: count, severity: given } of outcomes) {
    const result = RESULTS.find((known) => known === outcome);
    // Counted a moment later: a node that came back meanwhile may pass what it failed before.
    const unknown = result === 'pass' ? Math.min(count, stale.get(`${ruleId} ${given}`) ?? 0) : 0;
    if (result !== undefined) nodes[result] += count - unknown;
    nodes.unknown += unknown;
    if (given !== '' && SEVERITIES.indexOf(given) > SEVERITIES.indexOf(severity)) severity = given;
  }
  const { checkId, title, remediation, mappings } = toFindingItem(
    '',
    ruleId,
    outcomes[0]?.sample ?? null,
  );
  const worst = combine(RESULTS.filter((result) => nodes[result] > 0));
  return { ruleId, checkId, title, severity, nodes, worst, remediation, mappings };
}

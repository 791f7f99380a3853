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
import type { OutcomeCount, Store } from '../store/store.ts';
import { withSince } from './failing-since.ts';
import { list, notFound, withNodeState } from './list.ts';
import type { Route } from './route.ts';

const DETAIL_FINDINGS = 5000;

const getChecks: Route = {
  method: 'GET',
  path: '/v1/checks',
  role: 'viewer',
  summary: 'Rules over all nodes, worst first',
  query: ['result', 'severity'],
  async handle({ query }, { store, fleet }): Promise<CheckList> {
    const results = query.words('result', RESULTS);
    const severities = query.words('severity', SEVERITIES);
    const items = (await readChecks(store)).filter(
      (item) =>
        (results?.includes(item.worst) ?? true) && (severities?.includes(item.severity) ?? true),
    );
    return list('CheckList', items, fleet.coverage());
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
    const check = (await readChecks(store)).find((item) => item.ruleId === name);
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
async function readChecks(store: Store): Promise<readonly CheckItem[]> {
  const byRule = new Map<string, OutcomeCount[]>();
  for (const outcome of await store.outcomes('checks')) {
    const ofRule = byRule.get(outcome.subject) ?? [];
    byRule.set(outcome.subject, ofRule);
    ofRule.push(outcome);
  }
  return [...byRule].map(([ruleId, outcomes]) => toCheck(ruleId, outcomes));
}

function toCheck(ruleId: string, outcomes: readonly OutcomeCount[]): CheckItem {
  const nodes: Record<Result, number> = { ...countResults([]) };
  let severity: Severity = 'info';
  for (const { outcome, nodes: count, severity: given } of outcomes) {
    const result = RESULTS.find((known) => known === outcome);
    if (result !== undefined) nodes[result] += count;
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

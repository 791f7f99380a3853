import type { CheckItem } from '../../shared/api.ts';
import { readCheck } from '../answers.ts';
import { RULE_SUMMARY } from '../output/rule-summary.ts';
import type { Resource } from '../resource.ts';

/** Rules, summed up over all nodes. */
export const CHECKS: Resource<CheckItem> = {
  type: 'checks',
  kind: 'CheckList',
  read: readCheck,
  namesOf: ({ ruleId, checkId }) => [ruleId, checkId],
  keyOf: ({ ruleId }) => ruleId,
  fields: ['ruleId', 'checkId', 'title', 'severity', 'worst', 'nodes'],
  parameters: { severity: 'severity', worst: 'result' },
  isWatched: false,
  isPaged: false,
  presentation: () => RULE_SUMMARY,
};

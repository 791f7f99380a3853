import type { CheckItem } from '../../shared/api.ts';
import { resultWord } from '../../shared/results.ts';
import type { Presentation } from './column.ts';
import { mappingText } from './mapping.ts';
import { resultSymbol, resultTone } from './result.ts';

/** Rules over all nodes, as `get checks` shows them. */
export const RULE_SUMMARY: Presentation<CheckItem> = {
  resource: 'check',
  nameOf: ({ ruleId }) => ruleId,
  columns: [
    { header: 'RULE', key: 'ruleId', value: ({ ruleId }) => ruleId },
    {
      header: 'WORST',
      key: 'worst',
      value: ({ worst }) => worst,
      show: ({ worst }) => resultWord(worst),
      symbol: ({ worst }) => resultSymbol(worst),
      tone: ({ worst }) => resultTone(worst),
    },
    { header: 'SEVERITY', key: 'severity', value: ({ severity }) => severity },
    { header: 'FAIL', key: 'fail', value: ({ nodes }) => nodes.fail, align: 'right' },
    {
      header: 'UNKNOWN',
      key: 'undecided',
      value: ({ nodes }) => nodes.unknown + nodes.error,
      align: 'right',
    },
    { header: 'PASS', key: 'pass', value: ({ nodes }) => nodes.pass, align: 'right' },
    {
      header: 'NOT APPLICABLE',
      key: 'notapplicable',
      value: ({ nodes }) => nodes.notapplicable,
      align: 'right',
      wide: true,
    },
    {
      header: 'CONTROLS',
      key: 'mappings',
      value: ({ mappings }) => mappings.map(mappingText).join(';') || null,
      wide: true,
    },
    { header: 'TITLE', key: 'title', value: ({ title }) => title, wide: true },
  ],
};

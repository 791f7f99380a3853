import type { FindingItem } from '../../shared/api.ts';
import { safeText } from '../../shared/safe-text.ts';
import { namesText } from './names.ts';

/** Failures that somebody vouches for, a line for each exception: who, until when, why, and for what. */
export function exceptionLines(findings: readonly FindingItem[]): readonly string[] {
  const excepted = findings.filter(({ override }) => override !== undefined);
  const groups = Map.groupBy(excepted, ({ override, ruleId }) =>
    JSON.stringify([override?.authority, override?.until, override?.remark, ruleId]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first?.override === undefined) return [];
    const { authority, until, remark } = first.override;
    const nodes = [...new Set(group.map(({ node }) => node))];
    const text = `${first.ruleId}: ${authority} until ${until} (${remark}), on ${namesText(nodes)}`;
    return [safeText(text)];
  });
}

import type { Check, CheckContext } from '../../agent/check.ts';
import { openHost } from '../../agent/host.ts';
import { DEFAULT_VALUES } from '../../agent/profile-values.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Finding, Rule } from '../../shared/findings.ts';

/** A rule as a check would declare it. */
export function ruleOf(id: string, severity: Rule['severity'] = 'medium'): Rule {
  return {
    id,
    title: `Title of ${id}`,
    severity,
    rationale: 'because',
    remediation: { kind: 'none', text: 'nothing to do' },
    mappings: [{ framework: 'CIS', id: '1.1', basis: 'derived' }],
  };
}

/** A check with the rules `<id>.a` and `<id>.b`. */
export function checkOf(
  id: string,
  run: Check['run'] = async () => [],
  members: Partial<Check> = {},
): Check {
  const rules = [ruleOf(`${id}.a`, 'high'), ruleOf(`${id}.b`)];
  return { id, title: `Check ${id}`, rules, watches: [], run, ...members };
}

export function findingOf(ruleId: string, members: Partial<Finding> = {}): Finding {
  return {
    ruleId,
    result: 'pass',
    severity: 'medium',
    message: `${ruleId} was looked at`,
    observed: {},
    ...members,
  };
}

export function contextOf(root: string): CheckContext {
  return { host: openHost(root), clock: systemClock, baseline: undefined, values: DEFAULT_VALUES };
}

import type { Json } from '../../shared/canonical.ts';

/** An item of the section `checks` as agents report it. */
export function findingItem(change: {
  readonly ruleId: string;
  readonly result?: string;
  readonly severity?: string;
  readonly subject?: string;
}): Json {
  const [checkId = ''] = change.ruleId.split('.');
  return {
    checkId,
    title: `Title of ${change.ruleId}`,
    result: 'pass',
    severity: 'high',
    message: 'enforcing now and after the next boot, as it has to be',
    observed: { current: 'enforcing', configured: 'enforcing' },
    remediation: { kind: 'MachineConfig', text: 'Set SELINUX=enforcing by a MachineConfig.' },
    mappings: [{ framework: '800-53', id: 'AC-3', basis: 'derived' }],
    ...change,
  };
}

import type { PolicyItem } from '../../shared/api-pools.ts';
import { fieldOf } from '../selector.ts';
import type { Presentation } from './column.ts';

/** Policies in force, as `get policies` shows them. */
export const POLICY: Presentation<PolicyItem> = {
  resource: 'policy',
  nameOf: ({ digest }) => digest,
  columns: [
    { header: 'DIGEST', key: 'digest', value: ({ digest }) => digest },
    { header: 'NODES', key: 'nodes', value: ({ nodes }) => nodes.length, align: 'right' },
    {
      header: 'OUTLIERS',
      key: 'outliers',
      value: ({ outliers }) => outliers.length,
      tone: ({ outliers }) => (outliers.length > 0 ? 'bad' : undefined),
      align: 'right',
      drop: 1,
    },
    {
      header: 'PATH',
      key: 'path',
      value: ({ policy }) => text(policy, 'path'),
      shrink: 'start',
      least: 13,
    },
    {
      header: 'DEFAULT',
      key: 'default',
      value: ({ policy }) => defaultText(policy),
      shrink: 'end',
      least: 12,
    },
    {
      header: 'SCOPES',
      key: 'scopes',
      value: ({ policy }) => scopeCount(policy),
      align: 'right',
      drop: 1,
    },
    {
      header: 'PROBLEM',
      key: 'problem',
      value: ({ policy }) => text(policy, 'problem.reason'),
      tone: () => 'bad',
    },
    { header: 'POOLS', key: 'pools', value: ({ pools }) => pools.join(','), wide: true },
    { header: 'ON', key: 'on', value: ({ nodes }) => nodes.join(','), wide: true },
  ],
};

function text(policy: unknown, field: string): string | null {
  const found = fieldOf(policy, field);
  return typeof found === 'string' ? found : null;
}

/** The types of the default's requirements: what is asked of an image that no scope names. */
function defaultText(policy: unknown): string | null {
  const found = fieldOf(policy, 'default');
  if (!Array.isArray(found)) return null;
  return found.map((requirement: unknown) => text(requirement, 'type') ?? '?').join('+');
}

function scopeCount(policy: unknown): number | null {
  const found = fieldOf(policy, 'scopes');
  return Array.isArray(found) ? found.length : null;
}

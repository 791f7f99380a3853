import type { CheckItem, DriftItem, PolicyItem } from '../../shared/api.ts';
import { fieldOf } from '../selector.ts';
import type { Presentation } from './column.ts';
import { resultTone, resultWord } from './finding.ts';
import { mappingText } from './mapping.ts';

/** Files that differ from what they should be, as `get drift` shows them. */
export const DRIFT: Presentation<DriftItem> = {
  resource: 'drift',
  nameOf: ({ node, path }) => `${node}${path}`,
  columns: [
    { header: 'NODE', key: 'node', value: ({ node }) => node, shrink: 'end' },
    { header: 'PATH', key: 'path', value: ({ path }) => path, shrink: 'start' },
    {
      header: 'CLASS',
      key: 'class',
      value: (item) => item.class,
      tone: (item) => (item.class === 'managed-drift' ? 'bad' : 'warn'),
    },
    { header: 'REASON', key: 'reason', value: ({ reason }) => reason ?? null },
    { header: 'MODE', key: 'mode', value: ({ mode }) => octal(mode), wide: true },
    {
      header: 'EXPECTED-MODE',
      key: 'expectedMode',
      value: ({ expectedMode }) => octal(expectedMode ?? null),
      wide: true,
    },
    { header: 'OWNER', key: 'uid', value: ({ uid, gid }) => owner(uid, gid), wide: true },
    {
      header: 'EXPECTED-OWNER',
      key: 'expectedUid',
      value: ({ expectedUid, expectedGid }) => owner(expectedUid, expectedGid),
      wide: true,
    },
    { header: 'SHA256', key: 'sha256', value: ({ sha256 }) => sha256, wide: true },
    {
      header: 'EXPECTED-SHA256',
      key: 'expectedSha256',
      value: ({ expectedSha256 }) => expectedSha256 ?? null,
      wide: true,
    },
    { header: 'MANAGER', key: 'manager', value: ({ manager }) => manager ?? null, wide: true },
  ],
};

function octal(mode: number | null): string | null {
  return mode === null ? null : `0${mode.toString(8)}`;
}

/** `uid:gid`; null where one of them is not known. */
function owner(uid: number | null = null, gid: number | null = null): string | null {
  return uid === null || gid === null ? null : `${uid}:${gid}`;
}

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
      header: 'N/A',
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
    },
    { header: 'PATH', key: 'path', value: ({ policy }) => text(policy, 'path'), shrink: 'start' },
    { header: 'DEFAULT', key: 'default', value: ({ policy }) => defaultText(policy) },
    { header: 'SCOPES', key: 'scopes', value: ({ policy }) => scopeCount(policy), align: 'right' },
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

import type { DriftItem } from '../../shared/api.ts';
import type { Presentation } from './column.ts';
import { NODE_COLUMN } from './of-node.ts';

/** Files that differ from what they should be, as `get drift` shows them. */
export const FILE_DRIFT: Presentation<DriftItem> = {
  resource: 'drift',
  nameOf: ({ node, path }) => `${node}${path}`,
  columns: [
    NODE_COLUMN,
    { header: 'PATH', key: 'path', value: ({ path }) => path, shrink: 'start', least: 16 },
    {
      header: 'CLASS',
      key: 'class',
      value: (item) => item.class,
      symbol: (item) => (item.class === 'managed-drift' ? 'bad' : 'unknown'),
      tone: (item) => (item.class === 'managed-drift' ? 'bad' : 'warn'),
    },
    { header: 'REASON', key: 'reason', value: ({ reason }) => reason ?? null, drop: 1 },
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

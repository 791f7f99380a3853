import t from 'tap';
import type { EventRecord } from '../../../shared/api.ts';
import { eventText } from '../../../shared/event-text.ts';

const MC = 'rendered-worker-0123';

/** Data as the agent sends it, and what people read of it. */
const ROWS: readonly (readonly [kind: string, data: EventRecord['data'], text: string])[] = [
  [
    'finding.changed',
    { ruleId: 'selinux.enforcing', was: 'pass', now: 'fail', message: 'SELinux is permissive' },
    'selinux.enforcing: fail, was pass: SELinux is permissive',
  ],
  [
    'finding.changed',
    { ruleId: 'selinux.enforcing', was: 'fail', now: 'fail', message: 'SELinux is disabled' },
    'selinux.enforcing: fail: SELinux is disabled',
  ],
  [
    'finding.changed',
    { ruleId: 'node.mco-drift', subject: '/etc/x', was: 'fail', now: null },
    'node.mco-drift /etc/x: gone, was fail',
  ],
  [
    'file.changed',
    {
      path: '/etc/containers/policy.json',
      change: 'changed',
      class: 'managed-drift',
      meaning: { kind: 'policy', effect: 'weakened', lines: ['the default is accepted'] },
      explained: null,
    },
    '/etc/containers/policy.json changed (managed-drift), unexplained: weakened: the default is accepted',
  ],
  [
    'file.changed',
    {
      path: '/etc/containers/policy.json',
      change: 'changed',
      meaning: { kind: 'policy', was: 'valid', now: 'invalid' },
      explained: { by: 'update-in-progress', sign: '/etc/x' },
    },
    '/etc/containers/policy.json changed, explained by an update in progress (/etc/x): the policy is invalid',
  ],
  [
    'file.changed',
    {
      path: '/etc/pki/key',
      change: 'changed',
      meaning: { kind: 'keys', added: ['AA'], removed: ['BB'] },
      explained: { by: 'os-deployment', was: 'a.0', now: 'b.0' },
    },
    '/etc/pki/key changed, explained by the OS deployment b.0: added key AA; removed key BB',
  ],
  [
    'file.changed',
    {
      path: '/etc/x.conf',
      change: 'changed',
      meaning: { kind: 'settings', added: [], removed: [], changed: ['a', 'b'] },
      mode: { was: '0644', now: '0666' },
      owner: { was: '0:0', now: '1:1' },
      explained: { by: 'machine-config', name: MC },
    },
    `/etc/x.conf changed, explained by MachineConfig ${MC}: changed a, b; mode 0666, was 0644; owner 1:1, was 0:0`,
  ],
  [
    'file.changed',
    { path: '/etc/x', change: 'removed', explained: { by: 'baseline', name: 'baseline accepted' } },
    '/etc/x removed, explained by the baseline accepted',
  ],
  [
    'file.changed',
    {
      path: '/etc/x.conf',
      change: 'changed',
      meaning: { kind: 'settings', added: [], removed: [], changed: [] },
      explained: null,
    },
    '/etc/x.conf changed, unexplained: no setting of it changed',
  ],
  [
    'machine-config.changed',
    { was: 'rendered-worker-00', now: MC, altered: false },
    `the MachineConfig of the node is ${MC}, was rendered-worker-00`,
  ],
  [
    'machine-config.changed',
    { was: MC, now: MC, altered: true },
    `the MachineConfig ${MC} was edited on the node: it has its name and another content`,
  ],
  [
    'image.changed',
    { reference: 'quay.io/a/b:1', was: null, now: 'rejected', message: 'no signature' },
    'quay.io/a/b:1: rejected: no signature',
  ],
  [
    'agent.condition',
    { condition: 'WatchDegraded', holds: true, why: 'ENOSPC' },
    'WatchDegraded: ENOSPC',
  ],
  [
    'agent.condition',
    { condition: 'WatchDegraded', holds: false, why: null },
    'WatchDegraded is over',
  ],
  ['agent.started', { version: '0.1.0' }, 'nodeseal 0.1.0'],
  [
    'lost',
    {
      why: 'cap',
      from: '2026-11-28T08:00:00Z',
      to: '2026-11-28T09:00:00Z',
      throughSequence: 9,
      count: 7,
    },
    '7 events lost: the spool was full, between 2026-11-28T08:00:00Z and 2026-11-28T09:00:00Z',
  ],
  [
    'lost',
    { why: 'damaged', from: null, to: '2026-11-28T09:00:00Z', throughSequence: 3, count: 1 },
    '1 event lost: damaged on the disk of the node',
  ],
  ['lost', { why: 'of a later version', throughSequence: 3, count: 2 }, '2 events lost'],
  ['lost', { why: 'constructor', throughSequence: 3, count: 2 }, '2 events lost'],
  ['lost', { why: 'cap' }, '{"why":"cap"}'],
  [
    'epochLost',
    { epoch: 'a', afterSequence: 4, count: 3, newEpoch: 'b' },
    '3 events lost: held by the former spool of the agent, and never sent',
  ],
  [
    'epochChanged',
    { epoch: 'a', afterSequence: 4, count: 0, newEpoch: 'b' },
    'the agent began a new spool; nothing of the former one is missing',
  ],
  [
    'serverRollback',
    { epoch: 'a', fromSequence: 5, throughSequence: 8, count: 4 },
    '4 events lost: acknowledged once, but not in this older database',
  ],
  ['nodeReplaced', { uid: 'new', replaces: 'old' }, 'enrolled anew, in place of the node old'],
  [
    'rejected',
    { code: 'schema', message: 'event.kind: expected text' },
    'an event that could not be read: event.kind: expected text',
  ],
  ['rule.changed', { a: 1 }, '{"a":1}'],
  ['file.changed', { odd: true }, '{"odd":true}'],
  ['finding.changed', {}, '{}'],
  // Any word may be a kind, also one that objects have by themselves.
  ['constructor', { a: 1 }, '{"a":1}'],
  ['__proto__', { a: 1 }, '{"a":1}'],
  ['toString', { a: 1 }, '{"a":1}'],
];

for (const [kind, data, text] of ROWS) {
  t.test(`${kind} ${JSON.stringify(data)} reads: ${text}`, async (t) => {
    t.equal(eventText({ kind, data }), text);
  });
}

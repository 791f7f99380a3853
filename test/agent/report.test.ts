// One piece: one table of two reports and the events between them.
import t from 'tap';
import { checkItems, eventsOf } from '../../agent/report.ts';
import { type CheckResult, runChecks } from '../../agent/runner.ts';
import type { Json } from '../../shared/canonical.ts';
import type { Finding } from '../../shared/findings.ts';
import type { Items, SectionName } from '../../shared/report.ts';
import { checkOf, contextOf, findingOf } from '../support/checks.ts';

async function resultsOf(...findings: readonly Finding[]): Promise<readonly CheckResult[]> {
  return await runChecks([checkOf('x', async () => findings)], contextOf('/'));
}

async function itemsOf(...findings: readonly Finding[]): Promise<Items> {
  return checkItems(await resultsOf(...findings));
}

t.test('the section holds each finding by its rule and subject, without times', async (t) => {
  const items = await itemsOf(
    findingOf('x.a'),
    findingOf('x.b', { subject: '/etc/x', result: 'fail', reason: 'changed' }),
  );
  t.same([...items.keys()], ['x.a', 'x.b /etc/x']);
  t.match(items.get('x.b /etc/x'), { checkId: 'x', title: 'Title of x.b', result: 'fail' });
  t.notOk(JSON.stringify([...items]).includes('durationMs'));
  t.notOk(JSON.stringify([...items]).includes('startedAt'));
});

t.test('of two statements on one subject the worse speaks', async (t) => {
  for (const order of [
    ['pass', 'fail'],
    ['fail', 'pass'],
  ] as const) {
    const items = await itemsOf(...order.map((result) => findingOf('x.a', { result })));
    t.match(items.get('x.a'), { result: 'fail' });
  }
});

interface Case {
  readonly name: string;
  readonly section?: SectionName;
  readonly before: Readonly<Record<string, Json>>;
  readonly after: Readonly<Record<string, Json>>;
  readonly events: readonly object[];
}

const item = (change: object): Json => ({
  ruleId: 'x.a',
  checkId: 'x',
  severity: 'medium',
  result: 'pass',
  message: 'm',
  observed: {},
  ...change,
});
const file = (sha256: string | null, change: object = {}): Json => ({
  path: '/p',
  sha256,
  mode: 420,
  class: 'managed',
  ...change,
});
const image = (verdict: string, change: object = {}): Json => ({
  imageId: 'i',
  reference: 'r',
  digest: 'd',
  scope: 's',
  verdict,
  ...change,
});

const cases: readonly Case[] = [
  { name: 'that is the same', before: { a: item({}) }, after: { a: item({}) }, events: [] },
  {
    name: 'that fails now',
    before: { a: item({}) },
    after: {
      a: item({
        result: 'fail',
        reason: 'permissive',
        message: 'is permissive',
        severity: 'critical',
      }),
    },
    events: [
      {
        kind: 'finding.changed',
        class: 'high',
        data: {
          ruleId: 'x.a',
          checkId: 'x',
          severity: 'critical',
          was: 'pass',
          now: 'fail',
          reason: 'permissive',
          message: 'is permissive',
        },
      },
    ],
  },
  {
    name: 'that passes again',
    before: { a: item({ result: 'fail', severity: 'high' }) },
    after: { a: item({ severity: 'high' }) },
    events: [{ class: 'high', data: { was: 'fail', now: 'pass' } }],
  },
  {
    name: 'that fails for another reason',
    before: { a: item({ result: 'fail', reason: 'one' }) },
    after: { a: item({ result: 'fail', reason: 'two' }) },
    events: [{ class: 'medium', data: { was: 'fail', now: 'fail', reason: 'two' } }],
  },
  {
    name: 'that fails while the node is being updated',
    before: { a: item({}) },
    after: { a: item({ result: 'fail', observed: { updating: true, mode: '0644' } }) },
    events: [{ class: 'medium', data: { now: 'fail', updating: true, mode: undefined } }],
  },
  {
    name: 'whose evidence alone changed',
    before: { a: item({}) },
    after: { a: item({ observed: { n: 1 } }) },
    events: [],
  },
  {
    name: 'of a new subject that passes',
    before: {},
    after: { a: item({ subject: 's' }) },
    events: [],
  },
  {
    name: 'of a new subject that fails',
    before: {},
    after: { a: item({ subject: 's', result: 'fail', severity: 'low' }) },
    events: [{ class: 'low', data: { subject: 's', was: null, now: 'fail' } }],
  },
  { name: 'of a subject that went, and passed', before: { a: item({}) }, after: {}, events: [] },
  {
    name: 'of a subject that went, and failed',
    before: { a: item({ result: 'fail' }) },
    after: {},
    events: [{ data: { ruleId: 'x.a', was: 'fail', now: null } }],
  },
  {
    name: 'that could not be decided any more',
    before: { a: item({}) },
    after: { a: item({ result: 'error', reason: 'permission' }) },
    events: [{ data: { was: 'pass', now: 'error', reason: 'permission' } }],
  },
  { name: 'that is no object', before: { a: 1 }, after: { a: 'two' }, events: [] },
];
const others: readonly Case[] = [
  {
    name: 'a file edited',
    section: 'files',
    before: { '/p': file('sha256:1') },
    after: { '/p': file('sha256:2', { class: 'managed-drift', manager: 'rendered-x' }) },
    events: [
      {
        kind: 'file.changed',
        class: 'high',
        data: {
          path: '/p',
          change: 'changed',
          was: 'sha256:1',
          now: 'sha256:2',
          changed: ['sha256', 'class'],
          class: 'managed-drift',
          manager: 'rendered-x',
        },
      },
    ],
  },
  {
    name: 'a file with another mode',
    section: 'files',
    before: { '/p': file('1') },
    after: { '/p': file('1', { mode: 511 }) },
    events: [{ data: { changed: ['mode'] } }],
  },
  {
    name: 'a file with another mode and owner, in the words of chmod and chown',
    section: 'files',
    before: { '/p': file('1', { uid: 0, gid: 0 }) },
    after: { '/p': file('1', { mode: 0o666, uid: 7, gid: 0 }) },
    events: [
      {
        class: 'high',
        data: {
          changed: ['mode', 'uid'],
          mode: { was: '0644', now: '0666' },
          owner: { was: '0:0', now: '7:0' },
          explained: null,
        },
      },
    ],
  },
  {
    name: 'a file in a place that weighs less',
    section: 'files',
    before: { '/etc/sysctl.d/x.conf': file('1') },
    after: { '/etc/sysctl.d/x.conf': file('2') },
    events: [{ class: 'medium' }],
  },
  {
    name: 'a file of the trust configuration below a place that weighs less',
    section: 'files',
    before: { '/etc/containers/registries.d/x.yaml': file('1') },
    after: { '/etc/containers/registries.d/x.yaml': file('2') },
    events: [{ class: 'high' }],
  },
  {
    name: 'a file that another MachineConfig wants the same',
    section: 'files',
    before: { '/p': file('1', { manager: 'rendered-1' }) },
    after: { '/p': file('1', { manager: 'rendered-2' }) },
    events: [],
  },
  {
    name: 'a file that was accepted',
    section: 'files',
    before: { '/p': file('1', { class: 'unmanaged', reason: 'no-oracle' }) },
    after: { '/p': file('1', { manager: 'baseline accepted by a' }) },
    events: [],
  },
  {
    name: 'a file whose MachineConfig cannot be read any more',
    section: 'files',
    before: { '/p': file('1', { class: 'managed-drift' }) },
    after: { '/p': file('1', { class: 'unknown' }) },
    events: [],
  },
  {
    name: 'a file that is as desired now because something else is desired',
    section: 'files',
    before: { '/p': file('1', { class: 'managed-drift' }) },
    after: { '/p': file('1') },
    events: [{ data: { changed: ['class'], was: '1', now: '1' } }],
  },
  {
    name: 'a folder with some files more of far too many',
    section: 'files',
    before: { '/p': file(null, { class: 'unknown', reason: 'too-many', count: 600 }) },
    after: { '/p': file(null, { class: 'unknown', reason: 'too-many', count: 601 }) },
    events: [],
  },
  {
    name: 'a file that is new',
    section: 'files',
    before: {},
    after: { '/p': file('1') },
    events: [{ data: { change: 'added', was: null, now: '1' } }],
  },
  {
    name: 'a file that went',
    section: 'files',
    before: { '/p': file('1') },
    after: {},
    events: [{ data: { change: 'removed', was: '1', now: null } }],
  },
  {
    name: 'an image refused now',
    section: 'images',
    before: { 'i r': image('accepted') },
    after: { 'i r': image('rejected', { reason: 'x', message: 'm' }) },
    events: [
      {
        kind: 'image.changed',
        class: 'high',
        data: { reference: 'r', was: 'accepted', now: 'rejected', reason: 'x', message: 'm' },
      },
    ],
  },
  {
    name: 'an image pulled',
    section: 'images',
    before: {},
    after: { 'i r': image('accepted') },
    events: [{ class: 'low', data: { was: null, now: 'accepted' } }],
  },
  {
    name: 'an image used by another pod',
    section: 'images',
    before: { 'i r': image('accepted') },
    after: { 'i r': image('accepted', { pods: [1] }) },
    events: [],
  },
  {
    name: 'the host',
    section: 'host',
    before: { os: { v: 1 } },
    after: { os: { v: 2 } },
    events: [],
  },
];

for (const { name, section = 'checks', before, after, events } of [
  ...cases.map((one) => ({ ...one, name: `a finding ${one.name}` })),
  ...others,
]) {
  t.test(`${name}: ${events.length} events`, async (t) => {
    const found = eventsOf(
      section,
      new Map(Object.entries(before)),
      new Map(Object.entries(after)),
    );
    t.equal(found.length, events.length);
    t.match(found, events);
  });
}

t.test(
  'a change that is explained weighs little and says by whom, and what it means',
  async (t) => {
    const explained = { by: 'machine-config', name: 'rendered-2' } as const;
    const meaning = { kind: 'policy', was: 'valid', now: 'invalid' } as const;
    const [event] = eventsOf(
      'files',
      new Map([['/p', file('1')]]),
      new Map([['/p', file('2')]]),
      new Map([['/p', { explained, meaning }]]),
    );
    t.match(event, { kind: 'file.changed', class: 'low', data: { explained, meaning } });
  },
);

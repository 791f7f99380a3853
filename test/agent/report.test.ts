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

import t from 'tap';
import type { Verdict } from '../../../shared/images.ts';
import { readCandidate } from '../../../shared/simulation/candidate.ts';
import {
  changeOf,
  type ResultOptions,
  simulationResult,
} from '../../../shared/simulation/result.ts';
import type {
  ImageChangeKind,
  ImageOutcome,
  NodeAnswer,
  SimulationResult,
} from '../../../shared/simulation.ts';

type Kind = ImageChangeKind | undefined;
const CHANGES: readonly (readonly [now: Verdict, after: Verdict, kind: Kind, strict: Kind])[] = [
  ['accepted', 'accepted', undefined, undefined],
  ['accepted', 'unenforced', 'noLongerVerified', 'noLongerVerified'],
  ['accepted', 'rejected', 'newlyRefused', 'newlyRefused'],
  ['accepted', 'unknown', 'undecided', 'newlyRefused'],
  ['unenforced', 'accepted', undefined, undefined],
  ['unenforced', 'unenforced', undefined, undefined],
  ['unenforced', 'rejected', 'newlyRefused', 'newlyRefused'],
  ['unenforced', 'unknown', 'undecided', 'newlyRefused'],
  ['rejected', 'accepted', 'newlyAccepted', 'newlyAccepted'],
  ['rejected', 'unenforced', 'newlyAccepted', 'newlyAccepted'],
  ['rejected', 'rejected', undefined, undefined],
  ['rejected', 'unknown', 'undecided', undefined],
  ['unknown', 'accepted', undefined, undefined],
  ['unknown', 'unenforced', undefined, undefined],
  ['unknown', 'rejected', 'newlyRefused', 'newlyRefused'],
  ['unknown', 'unknown', 'undecided', undefined],
];
t.test('what changes for an image', async (t) => {
  for (const [now, after, kind, strict] of CHANGES) {
    t.equal(changeOf({ now, after }, false), kind, `${now} to ${after}`);
    t.equal(changeOf({ now, after }, true), strict, `${now} to ${after}, strictly`);
  }
});

const POLICY = JSON.stringify({
  default: [{ type: 'reject' }],
  transports: {
    docker: {
      'quay.io': [{ type: 'insecureAcceptAnything' }],
      'quay.io/team': [{ type: 'reject' }],
      'quay.io/team/app': [{ type: 'insecureAcceptAnything' }],
      'nowhere.io': [{ type: 'reject' }],
    },
  },
});
const checked = readCandidate({ policy: POLICY });

function outcome(reference: string, change: Partial<ImageOutcome> = {}): ImageOutcome {
  return {
    imageId: reference,
    reference,
    digest: `sha256:${reference}`,
    pods: [],
    now: 'unenforced',
    after: 'unenforced',
    scope: 'docker "quay.io"',
    ...change,
  };
}
function node(name: string, images: readonly ImageOutcome[], change: Partial<NodeAnswer> = {}) {
  const simulation = { policy: '/etc/containers/policy.json', images, gaps: [], notes: [] };
  return {
    node: name,
    source: 'live',
    asOf: '2026-11-21T12:00:00Z',
    simulation,
    ...change,
  } as const;
}
function result(answers: readonly NodeAnswer[], options?: ResultOptions): SimulationResult {
  return simulationResult(checked, answers, options);
}

const refused = {
  after: 'rejected',
  reason: 'policy-reject',
  scope: 'docker "quay.io/team"',
} as const;
const pod = (name: string, container = 'app') => ({ namespace: 'team', pod: name, container });

t.test('the same change on several nodes is one, and its pods are counted', async (t) => {
  const { summary, items, nodes } = result([
    node('b', [
      outcome('quay.io/team/x:v1', { ...refused, pods: [pod('p'), pod('p', 'side'), pod('q')] }),
      outcome('quay.io/other:v1', { pods: [pod('r')] }),
    ]),
    node('a', [outcome('quay.io/team/x:v1', { ...refused, pods: [pod('p')] })]),
    node('c', [outcome('quay.io/team/x:v1', { ...refused, pods: [{ container: 'demo' }] })], {
      source: 'lastKnown',
      problem: 'not connected',
    }),
    { node: 'd', source: 'none', asOf: null, problem: 'never seen' },
  ]);
  t.match(summary, {
    nodes: 3,
    uses: 4,
    images: 2,
    now: { accepted: 0, unenforced: 4, rejected: 0, unknown: 0 },
    after: { accepted: 0, unenforced: 1, rejected: 3, unknown: 0 },
    changes: { newlyRefused: 3, newlyAccepted: 0, noLongerVerified: 0, undecided: 0 },
  });
  t.same(items, [
    {
      change: 'newlyRefused',
      reference: 'quay.io/team/x:v1',
      digest: 'sha256:quay.io/team/x:v1',
      now: 'unenforced',
      ...refused,
      nodes: ['a', 'b', 'c'],
      staleNodes: ['c'],
      pods: 4,
      namespaces: ['team'],
      hint: 'add a scope for it to the candidate, or stop using it',
    },
  ]);
  t.match(nodes, [
    { node: 'a' },
    { node: 'b', source: 'live', after: { rejected: 1, unenforced: 1 } },
    { node: 'c', source: 'lastKnown', problem: 'not connected' },
    { node: 'd', source: 'none', asOf: null, problem: 'never seen', after: { rejected: 0 } },
  ]);
});

t.test('changes are told by kind, then those on the most nodes first', async (t) => {
  const unknown = { after: 'unknown', reason: 'source-not-enabled' } as const;
  const { items } = result([
    node('a', [
      outcome('quay.io/z:v1', unknown),
      outcome('quay.io/team/few:v1', refused),
      outcome('quay.io/team/many:v1', refused),
      outcome('quay.io/w:v1', { now: 'accepted' }),
      outcome('quay.io/v:v1', { now: 'rejected', nowReason: 'no-signature' }),
    ]),
    node('b', [
      outcome('quay.io/team/many:v1', refused),
      outcome('quay.io/team/many:v1', { ...refused, reason: 'no-signature' }),
    ]),
  ]);
  t.same(
    items.map(({ change, reference, reason }) => [change, reference, reason]),
    [
      ['newlyRefused', 'quay.io/team/many:v1', 'policy-reject'],
      ['newlyRefused', 'quay.io/team/few:v1', 'policy-reject'],
      ['newlyRefused', 'quay.io/team/many:v1', 'no-signature'],
      ['newlyAccepted', 'quay.io/v:v1', undefined],
      ['noLongerVerified', 'quay.io/w:v1', undefined],
      ['undecided', 'quay.io/z:v1', 'source-not-enabled'],
    ],
  );
});

t.test('what is not in use is left out where only that is asked for', async (t) => {
  const answers = [
    node('a', [
      outcome('quay.io/team/x:v1', refused),
      outcome('quay.io/y:v1', { pods: [pod('p')] }),
    ]),
  ];
  const { summary, items, onlyRunning } = result(answers, { onlyRunning: true });
  t.match(summary, { uses: 1, images: 1, after: { rejected: 0, unenforced: 1 } });
  t.same(items, []);
  t.equal(onlyRunning, true);
});

t.test('scopes that were good for nothing, and those that others hide', async (t) => {
  const { neverMatched, shadowed } = result([
    node('a', [
      outcome('quay.io/team/app:v1', { scope: 'docker "quay.io/team/app"' }),
      outcome('quay.io/team/app:v2', { scope: 'docker "quay.io/team/app"' }),
      outcome('quay.io/x:v1'),
      outcome('nowhere.io/x:v1', { scope: 'docker "nowhere.io"', namespace: 'own-policy' }),
    ]),
  ]);
  t.same(neverMatched, ['default', 'docker "nowhere.io"']);
  const by = ['docker "quay.io/team/app"'];
  t.same(shadowed, [
    { scope: 'docker "quay.io"', by, hidden: 2, matched: 1 },
    { scope: 'docker "quay.io/team"', by, hidden: 2, matched: 0 },
  ]);
});

t.test('of what is added to policies the default does not count', async (t) => {
  const added = readCandidate({ policy: POLICY, policyMode: 'add' });
  const images = [outcome('nowhere.io/x:v1', { scope: 'docker "nowhere.io"', namespace: 'team' })];
  const { neverMatched, candidate } = simulationResult(added, [node('a', images)]);
  t.same(
    neverMatched,
    ['quay.io', 'quay.io/team', 'quay.io/team/app'].map((scope) => `docker "${scope}"`),
  );
  t.match(candidate, { policyMode: 'add', registriesD: 'keep', digest: /^sha256:/ });
});

t.test('no node at all is a result of nothing', async (t) => {
  const { summary, items, nodes } = result([]);
  t.match(summary, { nodes: 0, uses: 0, images: 0 });
  t.same([items, nodes], [[], []]);
});

import t from 'tap';
import { CandidateError, readCandidate } from '../../../shared/simulation/candidate.ts';
import { CANDIDATE_LIMITS } from '../../../shared/simulation.ts';

const POLICY = JSON.stringify({ default: [{ type: 'reject' }] });
const file = (name: string, text = '') => ({ name, text });

t.test('a candidate is read with what was left out', async (t) => {
  const { candidate, policy, registriesD, warnings } = readCandidate({ policy: POLICY });
  t.same(candidate, { policy: POLICY, policyMode: 'replace', registriesDMode: 'replace' });
  t.same(policy.default, [{ type: 'reject' }]);
  t.equal(registriesD, undefined, 'every node keeps its own');
  t.same(warnings, []);
});

t.test(
  'files of registries.d are read together, and what is accepted in silence is told',
  async (t) => {
    const files = [
      file('a.yaml', 'docker:\n  quay.io:\n    lookaside: file:///sigs\n'),
      file('b.yml', 'docker: {}\n'),
    ];
    const accepting = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] });
    const read = readCandidate(
      { policy: accepting, registriesD: files, registriesDMode: 'add' },
      { policy: 'p.json', folder: 'd/' },
    );
    t.same([...(read.registriesD?.docker.keys() ?? [])], ['quay.io']);
    t.equal(read.candidate.registriesDMode, 'add');
    t.same(read.warnings, [
      'p.json: default: asks for no signature at all',
      'd/b.yml: is not read: only names that end in .yaml are',
    ]);
  },
);

const twice = 'docker:\n  quay.io: {}\n';
const big = `${' '.repeat(CANDIDATE_LIMITS.bytes)}{}`;
const BAD: readonly (readonly [name: string, value: unknown, place: string, what: RegExp])[] = [
  ['no object', 'x', 'candidate', /Expected Object/],
  ['no policy', {}, 'policy', /Expected "policy"/],
  ['a member nobody knows', { policy: POLICY, polcy: '' }, 'polcy', /Expected never/],
  ['a mode nobody knows', { policy: POLICY, policyMode: 'merge' }, 'policyMode', /"merge"/],
  ['files that are none', { policy: POLICY, registriesD: [1] }, 'registriesD.0', /Expected Object/],
  ['text that is no JSON', { policy: '{' }, 'policy:1:2', /expected/],
  ['an unknown requirement', { policy: '{"default":[{"type":"x"}]}' }, 'policy:1:21', /default/],
  ['a repeated member', { policy: '{"default":[],"default":[]}' }, 'policy:1:12', /./],
  ['too much text', { policy: big }, 'policy', /bytes with registries\.d, expected at most 786432/],
  [
    'too many files',
    { policy: POLICY, registriesD: Array.from({ length: 257 }, (_, n) => file(`${n}.yaml`)) },
    'registriesD',
    /length/,
  ],
  ...['', '.', '..', 'a/b.yaml', '/etc/x.yaml', 'a\0.yaml', `${'x'.repeat(256)}.yaml`].map(
    (name) =>
      [
        `a file called ${JSON.stringify(name.slice(0, 12))}`,
        { policy: POLICY, registriesD: [file(name)] },
        'registriesD/',
        /expected a file name/,
      ] as const,
  ),
  [
    'two files of one name',
    { policy: POLICY, registriesD: [file('a.yaml'), file('a.yaml')] },
    'registriesD/a.yaml',
    /is there twice/,
  ],
  [
    'a file that is no YAML',
    { policy: POLICY, registriesD: [file('a.yaml', 'docker:\n\t- x\n')] },
    'registriesD/a.yaml:2:1',
    /./,
  ],
  [
    'a scope in two files',
    { policy: POLICY, registriesD: [file('a.yaml', twice), file('b.yaml', twice)] },
    'registriesD/b.yaml',
    /found it in a\.yaml too/,
  ],
];
for (const [name, value, place, what] of BAD) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => readCandidate(value), { code: 'ERR_CANDIDATE', place });
    try {
      readCandidate(value);
    } catch (error) {
      t.ok(error instanceof CandidateError);
      t.match((error as CandidateError).what, what);
    }
  });
}

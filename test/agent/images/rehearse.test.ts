import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { rehearse } from '../../../agent/images/rehearse.ts';
import { verifierOf } from '../../../agent/images/verifier.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { systemClock } from '../../../shared/clock.ts';
import { builtInCandidate } from '../../../shared/simulation/built-in.ts';
import { type CheckedCandidate, readCandidate } from '../../../shared/simulation/candidate.ts';
import type { NodeSimulation } from '../../../shared/simulation.ts';
import { containerFiles } from '../../support/container-records.ts';
import {
  ANYTHING,
  imageId,
  KEY_PATH,
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  SIGNED,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const ANY = 'any.example.com/tool:v1';
const SPACE = '/etc/crio/policies/team.json';
const REJECT = [{ type: 'reject' }];
const { signal } = new AbortController();

const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, manifestOf('app'))] });
const unsigned = pulled({ seed: 'tool', names: [ANY] });
const STORE: Files = { ...trustFiles(), ...storeFiles([image, unsigned]) };

function candidate(policy: object, change: object = {}): CheckedCandidate {
  return readCandidate({ policy: JSON.stringify(policy), ...change });
}
const onlyDocker = (docker: object) => ({ default: REJECT, transports: { docker } });

async function simulate(root: string, checked: CheckedCandidate): Promise<NodeSimulation> {
  const host = openHost(root);
  const trust = await readNodeTrust(host);
  return await rehearse(host, trust, checked, await verifyImages(host, trust));
}

/** What a folder holds, by path. */
function contentsOf(root: string): ReadonlyMap<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );
}

type Expected = readonly (readonly [
  reference: string,
  now: string,
  after: string,
  reason?: string,
])[];
const CASES: readonly (readonly [
  name: string,
  files: Files,
  checked: CheckedCandidate,
  expected: Expected,
])[] = [
  [
    'refuses everything',
    STORE,
    candidate({ default: REJECT }),
    [
      [NAME, 'accepted', 'rejected', 'policy-reject'],
      [ANY, 'unenforced', 'rejected', 'policy-reject'],
    ],
  ],
  [
    'asks nothing any more',
    STORE,
    candidate({ default: ANYTHING }),
    [
      [NAME, 'accepted', 'unenforced'],
      [ANY, 'unenforced', 'unenforced'],
    ],
  ],
  [
    'asks for a key that is not on the node',
    STORE,
    candidate({ default: [{ type: 'sigstoreSigned', keyPath: '/etc/pki/new.pub' }] }),
    [
      [NAME, 'accepted', 'rejected', 'key-unreadable'],
      [ANY, 'unenforced', 'rejected', 'no-signature'],
    ],
  ],
  [
    'asks for another key',
    { ...STORE, '/etc/pki/other.pub': OTHER_KEY.pem },
    candidate(
      onlyDocker({
        'registry.example.com': [{ type: 'sigstoreSigned', keyPath: '/etc/pki/other.pub' }],
      }),
    ),
    [
      [NAME, 'accepted', 'rejected', 'signature-invalid'],
      [ANY, 'unenforced', 'rejected', 'policy-reject'],
    ],
  ],
  [
    'is given to a node without a policy',
    { ...STORE, '/etc/containers/policy.json': '{' },
    candidate(POLICY),
    [
      [NAME, 'unknown', 'accepted'],
      [ANY, 'unknown', 'unenforced'],
    ],
  ],
  [
    'names another lookaside, which has the signature',
    {
      ...trustFiles(),
      ...storeFiles([pulled({ seed: 'app', names: [NAME] })]),
      ...lookasideFiles('team/app', manifestOf('app'), [signed(NAME, manifestOf('app'))], '/new'),
    },
    candidate(POLICY, {
      registriesD: [{ name: 'a.yaml', text: 'default-docker: {lookaside: "file:///new"}' }],
    }),
    [[NAME, 'rejected', 'accepted']],
  ],
  [
    'names a lookaside on a server, which is not asked',
    { ...trustFiles(), ...storeFiles([pulled({ seed: 'app', names: [NAME] })]) },
    candidate(POLICY, {
      registriesD: [{ name: 'a.yaml', text: 'default-docker: {lookaside: "https://x"}' }],
      registriesDMode: 'add',
    }),
    [[NAME, 'rejected', 'unknown', 'source-not-enabled']],
  ],
  [
    'adds a requirement to a scope',
    STORE,
    candidate(onlyDocker({ 'any.example.com': SIGNED }), { policyMode: 'add' }),
    [
      [NAME, 'accepted', 'accepted'],
      [ANY, 'unenforced', 'unknown', 'source-not-enabled'],
    ],
  ],
];
for (const [name, files, checked, expected] of CASES) {
  t.test(`a candidate that ${name}`, async (t) => {
    const root = writeFiles(t.testdir({}), files);
    const before = contentsOf(root);
    const { images, gaps, policy } = await simulate(root, checked);
    t.same(
      images.map(({ reference, now, after, reason }) => [
        ...[reference, now, after],
        ...(reason === undefined ? [] : [reason]),
      ]),
      expected,
    );
    t.same([gaps, policy], [[], '/etc/containers/policy.json']);
    t.same(contentsOf(root), before, 'nothing on the node is changed');
  });
}

t.test('what a release adds is looked for in the registry, its mirrors too', async (t) => {
  const release = 'quay.io/openshift-release-dev/ocp-release';
  const byName = pulled({ seed: 'app', names: [`${release}:4.20.1-x86_64`] });
  const root = writeFiles(t.testdir({}), {
    ...trustFiles({ default: ANYTHING }),
    ...storeFiles([byName]),
    '/etc/containers/registries.conf': `
[[registry]]
prefix = "quay.io/openshift-release-dev"
location = "quay.io/openshift-release-dev"
blocked = true
[[registry.mirror]]
location = "mirror.example.com/ocp"
`,
  });
  const { images } = await simulate(root, builtInCandidate('openshift-4.21'));
  t.match(images, [
    { now: 'unenforced', after: 'unknown', reason: 'source-not-enabled', message: /attachments/ },
  ]);
});

const SPACES: Files = {
  ...STORE,
  [SPACE]: JSON.stringify({ default: ANYTHING }),
  ...containerFiles([{ image: image.id, namespace: 'team', asked: NAME }]),
};
t.test('a policy of a namespace stays when another policy.json comes', async (t) => {
  const root = writeFiles(t.testdir({}), SPACES);
  const { images, notes } = await simulate(root, candidate({ default: REJECT }));
  const pods = [{ namespace: 'team', pod: 'web-0', container: 'app' }];
  t.match(images, [
    { reference: NAME, now: 'accepted', after: 'rejected', pods },
    { reference: ANY, pods: [] },
    { reference: NAME, namespace: 'team', now: 'unenforced', after: 'unenforced', pods },
  ]);
  t.same(notes, [`policies of namespaces stay as they are: ${SPACE}`]);
});

t.test('what is added for the cluster is added to the policies of namespaces', async (t) => {
  const root = writeFiles(t.testdir({}), SPACES);
  const added = candidate(onlyDocker({ 'registry.example.com': REJECT }), { policyMode: 'add' });
  const { images, notes } = await simulate(root, added);
  t.match(images.at(-1), { namespace: 'team', now: 'unenforced', after: 'rejected' });
  t.same(notes, []);
});

t.test('what a reader has to know of a node is noted', async (t) => {
  const own = '/etc/crio/policy.json';
  const root = writeFiles(t.testdir({}), {
    ...STORE,
    [own]: JSON.stringify({ default: ANYTHING }),
    '/etc/crio/crio.conf': `[crio.image]\nsignature_policy = "${own}"\n`,
    '/etc/containers/registries.d/a.yaml': 'docker: {quay.io: {}}',
  });
  const { images, notes, policy } = await simulate(
    root,
    candidate(onlyDocker({ 'x.io': [{ type: 'sigstoreSigned', keyPath: '/no.pub' }] }), {
      registriesD: [{ name: 'b.yaml', text: 'docker: {quay.io: {}}' }],
      registriesDMode: 'add',
    }),
  );
  t.equal(policy, own);
  t.match(images, [{ now: 'unenforced', after: 'rejected' }, {}]);
  t.match(notes, [
    /^CRI-O has a policy of its own: .* of \/etc\/crio\/policy\.json as well as of/,
    /^registries\.d could not be used then, .*b\.yaml: .* found it in a\.yaml too$/,
    'key file: /no.pub: no such file',
  ]);
});

t.test('a part of the store that cannot be read is a gap', async (t) => {
  const root = writeFiles(t.testdir({}), {
    ...STORE,
    '/var/lib/containers/storage/overlay-images/images.json': '[{]',
  });
  const { images, gaps } = await simulate(root, candidate(POLICY));
  t.same(images, []);
  t.match(gaps, [/images\.json/]);
});

t.test('the passes of the agent go on as if nothing had been rehearsed', async (t) => {
  const root = writeFiles(t.testdir({}), STORE);
  const host = openHost(root);
  const verifier = verifierOf(host);
  const before = await verifier.verify(systemClock, signal);
  t.equal(before.evaluations, 1);
  const both = await Promise.all([
    verifier.rehearse(candidate({ default: REJECT }), systemClock, signal),
    verifier.rehearse(candidate({ default: ANYTHING }), systemClock, signal),
  ]);
  t.match(both, [
    { images: [{ imageId: imageId('app'), after: 'rejected' }, {}] },
    { images: [{ imageId: imageId('app'), after: 'unenforced' }, {}] },
  ]);
  const after = await verifier.verify(systemClock, signal);
  t.equal(after.evaluations, 0, 'no signature was forgotten');
  t.same(after.verdicts, before.verdicts);
});

t.test('a rehearsal whose time is over ends, and the next one is made', async (t) => {
  const root = writeFiles(t.testdir({}), { ...STORE, [KEY_PATH]: OTHER_KEY.pem });
  const verifier = verifierOf(openHost(root));
  const late = verifier.rehearse(
    candidate(POLICY),
    systemClock,
    AbortSignal.abort(new Error('late')),
  );
  await t.rejects(late, { message: 'late' });
  const { images } = await verifier.rehearse(candidate(POLICY), systemClock, signal);
  t.match(images, [{ after: 'rejected' }, { after: 'unenforced' }]);
});

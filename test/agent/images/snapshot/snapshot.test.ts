import t from 'tap';
import { openHost } from '../../../../agent/host.ts';
import { rehearse } from '../../../../agent/images/rehearse.ts';
import { rehearseSnapshot } from '../../../../agent/images/snapshot/replay.ts';
import { readSnapshot, snapshotText } from '../../../../agent/images/snapshot/snapshot.ts';
import { takeSnapshot } from '../../../../agent/images/snapshot/take.ts';
import { verifyImages } from '../../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../../agent/trust.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { type CheckedCandidate, readCandidate } from '../../../../shared/simulation/candidate.ts';
import type { NodeSimulation } from '../../../../shared/simulation.ts';
import { containerFiles } from '../../../support/container-records.ts';
import {
  ANYTHING,
  indexOf,
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  SIGNED,
  signed,
  trustFiles,
} from '../../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const ASIDE = 'registry.example.com/team/aside:v1';
const LIST = indexOf(manifestOf('listed'), manifestOf('other'));
const SPACE = '/etc/crio/policies/team.json';
const REJECT = [{ type: 'reject' }];
const OTHER = '/etc/pki/other.pub';
const signedBy = (keyPath: string) => [{ type: 'sigstoreSigned', keyPath }];
const SECRET = 'a secret that no snapshot may hold';

const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, manifestOf('app'))] });
const NODE: Files = {
  ...trustFiles(),
  ...storeFiles([
    image,
    pulled({ seed: 'aside', names: [ASIDE] }),
    pulled({ seed: 'tool', names: ['any.example.com/tool:v1'] }),
    pulled({ seed: 'nameless' }),
    pulled({
      seed: 'listed',
      names: ['registry.example.com/team/listed:v1'],
      list: LIST,
      signatures: [signed('registry.example.com/team/listed:v1', manifestOf('listed'))],
    }),
    { ...pulled({ seed: 'gone', names: ['registry.example.com/team/gone:v1'] }), data: {} },
  ]),
  ...lookasideFiles('team/aside', manifestOf('aside'), [signed(ASIDE, manifestOf('aside'))]),
  ...containerFiles([{ image: image.id, namespace: 'team', asked: NAME }]),
  [SPACE]: JSON.stringify({ default: ANYTHING }),
  [OTHER]: OTHER_KEY.pem,
  '/etc/containers/registries.d/a.yaml': 'docker: {any.example.com: {}}',
  '/etc/containers/registries.conf': '[[registry]]\nprefix = "x.io"\nlocation = "y.io"\n',
  '/var/lib/kubelet/config.json': SECRET,
  '/var/lib/containers/storage/overlay-containers/c0/userdata/config.json': JSON.stringify({
    process: { env: [`TOKEN=${SECRET}`] },
  }),
};

function candidate(policy: object, change: object = {}): CheckedCandidate {
  return readCandidate({ policy: JSON.stringify(policy), ...change });
}
const docker = (scopes: object) => ({ default: REJECT, transports: { docker: scopes } });

/** A rehearsal on the node itself, and one by a snapshot of it that went through a file. */
async function both(
  root: string,
  checked: CheckedCandidate,
  saved: CheckedCandidate | undefined = checked,
): Promise<readonly [NodeSimulation, NodeSimulation, string]> {
  const host = openHost(root);
  const trust = await readNodeTrust(host);
  const about = { node: 'worker-1', takenAt: '2026-11-21T12:00:00.000Z' };
  const text = snapshotText(await takeSnapshot(host, trust, about, saved?.policy));
  const live = await rehearse(host, trust, checked, await verifyImages(host, trust));
  return [live, await rehearseSnapshot(readSnapshot(text), checked, { clock: systemClock }), text];
}

const CANDIDATES: readonly (readonly [string, CheckedCandidate])[] = [
  ['refuses everything', candidate({ default: REJECT })],
  ['asks nothing', candidate({ default: ANYTHING })],
  ['is in force', candidate(POLICY)],
  ['asks for another key', candidate({ default: signedBy(OTHER) })],
  ['names a key that is not there', candidate({ default: signedBy('/no.pub') })],
  ['adds to scopes', candidate(docker({ 'any.example.com': SIGNED }), { policyMode: 'add' })],
  [
    'brings a file of registries.d',
    candidate(POLICY, {
      registriesD: [{ name: 'b.yaml', text: 'docker: {any.example.com: {}}' }],
      registriesDMode: 'add',
    }),
  ],
];
for (const [name, checked] of CANDIDATES) {
  t.test(`a snapshot says of a candidate that ${name} what the node says`, async (t) => {
    const [live, later, text] = await both(writeFiles(t.testdir({}), NODE), checked);
    t.ok(live.images.length > 6);
    t.same(later, live);
    t.notMatch(text, SECRET);
    t.notOk(text.includes(Buffer.from(SECRET).toString('base64').slice(0, 20)));
  });
}

t.test('what nobody looked for when it was taken is unknown, not missing', async (t) => {
  const root = writeFiles(t.testdir({}), NODE);
  const key = candidate(docker({ 'registry.example.com': signedBy(OTHER) }));
  const [, withoutKey] = await both(root, key, candidate(POLICY));
  t.match(
    withoutKey.images.find(({ reference }) => reference === NAME),
    { after: 'unknown', reason: 'not-visible', message: `${OTHER}: it is not in the snapshot` },
  );
  const elsewhere = candidate(POLICY, {
    registriesD: [{ name: 'a.yaml', text: 'default-docker: {lookaside: "file:///new"}' }],
  });
  const [, later] = await both(root, elsewhere);
  t.match(
    later.images.find(({ reference }) => reference === ASIDE),
    { now: 'accepted', after: 'unknown', reason: 'not-visible' },
  );
});

t.test('what could not be read on the node is a gap in its snapshot', async (t) => {
  const list = '/var/lib/containers/storage/overlay-images/images.json';
  const [, later] = await both(
    writeFiles(t.testdir({}), { ...NODE, [list]: '[{]' }),
    candidate(POLICY),
  );
  t.same(later.images, []);
  t.match(later.gaps, [/images\.json/]);
});

t.test('a node without a policy is as it is', async (t) => {
  const { '/etc/containers/policy.json': _, ...files } = NODE;
  const [live, later] = await both(writeFiles(t.testdir({}), files), candidate(POLICY));
  t.same(later, live);
  t.match(live.images[0], { now: 'unknown', after: 'accepted' });
});

t.test('a file that is no snapshot is refused with the member at fault', async (t) => {
  const host = openHost(writeFiles(t.testdir({}), NODE));
  const about = { node: 'a', takenAt: '2026-11-21T12:00:00Z' };
  const good = JSON.parse(snapshotText(await takeSnapshot(host, await readNodeTrust(host), about)));
  const BAD: readonly (readonly [string, unknown, RegExp])[] = [
    ['a list', [], /apiVersion/],
    ['another kind', { ...good, kind: 'NodeList' }, /^kind: /],
    ['another version', { ...good, apiVersion: 'nodeseal.dev/v2' }, /^apiVersion: /],
    ['no time', { ...good, takenAt: 'today' }, /^takenAt: /],
    [
      'a driver that is a path',
      { ...good, storage: { ...good.storage, driver: '../x' } },
      /driver/,
    ],
    [
      'a store that is no path',
      { ...good, storage: { ...good.storage, graphRoot: 'x' } },
      /graphRoot/,
    ],
    ['no trust', { ...good, trust: undefined }, /^trust: /],
    ['content that is no base64', { ...good, files: { '/a': { base64: '%' } } }, /^files\.\/a/],
    ['content of two kinds', { ...good, files: { '/a': { base64: '', absent: true } } }, /^files/],
    ['an error nobody knows', { ...good, files: { '/a': { code: 'X', message: '' } } }, /^files/],
    ['a file without a path', { ...good, files: { a: { absent: true } } }, /^files\.a: /],
  ];
  t.ok(readSnapshot(JSON.stringify(good)));
  for (const [name, value, message] of BAD) {
    const text = JSON.stringify(value);
    t.throws(() => readSnapshot(text), { code: 'ERR_SNAPSHOT', message }, name);
  }
  for (const text of ['', '{', 'null', '"x"']) {
    t.throws(() => readSnapshot(text), { code: 'ERR_SNAPSHOT' }, JSON.stringify(text));
  }
});

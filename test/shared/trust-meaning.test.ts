import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { describeTrust } from '../../agent/trust-items.ts';
import type { Json } from '../../shared/canonical.ts';
import { type ReportedTrust, readReportedTrust } from '../../shared/reported-trust.ts';
import { diffTrust } from '../../shared/trust-changes.ts';
import { trustDigest } from '../../shared/trust-meaning.ts';
import {
  ANYTHING,
  KEY,
  KEY_PATH,
  OTHER_KEY,
  POLICY,
  SIGNED,
  trustFiles,
} from '../support/signed-images.ts';
import { type Files, writeFiles } from '../support/store-tree.ts';

const POLICY_PATH = '/etc/containers/policy.json';
const D = '/etc/containers/registries.d';
const CONF = '/etc/containers/registries.conf';
const CRIO: Files = { '/etc/crio/crio.conf': '[crio.image]\nsignature_policy = "/srv/own.json"\n' };
const TEAM = '/etc/crio/policies/team.json';
const base = trustFiles();
const opened = {
  ...POLICY,
  transports: { docker: { ...POLICY.transports['docker'], 'quay.io': ANYTHING } },
};
const registry = (text: string): Files => ({ [CONF]: `[[registry]]\n${text}\n` });
const MIRROR = 'location="a.io"\n[[registry.mirror]]\nlocation="b.io"';

async function trustOf(dir: string, files: Files): Promise<ReportedTrust> {
  const trust = await readNodeTrust(openHost(writeFiles(dir, files)));
  // As it arrives at the aggregator.
  const items = JSON.parse(JSON.stringify([...(await describeTrust(trust, Date.now()))]));
  return readReportedTrust(new Map(items));
}

/** What leads from the base to other files: the effects of all changes, or none. */
const cases: readonly (readonly [name: string, files: Files, effects: readonly string[]])[] = [
  ['the same files', base, []],
  ['other white space', trustFiles(JSON.stringify(POLICY, null, 2)), []],
  [
    'a requirement twice',
    trustFiles({ ...POLICY, default: [...POLICY.default, ...POLICY.default] }),
    [],
  ],
  [
    'scopes in another order',
    trustFiles({
      default: POLICY.default,
      transports: { docker: { 'any.example.com': ANYTHING, 'registry.example.com': SIGNED } },
    }),
    [],
  ],
  [
    'a default written out',
    trustFiles({
      ...POLICY,
      transports: {
        docker: {
          'any.example.com': ANYTHING,
          'registry.example.com': SIGNED.map((one) => ({
            ...one,
            signedIdentity: { type: 'matchRepoDigestOrExact' },
          })),
        },
      },
    }),
    [],
  ],
  [
    'the key under another path',
    {
      ...trustFiles(JSON.stringify(POLICY).replace(KEY_PATH, '/etc/pki/other')),
      '/etc/pki/other': KEY.pem,
    },
    [],
  ],
  ['another key under its path', { ...base, [KEY_PATH]: OTHER_KEY.pem }, ['weakened']],
  ['no key under its path', { [POLICY_PATH]: JSON.stringify(POLICY) }, ['weakened']],
  ['a scope that accepts anything', trustFiles(opened), ['weakened']],
  ['a default that accepts anything', trustFiles({ ...POLICY, default: ANYTHING }), ['weakened']],
  ['no policy', { '/etc/hostname': 'a' }, ['strengthened']],
  ['a policy that does not parse', trustFiles('{'), ['strengthened']],
  [
    'the same policy of the vendor',
    { '/usr/share/containers/policy.json': base[POLICY_PATH] ?? '', [KEY_PATH]: KEY.pem },
    [],
  ],
  ['an empty folder of registries', { ...base, [`${D}/a.yaml`]: '' }, []],
  [
    'a place to write signatures to',
    { ...base, [`${D}/a.yaml`]: 'docker: {a.io: {lookaside-staging: "file:///w"}}\n' },
    [],
  ],
  [
    'another lookaside',
    { ...base, [`${D}/a.yaml`]: 'default-docker: {lookaside: "https://s"}\n' },
    ['weakened'],
  ],
  [
    'its old name',
    { ...base, [`${D}/a.yaml`]: 'default-docker: {sigstore: "https://s"}\n' },
    ['weakened'],
  ],
  [
    'attachments',
    {
      ...base,
      [`${D}/a.yaml`]: 'docker: {registry.example.com: {use-sigstore-attachments: true}}\n',
    },
    ['weakened'],
  ],
  ['registries.d that does not parse', { ...base, [`${D}/a.yaml`]: 'docker: [' }, ['strengthened']],
  ['a mirror', { ...base, ...registry(MIRROR) }, ['neutral']],
  [
    'a blocked registry',
    { ...base, ...registry('location="a.io"\nblocked=true') },
    ['strengthened'],
  ],
  [
    'an insecure registry',
    { ...base, ...registry('location="a.io"\ninsecure=true') },
    ['weakened'],
  ],
  [
    'short names',
    { ...base, [CONF]: 'unqualified-search-registries=["a.io"]\nshort-name-mode="disabled"\n' },
    ['neutral', 'neutral'],
  ],
  ['registries.conf that does not parse', { ...base, [CONF]: '[[' }, ['strengthened']],
  ['the same policy for CRI-O', { ...base, ...CRIO, '/srv/own.json': base[POLICY_PATH] ?? '' }, []],
  [
    'another policy for CRI-O',
    { ...base, ...CRIO, '/srv/own.json': JSON.stringify(opened) },
    ['weakened'],
  ],
  ['a policy for CRI-O that is not there', { ...base, ...CRIO }, ['strengthened']],
  ['the same policy for a namespace', { ...base, [TEAM]: base[POLICY_PATH] ?? '' }, []],
  [
    'another policy for a namespace',
    { ...base, [TEAM]: JSON.stringify({ default: ANYTHING }) },
    ['weakened', 'weakened'],
  ],
];

t.test(
  'two configurations have one name exactly when nothing leads from one to the other',
  async (t) => {
    const dir = t.testdir({});
    const from = await trustOf(`${dir}/base`, base);
    for (const [index, [name, files, effects]] of cases.entries()) {
      const to = await trustOf(`${dir}/${index}`, files);
      const changes = diffTrust(from, to);
      t.same(
        changes.map(({ effect }) => effect),
        effects,
        `${name}: ${changes[0]?.reason ?? 'nothing'}`,
      );
      t.equal(trustDigest(to) === trustDigest(from), effects.length === 0, `${name}: its digest`);
      const back = diffTrust(to, from);
      t.equal(back.length > 0, effects.length > 0, `${name}: and back`);
    }
  },
);

t.test('what is not known is neither the same nor a change of strength', async (t) => {
  const from = await trustOf(t.testdir({}), base);
  const unknown: readonly (readonly [string, readonly (readonly [string, Json])[]])[] = [
    ['nothing reported', []],
    [
      'rubbish',
      [
        ['policy', 7],
        ['registriesD', []],
        ['registriesConf', 'x'],
      ],
    ],
  ];
  for (const [name, items] of unknown) {
    const to = readReportedTrust(new Map(items));
    t.same(
      diffTrust(from, to).map(({ effect, part }) => [effect, part]),
      [
        ['unknown', 'policy'],
        ['unknown', 'registries.d'],
        ['unknown', 'registries.conf'],
      ],
      name,
    );
    t.not(trustDigest(to), trustDigest(from), name);
  }
});

// One piece: one table of ways to write a registry entry, crossed with the rules that read it.
import t from 'tap';
import { registries } from '../../../agent/checks/registries.ts';
import { isCovered } from '../../../agent/checks/registries-places.ts';
import type { ProfileValues } from '../../../agent/profile-values.ts';
import { say, treeOf } from '../../support/host-tree.ts';

const ACCEPT = [{ type: 'insecureAcceptAnything' }];
const REJECT = [{ type: 'reject' }];
const SIGNED = [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/key' }];
const CONF = '/etc/containers/registries.conf';
const CRIO = '/etc/crio/crio.conf.d/50-own';
type Files = Readonly<Record<string, string | undefined>>;

const policy = (
  fallback: readonly object[],
  docker: Readonly<Record<string, readonly object[]>> = {},
): string => JSON.stringify({ default: fallback, transports: { docker } });

interface Case {
  readonly name: string;
  readonly files: Files;
  readonly values?: Partial<ProfileValues>;
  readonly expected: readonly string[];
}

function table(rule: string, cases: readonly Case[]): void {
  for (const { name, files, values = {}, expected } of cases) {
    t.test(`${rule} on a node ${name}`, async (t) => {
      const all = { '/etc/containers/policy.json': policy(REJECT), ...files };
      const lines = await say(registries, t.testdir(treeOf(all)), undefined, values);
      t.strictSame(
        lines
          .filter((line) => line.startsWith(`${rule} `))
          .map((line) => line.slice(rule.length + 1)),
        expected,
      );
    });
  }
}

const allowed = (
  docker: Readonly<Record<string, readonly object[]>>,
  others: Files = {},
): Files => ({
  '/etc/containers/policy.json': policy(REJECT, docker),
  ...others,
});
const QUAY = { allowedRegistries: ['quay.io/acme', 'registry.redhat.io'] };

table('registries.allowed-effective', [
  {
    name: 'of which nobody said what is approved',
    files: {},
    expected: ['notapplicable no-approved-list'],
  },
  { name: 'that takes nothing', files: {}, values: QUAY, expected: ['pass'] },
  {
    name: 'that takes what is approved',
    files: allowed({ 'quay.io/acme': ACCEPT, 'registry.redhat.io': SIGNED }),
    values: QUAY,
    expected: ['pass'],
  },
  {
    name: 'that takes a part of what is approved',
    files: allowed({ 'quay.io/acme/app': ACCEPT, 'registry.redhat.io/ubi9:9.4': SIGNED }),
    values: QUAY,
    expected: ['pass'],
  },
  {
    name: 'that takes another registry',
    files: allowed({ 'quay.io/acme': ACCEPT, 'docker.io': ACCEPT }),
    values: QUAY,
    expected: ['fail not-approved @ docker.io'],
  },
  {
    name: 'that takes another registry when it is signed',
    files: allowed({ 'docker.io': SIGNED }),
    values: QUAY,
    expected: ['fail not-approved @ docker.io'],
  },
  {
    name: 'that takes more of an approved registry',
    files: allowed({ 'quay.io': ACCEPT }),
    values: QUAY,
    expected: ['fail not-approved @ quay.io'],
  },
  {
    name: 'that takes a namespace with a longer name',
    files: allowed({ 'quay.io/acme-labs': ACCEPT }),
    values: QUAY,
    expected: ['fail not-approved @ quay.io/acme-labs'],
  },
  {
    name: 'that refuses another registry',
    files: allowed({ 'docker.io': REJECT, 'quay.io/acme': ACCEPT }),
    values: QUAY,
    expected: ['pass'],
  },
  {
    name: 'that takes everything',
    files: { '/etc/containers/policy.json': policy(ACCEPT) },
    values: QUAY,
    expected: ['fail any-registry'],
  },
  {
    name: 'that takes everything but for one registry',
    files: { '/etc/containers/policy.json': policy(ACCEPT, { 'docker.io': REJECT }) },
    values: QUAY,
    expected: ['fail any-registry'],
  },
  {
    name: 'that takes every other image of docker',
    files: allowed({ '': ACCEPT }),
    values: QUAY,
    expected: ['fail any-registry'],
  },
  {
    name: 'where another registry is blocked',
    files: allowed(
      { 'docker.io': ACCEPT },
      { [CONF]: '[[registry]]\nlocation = "docker.io"\nblocked = true\n' },
    ),
    values: QUAY,
    expected: ['pass'],
  },
  {
    name: 'where an approved name is fetched from elsewhere',
    files: allowed(
      { 'quay.io/acme': ACCEPT },
      { [CONF]: '[[registry]]\nprefix = "quay.io/acme"\nlocation = "evil.test/acme"\n' },
    ),
    values: QUAY,
    expected: ['fail not-approved @ quay.io/acme'],
  },
  {
    name: 'where a part of an approved name is fetched from elsewhere',
    files: allowed(
      { 'quay.io/acme': ACCEPT },
      { [CONF]: '[[registry]]\nprefix = "quay.io/acme/app"\nlocation = "evil.test/app"\n' },
    ),
    values: QUAY,
    expected: ['fail not-approved @ quay.io/acme/app'],
  },
  {
    name: 'where a name that is refused is fetched from elsewhere',
    files: allowed({}, { [CONF]: '[[registry]]\nprefix = "quay.io"\nlocation = "evil.test"\n' }),
    values: QUAY,
    expected: ['pass'],
  },
  {
    name: 'with a mirror that nobody approved',
    files: allowed(
      { 'quay.io/acme': ACCEPT },
      {
        [CONF]:
          '[[registry]]\nlocation = "quay.io"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.test"\n',
      },
    ),
    values: QUAY,
    expected: ['fail not-approved @ quay.io/acme'],
  },
  {
    name: 'with a mirror that is approved as one',
    files: allowed(
      { 'quay.io/acme': ACCEPT },
      {
        [CONF]: '[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "m.test/q"\n',
      },
    ),
    values: { ...QUAY, allowedMirrors: ['m.test'] },
    expected: ['pass'],
  },
  {
    name: 'with wildcards on both sides',
    files: allowed({ '*.apps.acme.test': ACCEPT, 'r.acme.test:5000/x': ACCEPT }),
    values: { allowedRegistries: ['*.acme.test'] },
    expected: ['pass'],
  },
  {
    name: 'with a wildcard that is wider than approved',
    files: allowed({ '*.test': ACCEPT }),
    values: { allowedRegistries: ['*.acme.test'] },
    expected: ['fail not-approved @ *.test'],
  },
  {
    name: 'with a scope that no image leads to',
    files: allowed({ 'evil.test/APP': ACCEPT }),
    values: QUAY,
    expected: ['pass'],
  },
  {
    name: 'whose CRI-O obeys a policy that takes everything',
    files: allowed(
      {},
      {
        [CRIO]: '[crio.image]\nsignature_policy = "/etc/own.json"\n',
        '/etc/own.json': policy(ACCEPT),
      },
    ),
    values: QUAY,
    expected: ['fail any-registry'],
  },
  {
    name: 'whose policy is none',
    files: { '/etc/containers/policy.json': '{' },
    values: QUAY,
    expected: ['unknown not-read'],
  },
  {
    name: 'whose registries.conf is none',
    files: { [CONF]: '[[' },
    values: QUAY,
    expected: ['unknown not-read'],
  },
]);

const search = (hosts: readonly string[], mode?: string): Files => ({
  [CONF]: `unqualified-search-registries = ${JSON.stringify(hosts)}\n${mode === undefined ? '' : `short-name-mode = "${mode}"\n`}`,
});
const crio = (mode: unknown): Files => ({
  [CRIO]: `[crio.image]\nshort_name_mode = ${JSON.stringify(mode)}\n`,
});

table('registries.short-names', [
  { name: 'without a search list', files: {}, expected: ['pass'] },
  {
    name: 'with one trusted host',
    files: search(['registry.access.redhat.com']),
    expected: ['pass'],
  },
  {
    name: 'of an untouched cluster, which goes on to Docker Hub',
    files: search(['registry.access.redhat.com', 'docker.io']),
    expected: ['fail public-host'],
  },
  { name: 'with a public host alone', files: search(['quay.io']), expected: ['fail public-host'] },
  {
    name: 'that says permissive',
    files: search(['docker.io'], 'permissive'),
    expected: ['fail public-host'],
  },
  {
    name: 'that enforces',
    files: search(['a.test', 'docker.io'], 'enforcing'),
    expected: ['pass'],
  },
  {
    name: 'that takes no short names',
    files: search(['docker.io'], 'disabled'),
    expected: ['pass'],
  },
  {
    name: 'whose CRI-O takes no short names',
    files: { ...search(['docker.io']), ...crio('disabled') },
    expected: ['pass'],
  },
  {
    name: 'whose CRI-O is permissive by itself',
    files: { ...search(['docker.io'], 'enforcing'), ...crio('permissive') },
    expected: ['fail public-host'],
  },
  {
    name: 'whose CRI-O has the default',
    files: { ...search(['docker.io'], 'enforcing'), ...crio('') },
    expected: ['pass'],
  },
  { name: 'whose CRI-O has no text there', files: crio(1), expected: ['error parse'] },
  {
    name: 'with a public host that is approved',
    files: search(['quay.io']),
    values: { allowedRegistries: ['quay.io'] },
    expected: ['pass'],
  },
  {
    name: 'with a host of its own that is not approved',
    files: search(['r.acme.test']),
    values: { allowedRegistries: ['quay.io'] },
    expected: ['fail public-host'],
  },
  {
    name: 'whose registries.conf is none',
    files: { [CONF]: '[[' },
    expected: ['unknown not-read'],
  },
]);

const mirror = (location: string, how = ''): string =>
  `[[registry.mirror]]\nlocation = "${location}"\n${how}`;
const BY_DIGEST = '[[registry]]\nlocation = "quay.io"\nmirror-by-digest-only = true\n';
const PLAIN = '[[registry]]\nlocation = "quay.io"\n';

table('registries.mirrors', [
  { name: 'without mirrors', files: { [CONF]: PLAIN }, expected: ['notapplicable no-mirrors'] },
  {
    name: 'with a mirror for digests',
    files: { [CONF]: BY_DIGEST + mirror('m.test') },
    expected: ['pass'],
  },
  {
    name: 'with a mirror that says so itself',
    files: { [CONF]: PLAIN + mirror('m.test', 'pull-from-mirror = "digest-only"\n') },
    expected: ['pass'],
  },
  {
    name: 'with a mirror for everything',
    files: { [CONF]: PLAIN + mirror('m.test') },
    expected: ['fail by-tag @ quay.io at m.test'],
  },
  {
    name: 'with a mirror for tags',
    files: { [CONF]: PLAIN + mirror('m.test', 'pull-from-mirror = "tag-only"\n') },
    expected: ['fail by-tag @ quay.io at m.test'],
  },
  {
    name: 'with an approved mirror',
    files: { [CONF]: BY_DIGEST + mirror('m.test/q') },
    values: { allowedMirrors: ['m.test'] },
    expected: ['pass'],
  },
  {
    name: 'with a mirror that is not approved, for tags beside it',
    files: { [CONF]: PLAIN + mirror('n.test') + mirror('m.test') },
    values: { allowedMirrors: ['m.test'] },
    expected: ['fail not-approved @ quay.io at n.test', 'fail by-tag @ quay.io at m.test'],
  },
  {
    name: 'with one mirror named twice',
    files: {
      [CONF]:
        PLAIN +
        mirror('m.test', 'pull-from-mirror = "digest-only"\n') +
        mirror('m.test', 'pull-from-mirror = "tag-only"\n'),
    },
    expected: ['fail by-tag @ quay.io at m.test'],
  },
  {
    name: 'whose registries.conf is none',
    files: { [CONF]: '[[' },
    expected: ['unknown not-read'],
  },
]);

t.test('an entry covers what it names, and nothing that only begins alike', async (t) => {
  for (const [entry, name, isTrue] of [
    ['quay.io', 'quay.io', true],
    ['quay.io', 'quay.io/a', true],
    ['quay.io/', 'quay.io/a', true],
    ['quay.io', 'quay.io:443/a', true],
    ['quay.io/a', 'quay.io/a:v1', true],
    ['quay.io/a', 'quay.io/ab', false],
    ['quay.io', 'quay.io.evil.test', false],
    ['quay.io/a', 'quay.io', false],
    ['*.a.test', 'b.a.test:5000/x', true],
    ['*.a.test', 'c.b.a.test', true],
    ['*.a.test', '*.b.a.test', true],
    ['*.a.test', 'a.test', false],
    ['*.a.test', 'ba.test', false],
    ['*.a.test', 'evil.test/b.a.test', false],
  ] as const) {
    t.equal(isCovered([entry], name), isTrue, `${entry} ${name}`);
  }
  t.notOk(isCovered([], 'quay.io'));
});

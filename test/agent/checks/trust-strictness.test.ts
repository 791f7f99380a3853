import t from 'tap';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { say, treeOf } from '../../support/host-tree.ts';

const ACCEPT = [{ type: 'insecureAcceptAnything' }];
const REJECT = [{ type: 'reject' }];
const SIGNED = [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/key' }];
const SIGSTORE = [{ type: 'sigstoreSigned', keyPath: '/etc/key' }];
const CRIO = '/etc/crio/crio.conf.d/50-own';
const OWN = '/etc/crio/own.json';
type Scopes = Readonly<Record<string, readonly object[]>>;
type Files = Readonly<Record<string, string | undefined>>;

const policy = (
  fallback: readonly object[],
  docker: Scopes = {},
  others: Readonly<Record<string, Scopes>> = {},
): string => JSON.stringify({ default: fallback, transports: { docker, ...others } });

async function linesOf(rule: string, root: string): Promise<readonly string[]> {
  return (await say(trustPolicy, root))
    .filter((line) => line.startsWith(`${rule} `))
    .map((line) => line.slice(rule.length + 1));
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly files?: Files;
  readonly expected: readonly string[];
}

function table(rule: string, cases: readonly Case[]): void {
  for (const { name, text, files = {}, expected } of cases) {
    t.test(`${rule} on a node whose policy ${name}`, async (t) => {
      const all = { '/etc/containers/policy.json': text, ...files };
      t.strictSame(await linesOf(rule, t.testdir(treeOf(all))), expected);
    });
  }
}

const DAEMON = { 'docker-daemon': { '': ACCEPT } };
const OPEN = 'fail accepts-anything';

table('trust.default-reject', [
  { name: 'rejects what it does not name', text: policy(REJECT), expected: ['pass'] },
  { name: 'accepts what it does not name', text: policy(ACCEPT), expected: [OPEN] },
  { name: 'wants it signed', text: policy(SIGNED), expected: ['pass'] },
  { name: 'accepts twice over', text: policy([...ACCEPT, ...ACCEPT]), expected: [OPEN] },
  { name: 'rejects beside accepting', text: policy([...ACCEPT, ...REJECT]), expected: ['pass'] },
  {
    name: 'rejects by default and accepts every other image of docker',
    text: policy(REJECT, { '': ACCEPT }),
    expected: [OPEN],
  },
  {
    name: 'accepts by default and rejects every other image of docker',
    text: policy(ACCEPT, { '': REJECT }),
    expected: ['pass'],
  },
  {
    name: 'accepts images of the docker daemon alone',
    text: policy(REJECT, {}, DAEMON),
    expected: ['pass'],
  },
  {
    name: 'is not the one CRI-O obeys',
    text: policy(REJECT),
    files: { [CRIO]: `[crio.image]\nsignature_policy = "${OWN}"\n`, [OWN]: policy(ACCEPT) },
    expected: ['pass', `${OPEN} @ ${OWN}`],
  },
  { name: 'is none', text: '{', expected: ['unknown no-policy'] },
]);

const [IO, ACCESS, PAYLOAD] = [
  'registry.redhat.io',
  'registry.access.redhat.com',
  'quay.io/openshift-release-dev',
];
const ALL = { [IO]: SIGNED, [ACCESS]: SIGSTORE, [PAYLOAD]: SIGSTORE };
const PASSES = [`pass @ ${IO}`, `pass @ ${ACCESS}`, `pass @ ${PAYLOAD}`];
const blocked = (...prefixes: readonly string[]): Files => ({
  '/etc/containers/registries.conf': prefixes
    .map((prefix) => `[[registry]]\nlocation = "${prefix}"\nblocked = true\n`)
    .join(''),
});

table('trust.redhat-signed', [
  { name: 'wants all signed', text: policy(ACCEPT, ALL), expected: PASSES },
  { name: 'wants everything signed', text: policy(SIGNED), expected: PASSES },
  {
    name: 'accepts everything',
    text: policy(ACCEPT),
    expected: [`fail unsigned @ ${IO}`, `fail unsigned @ ${ACCESS}`, `fail unsigned @ ${PAYLOAD}`],
  },
  {
    name: 'rejects everything',
    text: policy(REJECT),
    expected: [
      `notapplicable refused @ ${IO}`,
      `notapplicable refused @ ${ACCESS}`,
      `notapplicable refused @ ${PAYLOAD}`,
    ],
  },
  {
    name: 'has a hole below a signed host',
    text: policy(REJECT, { ...ALL, [`${IO}/ubi9`]: ACCEPT }),
    expected: [`fail unsigned @ ${IO}`, `pass @ ${ACCESS}`, `pass @ ${PAYLOAD}`],
  },
  {
    name: 'has a hole for one tag',
    text: policy(REJECT, { ...ALL, [`${IO}/ubi9/ubi:9.4`]: ACCEPT }),
    expected: [`fail unsigned @ ${IO}`, `pass @ ${ACCESS}`, `pass @ ${PAYLOAD}`],
  },
  {
    name: 'wants one of the two repositories of a release signed',
    text: policy(ACCEPT, {
      [IO]: SIGNED,
      [ACCESS]: SIGNED,
      [`${PAYLOAD}/ocp-release`]: SIGSTORE,
    }),
    expected: [`pass @ ${IO}`, `pass @ ${ACCESS}`, `fail unsigned @ ${PAYLOAD}`],
  },
  {
    name: 'wants both of them signed, by repository',
    text: policy(ACCEPT, {
      [IO]: SIGNED,
      [ACCESS]: SIGNED,
      [`${PAYLOAD}/ocp-release`]: SIGSTORE,
      [`${PAYLOAD}/ocp-v4.0-art-dev`]: SIGSTORE,
    }),
    expected: PASSES,
  },
  {
    name: 'accepts everything of registries that are blocked',
    text: policy(ACCEPT, { [PAYLOAD]: SIGSTORE }),
    files: blocked(IO, ACCESS),
    expected: [
      `notapplicable blocked @ ${IO}`,
      `notapplicable blocked @ ${ACCESS}`,
      `pass @ ${PAYLOAD}`,
    ],
  },
  {
    name: 'has a scope for the wrong transport',
    text: policy(ACCEPT, {}, { atomic: { [IO]: SIGNED } }),
    expected: [`fail unsigned @ ${IO}`, `fail unsigned @ ${ACCESS}`, `fail unsigned @ ${PAYLOAD}`],
  },
  {
    name: 'asks by a wildcard',
    text: policy(ACCEPT, { '*.redhat.io': SIGNED, '*.redhat.com': SIGNED, [PAYLOAD]: SIGSTORE }),
    expected: PASSES,
  },
]);

table('trust.scope-lint', [
  { name: 'is plain', text: policy(ACCEPT, ALL, DAEMON), expected: ['pass'] },
  {
    name: 'has a hole under a signed scope',
    text: policy(REJECT, { 'quay.io': SIGNED, 'quay.io/a': ACCEPT }),
    expected: ['fail accepts-under-signed @ transports.docker["quay.io/a"]'],
  },
  {
    name: 'asks for two keys at once',
    text: policy(REJECT, { 'quay.io': [...SIGNED, ...SIGSTORE] }),
    expected: ['fail unrelated-keys @ transports.docker["quay.io"]'],
  },
  {
    name: 'has two faults in one place',
    text: policy(REJECT, { 'quay.io/A': [...SIGNED, ...SIGSTORE] }),
    expected: ['fail never-matches @ transports.docker["quay.io/A"]'],
  },
  {
    name: 'names no transport',
    text: policy(REJECT, {}, { Docker: { '': REJECT } }),
    expected: ['fail unknown-transport @ transports.Docker'],
  },
  {
    name: 'is in order, unlike that of CRI-O',
    text: policy(REJECT),
    files: {
      [CRIO]: `[crio.image]\nsignature_policy = "${OWN}"\n`,
      [OWN]: policy(REJECT, { 'quay.io/A': REJECT }),
    },
    expected: ['pass', `fail never-matches @ ${OWN} transports.docker["quay.io/A"]`],
  },
]);

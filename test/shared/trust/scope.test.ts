import t from 'tap';
import type { PolicyRequirements } from '../../../shared/trust/policy-types.ts';
import { findScope } from '../../../shared/trust/scope.ts';

const reject: PolicyRequirements = [{ type: 'reject' }];
const open: PolicyRequirements = [{ type: 'insecureAcceptAnything' }];
const policyOf = (scopes: Readonly<Record<string, readonly string[]>>) => ({
  default: reject,
  transports: new Map(
    Object.entries(scopes).map(([transport, names]) => [
      transport,
      new Map(names.map((name) => [name, open])),
    ]),
  ),
});
const hosts = ['q.io/a/b:1', 'q.io/a/b', 'q.io/a', 'q.io', '*.io', ''];

const cases: readonly (readonly [string, readonly string[], string, string])[] = [
  ['the tag', hosts, 'q.io/a/b:1', 'q.io/a/b:1'],
  ['the repository for another tag', hosts, 'q.io/a/b:2', 'q.io/a/b'],
  ['the repository for a digest', hosts, `q.io/a/b@sha256:${'0'.repeat(64)}`, 'q.io/a/b'],
  ['the namespace', hosts, 'q.io/a/c', 'q.io/a'],
  ['the host', hosts, 'q.io/c', 'q.io'],
  ['a wildcard over several labels', hosts, 'x.y.io/c', '*.io'],
  ['a wildcard over a host with a port', hosts, 'q.io:5000/a/b:1', '*.io'],
  ['the host before its wildcard', ['*.io', 'q.io'], 'q.io/c', 'q.io'],
  ["the transport's own", hosts, 'q.com/c', ''],
  ['latest when no tag is meant', ['q.io/a:latest', 'q.io/a'], 'q.io/a', 'q.io/a:latest'],
  ['the completed name', ['busybox', 'docker.io/library'], 'busybox', 'docker.io/library'],
];
for (const [name, scopes, reference, scope] of cases) {
  t.test(`an image finds ${name}`, async (t) => {
    const found = findScope(policyOf({ docker: scopes }), 'docker', reference);
    t.match(found, { section: 'scope', transport: 'docker', scope, requirements: open });
  });
}

t.test('only one entry speaks, and scopes of other transports never do', async (t) => {
  const policy = policyOf({ docker: ['q.io'], atomic: ['q.io/a/b'] });
  const found = findScope(policy, 'docker', 'q.io/a/b:1');
  t.equal(found.scope, 'q.io');
  t.same(found.passedOver, ['q.io/a/b:1', 'q.io/a/b', 'q.io/a'], 'what was tried before is told');
  const storage = findScope(policy, 'containers-storage', '[overlay@/s]q.io/a/b:1');
  t.match(storage, { section: 'default', requirements: reject });
  t.equal(storage.passedOver.at(-1), '', "the transport's own is tried last");
});

t.test('a host with a port is not below the host without', async (t) => {
  t.equal(findScope(policyOf({ docker: ['q.io'] }), 'docker', 'q.io:5000/a').section, 'default');
});

t.test('a policy of ten thousand scopes is looked up in microseconds', async (t) => {
  const scopes = Array.from({ length: 10_000 }, (_, index) => `q${index}.example/ns/repo`);
  const policy = policyOf({ docker: scopes });
  const startedAt = performance.now();
  for (let index = 0; index < 10_000; index++) {
    const { scope } = findScope(policy, 'docker', `q${index}.example/ns/repo/image:1`);
    if (scope !== scopes[index]) t.fail(`${scope} for image ${index}`);
  }
  t.ok(performance.now() - startedAt < 2000, '10,000 look-ups within two seconds');
});

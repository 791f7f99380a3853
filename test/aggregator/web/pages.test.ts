import t from 'tap';
import { runFleet } from '../../cli/fleet.ts';
import { PageClient } from '../../support/page-client.ts';

t.test('pages of a fleet', async (t) => {
  await using fleet = await runFleet(t.testdir(), undefined, undefined, [
    { name: 'gpu-7', pool: 'gpu' },
  ]);
  const { url, adminToken } = fleet.running;
  const client = await PageClient.signIn(url, adminToken);
  const cases = [
    ['/', ['1/2', 'gpu-7</bdi></a> never seen', 'Rules failing, critical', 'lockdown']],
    ['/nodes', ['node-1', 'gpu-7']],
    ['/nodes/node-1', ['selinux.enforcing', 'rhcos']],
    ['/nodes/node-1?tab=trust', ['/etc/containers/policy.json', 'reject']],
    ['/nodes/node-1?tab=checks', ['seccomp.default']],
    ['/nodes/node-1?tab=images', ['quay.io/team/old:v1', 'rejected']],
    ['/nodes/node-1?tab=drift', ['managed-drift', '99-policy']],
    ['/nodes/node-1?tab=agent', ['connected']],
    ['/nodes/node-1?tab=raw', ['&quot;kind&quot;: &quot;Node&quot;']],
    ['/nodes/node-1?compare=gpu-7', ['is not known', 'One side has not reported it']],
    ['/nodes/node-1?compare=pool/default', ['The same images are taken', 'were compared']],
    ['/trust', ['majority of default', 'reject']],
    ['/trust?image=quay.io/team/old:v1', ['no-signature']],
    ['/images', ['quay.io/team/old:v1', '1 rejected']],
    ['/checks', ['selinux.enforcing', 'Fail in default', '1/1']],
    ['/checks/selinux.enforcing', ['title of selinux.enforcing', 'permissive']],
    ['/drift', ['/etc/file-1 changed', 'unexplained', '99-policy']],
    ['/drift?explained=yes', ['No file of the trust configuration changed']],
    ['/coverage', ['never seen', 'Pipeline']],
  ] as const;
  for (const [path, words] of cases) {
    const { status, text } = await client.get(path);
    t.equal(status, 200, path);
    for (const word of words) t.ok(text.includes(word), `${path}: ${word}\n${text}`);
  }
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { images } from '../../agent/checks/images.ts';
import { openHost } from '../../agent/host.ts';
import { readImageUsers } from '../../agent/images/runtime.ts';
import { readStorageConfig } from '../../agent/images/storage-conf.ts';
import { contextOf } from '../support/checks.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { Podman, whyNoPodman } from '../support/podman.ts';
import { writeFiles } from '../support/store-tree.ts';

const SIGNED = 'registry.example.test/release/app-0001:v1';
const UNSIGNED = 'registry.example.test/variety/unsigned:v1';
const ANY = 'registry.example.test/any/app:v1';

t.setTimeout(300_000);
const skip = whyNoStore() || whyNoPodman();

/** A copy of a store with images of every kind, in which podman may make containers. */
async function node(t: Test): Promise<{ readonly folder: string; readonly root: string }> {
  const made = await makeImageStore(['--images', '6', '--driver', 'vfs']);
  // podman's sockets lie in it, whose paths must stay short
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-run-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  execFileSync('cp', ['-a', made.root, join(folder, 'host')]);
  return { folder, root: join(folder, 'host') };
}

t.test('containers that podman runs are users of their images', { skip }, async (t) => {
  const { folder, root } = await node(t);
  await using podman = new Podman(folder, root, 'vfs');
  await podman.start('good', SIGNED);
  await podman.start('bad', UNSIGNED);
  await podman.start('worse', UNSIGNED);
  await podman.start('any', ANY);
  await podman.run('stop', '--time', '0', 'worse');
  const context = contextOf(root);
  const findings = await images.run(context, AbortSignal.timeout(60_000));
  const used = findings.filter(({ ruleId }) => ruleId === 'images.running-verified');
  t.match(
    new Map(used.map(({ subject, ...rest }) => [subject, rest])),
    new Map([
      [SIGNED, { result: 'pass', message: /^in use by good: satisfies the policy$/ }],
      [UNSIGNED, { result: 'fail', message: /^in use by bad and 1 more: is refused/ }],
      [ANY, { result: 'notapplicable', message: /^in use by any: / }],
    ]),
  );
  t.equal(used.length, 3, 'and no other image is in use');
  await podman.run('rm', '--force', '--time', '0', 'bad', 'worse');
  const later = await images.run(context, AbortSignal.timeout(60_000));
  t.same(
    later
      .flatMap(({ ruleId, subject = '' }) => (ruleId === 'images.running-verified' ? subject : []))
      .sort(),
    [ANY, SIGNED],
    'an image whose containers are gone is in use no more',
  );
});

t.test(
  'an image whose name moved on is judged by the name its container asked for',
  { skip },
  async (t) => {
    const { folder, root } = await node(t);
    await using podman = new Podman(folder, root, 'vfs');
    await podman.start('one', SIGNED);
    await podman.run('tag', SIGNED, 'registry.example.test/variety/other:v1');
    const findings = await images.run(contextOf(root), AbortSignal.timeout(60_000));
    t.match(
      findings.filter(({ ruleId }) => ruleId === 'images.running-verified'),
      [{ subject: SIGNED, result: 'pass' }],
    );
  },
);

/** Since 4.4. */
async function whyNotTransient(): Promise<string | false> {
  if (skip !== false) return skip;
  const help = execFileSync('podman', ['--help'], { encoding: 'utf8' });
  return help.includes('--transient-store') ? false : 'needs a podman that knows transient stores';
}

t.test(
  'containers of a transient store are users too',
  { skip: await whyNotTransient() },
  async (t) => {
    const { folder, root } = await node(t);
    await using podman = new Podman(folder, root, 'vfs', 'transient_store = true\n');
    await podman.start('good', SIGNED);
    writeFiles(root, {
      '/etc/containers/storage.conf': '[storage]\ndriver = "vfs"\ntransient_store = true\n',
    });
    const host = openHost(root);
    const config = await readStorageConfig(host);
    t.ok(config.transientStore);
    const users = await readImageUsers(host, config, 'vfs');
    t.match([...users.byImage.values()], [[{ container: 'good' }]]);
  },
);

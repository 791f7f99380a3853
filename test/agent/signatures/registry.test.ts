import t from 'tap';
import {
  type Attachment,
  agree,
  attached,
  type Node,
  noSkopeo,
  REPOSITORY,
  rootOf,
  verdictOf,
} from '../../support/pulling-node.ts';
import { Registry, registryMissing } from '../../support/registry.ts';
import { hangs, SignatureServer } from '../../support/signature-server.ts';
import { manifestOf, OTHER_KEY } from '../../support/signed-images.ts';

t.test('a real registry and skopeo', { skip: registryMissing() || noSkopeo }, async (t) => {
  await using registry = await Registry.start(t.testdir({}));
  const down = await SignatureServer.start(hangs);
  await down[Symbol.asyncDispose]();
  const mirrored = (mirror: string, host: string): string =>
    `[[registry]]\nlocation = "${host}"\ninsecure = true\n[[registry.mirror]]\nlocation = "${mirror}"\ninsecure = true\n`;
  const { host } = registry;
  const cases: readonly (readonly [
    name: string,
    attachments: (reference: string, manifest: Buffer) => readonly Attachment[] | undefined,
    node: Partial<Node>,
    expected: object,
  ])[] = [
    [
      'a good attachment',
      (r, m) => [attached(r, m)],
      {},
      { verdict: 'accepted', source: 'registry' },
    ],
    [
      'an attachment of another key',
      (r, m) => [attached(r, m, OTHER_KEY)],
      {},
      { verdict: 'rejected', reason: 'signature-invalid' },
    ],
    [
      'an attachment of another key and a good one',
      (r, m) => [attached(r, m, OTHER_KEY), attached(r, m)],
      {},
      { verdict: 'accepted' },
    ],
    [
      'an attachment for another image',
      (r) => [attached(r, manifestOf('other'))],
      {},
      { verdict: 'rejected' },
    ],
    ['no attachment', () => undefined, {}, { verdict: 'rejected', reason: 'no-signature' }],
    [
      'a good attachment that registries.d does not ask for',
      (r, m) => [attached(r, m)],
      { registriesD: {} },
      { verdict: 'rejected', reason: 'no-signature' },
    ],
    [
      'a good attachment, behind a mirror that is down',
      (r, m) => [attached(r, m)],
      { registriesConf: mirrored(`${down.host}/x`, host) },
      { verdict: 'accepted' },
    ],
    [
      'a good attachment, behind a mirror that lacks the image',
      (r, m) => [attached(r, m)],
      { registriesConf: mirrored(`${host}/nothing`, host) },
      { verdict: 'accepted' },
    ],
  ];
  for (const [index, [name, attachments, change, expected]] of cases.entries()) {
    await t.test(`agree on ${name}`, async (t) => {
      const manifest = await registry.put(REPOSITORY, 'v1', `seed ${index}`);
      const reference = `${host}/${REPOSITORY}:v1`;
      const layers = attachments(reference, manifest);
      if (layers !== undefined) await registry.attach(REPOSITORY, manifest, layers);
      const node = { host, ...change };
      const root = rootOf(t.testdir({}), node, manifest);
      const verdict = await verdictOf(root, node);
      t.match(verdict, expected);
      await agree(t, root, node, verdict);
    });
  }

  await t.test('agree on a mirror that has the image without its signature', async (t) => {
    const manifest = await registry.put(REPOSITORY, 'v1', 'mirrored');
    await registry.put(`mirror/${REPOSITORY}`, 'v1', 'mirrored');
    const reference = `${host}/${REPOSITORY}:v1`;
    await registry.attach(REPOSITORY, manifest, [attached(reference, manifest)]);
    const registriesConf = `[[registry]]\nlocation = "${host}/team"\ninsecure = true\n[[registry.mirror]]\nlocation = "${host}/mirror/team"\ninsecure = true\n[[registry]]\nlocation = "${host}"\ninsecure = true\n`;
    const node = { host, registriesConf };
    const root = rootOf(t.testdir({}), node, manifest);
    const verdict = await verdictOf(root, node);
    t.match(verdict, { verdict: 'rejected', reason: 'no-signature' });
    await agree(t, root, node, verdict);
  });
});

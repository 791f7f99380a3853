import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { images } from '../../../agent/checks/images.ts';
import { verifierOf } from '../../../agent/images/verifier.ts';
import { runCheck } from '../../../agent/runner.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { contextAt } from '../../support/host-tree.ts';
import { whyNoSkopeo } from '../../support/release-images.ts';
import {
  KEY_FILE,
  NAMED,
  RELEASE_NAME,
  releaseNode,
  STRANGE,
  VERSION,
} from '../../support/release-node.ts';
import { runCli } from '../fake-io.ts';

t.setTimeout(120_000);

t.test('a node with a release image', { skip: whyNoSkopeo() }, async (t) => {
  const dir = t.testdir({});
  const node = await releaseNode(dir);
  const { fingerprint } = node.key;
  const references = join(dir, 'image-references');
  writeFileSync(references, node.references);
  const key = ['--release-key', join(node.root, KEY_FILE)];
  const signatures = ['--release-signatures', node.settings.signatures];
  const verify = async (...words: string[]) =>
    await runCli(['verify', '--host-root', node.root, ...words], { nowMs: Date.now() });

  t.test('verify tells what belongs to the release', async (t) => {
    const table = await verify(...key, ...signatures);
    t.equal(table.exit, 0, table.stderr);
    for (const [name, reason] of [
      [RELEASE_NAME, `release ${VERSION}`],
      [NAMED, `release ${VERSION}`],
      [STRANGE, '-'],
    ] as const) {
      const row = table.stdout.split('\n').find((line) => line.startsWith(name));
      t.match(row, new RegExp(`^\\S+ +unenforced +${reason} +none `));
    }
    const json = await verify(...key, ...signatures, NAMED, '-o', 'json');
    t.match(JSON.parse(json.stdout).items, [
      {
        reference: NAMED,
        verdict: 'unenforced',
        signedBy: [],
        release: {
          version: VERSION,
          image: sha256(node.release),
          signedBy: [fingerprint],
          source: 'node',
        },
      },
    ]);
    t.match(
      (await verify(...key, ...signatures, NAMED, '-o', 'csv')).stdout,
      new RegExp(`,release,[^]*,unenforced,,[^]*,${VERSION.replaceAll('.', '\\.')},`),
    );
  });

  t.test('verify --explain prints the chain', async (t) => {
    const { stdout } = await verify(...key, ...signatures, '--explain', NAMED);
    t.match(stdout, `release    ${VERSION}, the image ${sha256(node.release)}`);
    t.match(stdout, `signed by ${fingerprint}`);
    t.match(stdout, 'named in release-manifests/image-references in a layer of it');
    const own = await verify(...key, ...signatures, '--explain', RELEASE_NAME);
    t.notMatch(own.stdout, 'named in');
    const file = await verify(
      ...key,
      ...signatures,
      '--release-references',
      references,
      '--release-image',
      `quay.io/x/y@${sha256('another')}`,
      NAMED,
    );
    t.equal(file.exit, 6, 'the release of the file is not signed');
    t.match(file.stderr, `note: release ${references}: not verified: no signature of sha256:`);
  });

  t.test('verify without keys tells that nobody vouches for the release', async (t) => {
    const { exit, stderr, stdout } = await verify();
    t.equal(exit, 0, 'nobody asked');
    t.match(
      stderr,
      `note: release ${RELEASE_NAME}: not verified: the policy asks for no signature`,
    );
    t.notMatch(stdout, `release ${VERSION}`);
  });

  const bad: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['no signatures', key, 2, /next: --release-key FILE --release-signatures DIR/],
    ['no keys', signatures, 2, /keys and signatures/],
    [
      'a list without its image',
      [...key, ...signatures, '--release-references', references],
      2,
      /--release-image/,
    ],
    [
      'an image that is no digest',
      [...key, ...signatures, '--release-references', references, '--release-image', '4.16.3'],
      2,
      /is no digest/,
    ],
    [
      'keys that are not there',
      ['--release-key', join(dir, 'none'), ...signatures],
      5,
      /no such file/,
    ],
    [
      'signatures that are a file',
      [...key, '--release-signatures', references],
      7,
      /expected a folder/,
    ],
    ['keys that are a folder', ['--release-key', dir, ...signatures], 7, /expected a file/],
  ];
  for (const [name, words, exit, message] of bad) {
    t.test(`verify with ${name}`, async (t) => {
      const outcome = await verify(...words);
      t.equal(outcome.exit, exit, outcome.stderr);
      t.match(outcome.stderr, message);
    });
  }

  t.test('the findings of the agent say it', async (t) => {
    const context = contextAt(node.root);
    verifierOf(context.host, { release: node.settings });
    const { results } = await runCheck(images, context);
    const of = (subject: string) =>
      results.find((one) => one.ruleId === 'images.signature-valid' && one.subject === subject);
    t.match(of(NAMED), {
      result: 'notapplicable',
      message: `asks for no signature; component of release ${VERSION}, signed by ${fingerprint}`,
      observed: {
        verdict: 'unenforced',
        release: VERSION,
        releaseImage: sha256(node.release),
        releaseSignedBy: fingerprint,
        releaseSource: 'node',
      },
    });
    t.match(of(RELEASE_NAME), { message: `the release image of ${VERSION}, signed by` });
    t.notMatch(of(STRANGE)?.message, 'release');
    const bare = contextAt(node.root);
    const without = await runCheck(images, bare);
    t.match(
      without.results.filter(({ subject }) => subject === RELEASE_NAME),
      [
        {
          result: 'notapplicable',
          reason: 'unenforced',
          message: /a release image, not verified as such: the policy asks for no signature/,
          observed: { releaseReason: 'release-signature' },
        },
      ],
    );
  });
});

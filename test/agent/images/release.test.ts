// One piece: tables of release images that are costly to make and are made once for all of them.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { PassMemory } from '../../../agent/images/pass-memory.ts';
import { dataFileName } from '../../../agent/images/records.ts';
import type { ReleaseSettings } from '../../../agent/images/release-signature.ts';
import { type ImageVerification, verifyImages } from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { configDigest } from '../../../shared/trust/manifest.ts';
import {
  pullInto,
  referencesOf,
  tarOf,
  whyNoSkopeo,
  writeLayout,
} from '../../support/release-images.ts';
import {
  KEY_FILE,
  manifestsLayer,
  NAMED,
  RELEASE_NAME,
  type ReleaseNode,
  releaseLayers,
  releaseNode,
  STRANGE,
  signRelease,
  VERSION,
} from '../../support/release-node.ts';
import { openPgpKey, simplePayload, simpleSign } from '../../support/simple-signing.ts';
import { writeFiles } from '../../support/store-tree.ts';

const skip = whyNoSkopeo();
t.setTimeout(240_000);

const STORE = 'var/lib/containers/storage';

async function verified(
  root: string,
  release?: ReleaseSettings,
  memory?: PassMemory,
  references: readonly string[] = [],
): Promise<ImageVerification> {
  const host = openHost(root);
  return await verifyImages(host, await readNodeTrust(host), {
    references,
    ...(release === undefined ? {} : { release }),
    ...(memory === undefined ? {} : { memory }),
  });
}

/** Versions of the releases that images belong to, by their name. */
function releasesOf({ verdicts }: ImageVerification): Record<string, string | undefined> {
  return Object.fromEntries(verdicts.map((one) => [one.reference, one.release?.version]));
}

const ALL_NAMED = { [RELEASE_NAME]: VERSION, [NAMED]: VERSION, [STRANGE]: undefined };
const NONE_NAMED = { [RELEASE_NAME]: undefined, [NAMED]: undefined, [STRANGE]: undefined };

for (const driver of ['overlay', 'vfs']) {
  t.test(`a release image in a store of driver ${driver}`, { skip }, async (t) => {
    const node = await releaseNode(t.testdir({}), { driver });
    const found = await verified(node.root, node.settings);
    t.same(found.releaseNotes, []);
    t.same(releasesOf(found), ALL_NAMED);
    t.match(
      found.verdicts.find(({ reference }) => reference === NAMED),
      {
        verdict: 'unenforced',
        release: {
          version: VERSION,
          image: sha256(node.release),
          signedBy: [node.key.fingerprint],
          source: 'node',
        },
      },
    );
    const one = await verified(node.root, node.settings, undefined, [NAMED]);
    t.same(releasesOf(one), { [NAMED]: VERSION }, 'also when only the component is asked for');
    t.same(releasesOf(await verified(node.root)), NONE_NAMED, 'without keys nobody vouches for it');
  });
}

t.test('on one node', { skip }, async (t) => {
  const dir = t.testdir({});
  const node = await releaseNode(join(dir, 'made'));
  const { settings, release } = node;
  let copies = 0;
  /** A node of its own for each case. */
  const copy = (): string => {
    const root = join(dir, `copy-${++copies}`);
    execFileSync('cp', ['-a', node.root, root]);
    return root;
  };

  t.test('the policy of the node can be what verifies the release', async (t) => {
    const root = copy();
    const policy = {
      default: [{ type: 'insecureAcceptAnything' }],
      transports: {
        docker: {
          'quay.io/openshift-release-dev/ocp-release': [
            { type: 'signedBy', keyType: 'GPGKeys', keyPath: KEY_FILE },
          ],
        },
      },
    };
    writeFileSync(join(root, 'etc/containers/policy.json'), JSON.stringify(policy));
    const [repository] = RELEASE_NAME.split(':');
    const place = repository?.replace('quay.io/', '');
    const signature = join(settings.signatures, sha256(release).replace(':', '='), 'signature-1');
    const lookaside = join(
      root,
      'var/lib/containers/sigstore',
      `${place}@${sha256(release).replace(':', '=')}`,
    );
    t.match((await verified(root)).releaseNotes, [
      { subject: RELEASE_NAME, reason: 'release-signature', message: /does not accept it/ },
    ]);
    mkdirSync(lookaside, { recursive: true });
    copyFileSync(signature, join(lookaside, 'signature-1'));
    const found = await verified(root);
    t.same(found.releaseNotes, []);
    t.same(releasesOf(found), ALL_NAMED);
    t.match(
      found.verdicts.find(({ reference }) => reference === NAMED),
      { verdict: 'unenforced', release: { signedBy: [node.key.fingerprint] } },
      'the verdict on the component stays',
    );
    const one = await verified(root, undefined, undefined, [NAMED]);
    t.same(releasesOf(one), { [NAMED]: VERSION }, 'the release image is judged for it');
  });

  t.test('a list of images that is a file', async (t) => {
    const root = copy();
    const file = join(dir, 'image-references');
    writeFileSync(file, node.references);
    rmSync(join(root, STORE, 'overlay-images/images.json'));
    const images = JSON.parse(
      readFileSync(join(node.root, STORE, 'overlay-images/images.json'), 'utf8'),
    );
    const others = images.filter(({ names }: { names: string[] }) => !names.includes(RELEASE_NAME));
    writeFileSync(join(root, STORE, 'overlay-images/images.json'), JSON.stringify(others));
    t.same(releasesOf(await verified(root, settings)), {
      [NAMED]: undefined,
      [STRANGE]: undefined,
    });
    const byFile = { ...settings, imageReferences: file, image: sha256(release) };
    const found = await verified(root, byFile);
    t.same(found.releaseNotes, []);
    t.match(
      found.verdicts.find(({ reference }) => reference === NAMED),
      { release: { version: VERSION, source: 'file', signedBy: [node.key.fingerprint] } },
    );
    const unsigned = await verified(root, { ...byFile, image: sha256('another') });
    t.same(releasesOf(unsigned), { [NAMED]: undefined, [STRANGE]: undefined });
    t.match(unsigned.releaseNotes, [{ subject: file, reason: 'release-signature' }]);
    writeFileSync(file, '{');
    t.match((await verified(root, byFile)).releaseNotes, [
      { subject: file, reason: 'release-references', message: /not JSON/ },
    ]);
    rmSync(file);
    t.match((await verified(root, byFile)).releaseNotes, [{ subject: file, reason: 'io' }]);
    const both = await verified(node.root, { ...byFile, imageReferences: join(dir, 'none') });
    t.same(releasesOf(both), ALL_NAMED, 'the release image of the node counts all the same');
  });

  t.test('what any key of the policy may sign gives way to the keys for releases', async (t) => {
    const root = copy();
    const team = 'registry.example.com/team/release';
    const key = await openPgpKey('a team');
    const layout = join(dir, 'claimed');
    const claimed = referencesOf('99.0.0', [sha256(node.component)]);
    const image = writeLayout(layout, {
      layers: releaseLayers(claimed),
      labels: { 'io.openshift.release': '99.0.0' },
    });
    pullInto(root, 'overlay', layout, `${team}:v1`);
    const policy = {
      default: [{ type: 'insecureAcceptAnything' }],
      transports: {
        docker: { [team]: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/team' }] },
      },
    };
    const digest = sha256(image);
    const place = `var/lib/containers/sigstore/team/release@${digest.replace(':', '=')}`;
    writeFiles(root, {
      '/etc/containers/policy.json': JSON.stringify(policy),
      '/etc/team': key.armored,
      [`/${place}/signature-1`]: await simpleSign(key, simplePayload(image, `${team}:v1`)),
    });
    const both = { ...ALL_NAMED, [`${team}:v1`]: '99.0.0' };
    t.same(releasesOf(await verified(root, settings)), both);
    const found = await verified(root);
    t.match(
      found.verdicts.find(({ reference }) => reference === NAMED)?.release,
      { version: '99.0.0', image: digest, signedBy: [key.fingerprint] },
      'without such keys the policy decides, and who signed is told',
    );
  });

  const otherKey = await openPgpKey('somebody else');
  const otherKeyFile = '/etc/pki/other.asc';
  const empty = join(dir, 'empty-signatures');
  const unnamed = join(dir, 'unnamed-signatures');
  mkdirSync(empty);
  await signRelease(unnamed, release, node.key, '');
  const signers: readonly (readonly [string, Partial<ReleaseSettings>, RegExp | undefined])[] = [
    ['a key that did not sign', { keyFiles: [otherKeyFile] }, /not among the accepted ones/],
    [
      'two keys, of which each has to have signed',
      { keyFiles: [KEY_FILE, otherKeyFile] },
      /by the keys of \/etc\/pki\/other.asc/,
    ],
    ['a file that is no key', { keyFiles: ['/etc/containers/policy.json'] }, /policy.json/],
    ['a key that is not there', { keyFiles: ['/etc/pki/none'] }, /\/etc\/pki\/none: no such file/],
    ['no signature', { signatures: empty }, /looked for .*\/signature-1/],
    ['a folder that is not there', { signatures: join(dir, 'none') }, /looked for/],
    ['a signature without a reference', { signatures: unnamed }, /reference is empty/],
    ['two keys in one file', { keyFiles: ['/etc/pki/both.asc'] }, undefined],
  ];
  for (const [name, change, message] of signers) {
    await t.test(`a release held against ${name}`, async (t) => {
      const root = copy();
      writeFileSync(join(root, otherKeyFile), otherKey.armored);
      writeFileSync(join(root, '/etc/pki/both.asc'), `${otherKey.armored}\n${node.key.armored}`);
      const found = await verified(root, { ...settings, ...change });
      if (message === undefined) t.same(found.releaseNotes, []);
      else t.match(found.releaseNotes, [{ subject: RELEASE_NAME, message }]);
      t.equal(found.releaseNotes.length, message === undefined ? 0 : 1);
      t.same(releasesOf(found), message === undefined ? ALL_NAMED : NONE_NAMED);
    });
  }

  const layers = join(STORE, 'overlay-layers');
  const records: readonly { id: string; parent?: string; 'diff-digest': string }[] = JSON.parse(
    readFileSync(join(node.root, layers, 'layers.json'), 'utf8'),
  );
  const top = records.find(({ parent }) => parent !== undefined);
  const list = join(STORE, 'overlay', `${top?.id}`, 'diff/release-manifests/image-references');
  const split = join(layers, `${top?.id}.tar-split.gz`);
  const imageFolder = join(STORE, 'overlay-images', `${configDigest(release)?.slice(7)}`);
  const lines = gunzipSync(readFileSync(join(node.root, split))).toString();
  const rewrite = (change: (text: string) => string) => (root: string) =>
    writeFileSync(join(root, split), gzipSync(change(lines)));
  const forged = node.references.replace(sha256('elsewhere'), sha256('anything'));

  const damages: readonly (readonly [string, (root: string) => void, string, RegExp])[] = [
    [
      'the list changed in its layer',
      (root) => writeFileSync(join(root, list), forged),
      'layer-digest',
      /not the layer of the image/,
    ],
    [
      'another file of the layer changed',
      (root) =>
        writeFileSync(join(root, dirname(list), '0000_00_namespace.yaml'), 'kind: namespace\n'),
      'layer-digest',
      /expected sha256:/,
    ],
    ['the list grown', (root) => appendFileSync(join(root, list), ' '), 'layer-file', /found more/],
    ['the list cut', (root) => truncateSync(join(root, list), 10), 'layer-file', /found 10/],
    ['the list gone', (root) => rmSync(join(root, list)), 'layer-file', /no such file/],
    [
      'a link in place of the list',
      (root) => {
        renameSync(join(root, list), join(root, 'etc/list'));
        symlinkSync('/etc/list', join(root, list));
      },
      'layer-file',
      /a link on the way/,
    ],
    [
      'a link in place of its folder, to the right files',
      (root) => {
        renameSync(join(root, dirname(list)), join(root, 'etc/moved'));
        symlinkSync('/etc/moved', join(root, dirname(list)));
      },
      'layer-file',
      /a link on the way/,
    ],
    [
      'a fifo in place of the list',
      (root) => {
        rmSync(join(root, list));
        execFileSync('mkfifo', [join(root, list)]);
      },
      'not-a-file',
      /regular file/,
    ],
    [
      'its tar-split cut',
      (root) => truncateSync(join(root, split), 80),
      'layer-tar-split',
      /end of file/,
    ],
    [
      'a tar-split that is not gzip',
      (root) => writeFileSync(join(root, split), lines),
      'layer-tar-split',
      /header/,
    ],
    ['an empty tar-split', (root) => writeFileSync(join(root, split), ''), 'layer-tar-split', /./],
    ['no tar-split', (root) => rmSync(join(root, split)), 'io', /no such file/],
    ['a tar-split that is no JSON', rewrite(() => '{\n'), 'layer-tar-split', /line 1/],
    ['a tar-split of nothing', rewrite(() => ''), 'layer-digest', /found sha256:e3b0c442/],
    [
      'a tar-split without its last line feed',
      rewrite((text) => text.slice(0, -1)),
      'layer-tar-split',
      /ends within a line/,
    ],
    [
      'a tar-split that gives another file for the list',
      rewrite((text) => text.replace('/image-references"', '/release-metadata"')),
      'layer-file',
      /release-metadata: expected/,
    ],
    [
      'a tar-split that leads out of the layer',
      rewrite((text) =>
        text.replace('release-manifests/image-references', '../../../../../../etc/list'),
      ),
      'layer-file',
      /diff\/etc\/list: no such file/,
    ],
    [
      'a tar-split with a file beyond all measure',
      rewrite((text) => text.replace(/"size":\d+/, '"size":9007199254740991')),
      'layer-limit',
      /more bytes than/,
    ],
    [
      'a tar-split with a file of negative size',
      rewrite((text) => text.replace(/"size":\d+/, '"size":-1')),
      'layer-tar-split',
      /size: expected/,
    ],
    [
      'a tar-split with an endless line',
      rewrite(() => ' '.repeat(9 * 1024 * 1024)),
      'layer-limit',
      /a line of more than/,
    ],
    [
      'a tar-split with a line left out',
      rewrite((text) => text.slice(text.indexOf('\n') + 1)),
      'layer-tar-split',
      /expected position/,
    ],
    [
      'another manifest',
      (root) => {
        for (const name of readdirSync(join(root, imageFolder))) {
          const file = join(root, imageFolder, name);
          if (name === 'manifest' || name === dataFileName(`manifest-${sha256(release)}`)) {
            writeFileSync(file, `${release} `);
          }
        }
      },
      'release-manifest',
      /a changed manifest/,
    ],
    [
      'another configuration',
      (root) =>
        appendFileSync(join(root, imageFolder, dataFileName(`${configDigest(release)}`)), ' '),
      'release-config',
      /expected the configuration/,
    ],
    [
      'no configuration',
      (root) => rmSync(join(root, imageFolder, dataFileName(`${configDigest(release)}`))),
      'release-config',
      /no such data item/,
    ],
    [
      'a layer that says it is the lowest',
      (root) => {
        const cut = records.map(({ parent: _, ...record }) => record);
        writeFileSync(join(root, layers, 'layers.json'), JSON.stringify(cut));
      },
      'release-layers',
      /has 2 layers, the store 1/,
    ],
    [
      'no record of its layer',
      (root) => {
        const cut = records.filter(({ id }) => id !== top?.id);
        writeFileSync(join(root, layers, 'layers.json'), JSON.stringify(cut));
      },
      'release-layers',
      /is missing/,
    ],
  ];
  for (const [name, damage, reason, message] of damages) {
    await t.test(`a release image with ${name} vouches for nothing, and it is told`, async (t) => {
      const root = copy();
      damage(root);
      const found = await verified(root, settings);
      t.match(found.releaseNotes, [{ subject: RELEASE_NAME, reason, message }]);
      t.equal(found.releaseNotes.length, 1);
      t.same(releasesOf(found), NONE_NAMED);
    });
  }

  t.test(
    'the list is the one that the archive names so, whatever tar-split calls it',
    async (t) => {
      const root = copy();
      const [mine, other] = ['/image-references"', '/0000_00_namespace.yaml"'] as const;
      rewrite((text) => text.replace(other, '/x"').replace(mine, other).replace('/x"', mine))(root);
      const swapped = join(root, dirname(list), '0000_00_namespace.yaml');
      renameSync(swapped, `${swapped}.old`);
      renameSync(join(root, list), swapped);
      renameSync(`${swapped}.old`, join(root, list));
      const found = await verified(root, settings);
      t.same(found.releaseNotes, []);
      t.same(releasesOf(found), ALL_NAMED);
    },
  );

  t.test('a component whose manifest was changed belongs to no release', async (t) => {
    const root = copy();
    const id = configDigest(node.component)?.slice(7) ?? '';
    const folder = join(root, STORE, 'overlay-images', id);
    for (const key of ['manifest', `manifest-${sha256(node.component)}`]) {
      writeFileSync(join(folder, dataFileName(key)), release);
    }
    const found = await verified(root, settings);
    t.same(releasesOf(found), { ...ALL_NAMED, [NAMED]: undefined });
  });

  t.test('nothing is rebuilt that nobody has touched', async (t) => {
    const root = copy();
    const memory = new PassMemory();
    t.same(releasesOf(await verified(root, settings, memory)), ALL_NAMED);
    // Beside the list itself, so that only a rebuild would notice.
    appendFileSync(join(root, dirname(list), 'release-metadata'), ' ');
    t.same(
      releasesOf(await verified(root, settings, memory)),
      ALL_NAMED,
      'what was proven stays proven',
    );
    appendFileSync(join(root, list), ' ');
    const changed = await verified(root, settings, memory);
    t.same(releasesOf(changed), NONE_NAMED);
    t.match(changed.releaseNotes, [{ reason: 'layer-file' }]);
    copyFileSync(join(node.root, list), join(root, list));
    copyFileSync(
      join(node.root, dirname(list), 'release-metadata'),
      join(root, dirname(list), 'release-metadata'),
    );
    t.same(releasesOf(await verified(root, settings, memory)), ALL_NAMED, 'as before');
  });
});

const shapes: readonly (readonly [
  string,
  (references: string) => readonly Buffer[],
  RegExp | undefined,
])[] = [
  ['a list that is no JSON', () => releaseLayers('{"kind":'), /not JSON/],
  ['a list that is not text', () => releaseLayers(Buffer.from([0xff, 0xfe])), /not JSON/],
  [
    'a list of another kind',
    (text) => releaseLayers(text.replace('ImageStream', 'Pod')),
    /an ImageStream/,
  ],
  [
    'a list without digests',
    (text) => releaseLayers(text.replaceAll('@sha256:', ':')),
    /none names an image by its digest/,
  ],
  ['a list without a version', (text) => releaseLayers(text.replace(VERSION, '')), /metadata.name/],
  [
    'a version that would write on the terminal',
    (text) => releaseLayers(text.replace(VERSION, '\\u001b[31m')),
    /metadata.name/,
  ],
  [
    'a link in place of the list',
    () => [manifestsLayer([{ name: 'image-references', type: '2', link: 'release-metadata' }])],
    /no regular file/,
  ],
  [
    'the list in a layer below',
    (text) => [...releaseLayers(text), tarOf([{ name: 'etc/motd', content: 'hello' }])],
    undefined,
  ],
  [
    'the list taken away by a layer above',
    (text) => [...releaseLayers(text), tarOf([{ name: 'release-manifests/.wh.image-references' }])],
    /has no release-manifests/,
  ],
  [
    'its folder taken away by a layer above',
    (text) => [...releaseLayers(text), tarOf([{ name: '.wh.release-manifests' }])],
    /has no release-manifests/,
  ],
  [
    'its folder made anew by a layer above',
    (text) => [
      ...releaseLayers(text),
      tarOf([
        { name: 'release-manifests/', type: '5' },
        { name: 'release-manifests/.wh..wh..opq' },
      ]),
    ],
    /has no release-manifests/,
  ],
  [
    'another list above the first',
    (text) => [...releaseLayers('{}'), ...releaseLayers(text).slice(1)],
    undefined,
  ],
];

for (const [name, layers, message] of shapes) {
  t.test(`a release image with ${name}`, { skip }, async (t) => {
    const labels = { 'io.openshift.release': VERSION };
    const node = await releaseNode(t.testdir({}), {
      image: (references) => ({ layers: layers(references), labels }),
    });
    const found = await verified(node.root, node.settings);
    if (message === undefined) t.same(found.releaseNotes, []);
    else t.match(found.releaseNotes, [{ subject: RELEASE_NAME, message }]);
    t.equal(found.releaseNotes.length, message === undefined ? 0 : 1);
    t.same(releasesOf(found), message === undefined ? ALL_NAMED : NONE_NAMED);
  });
}

t.test('a release image without its label is known by its list', { skip }, async (t) => {
  const node: ReleaseNode = await releaseNode(t.testdir({}), {
    image: (references) => ({ layers: releaseLayers(references) }),
  });
  t.same(releasesOf(await verified(node.root, node.settings)), ALL_NAMED);
});

t.test(
  'a release for several platforms is signed as a list, and names lists',
  { skip },
  async (t) => {
    const node = await releaseNode(t.testdir({}), { areLists: true });
    const found = await verified(node.root, node.settings);
    t.same(found.releaseNotes, []);
    t.same(releasesOf(found), ALL_NAMED);
    t.equal(
      found.verdicts.find(({ reference }) => reference === NAMED)?.release?.image,
      sha256(node.release),
    );
    const folder = join(node.root, STORE, 'overlay-images');
    const images: readonly { id: string; names: readonly string[] }[] = JSON.parse(
      readFileSync(join(folder, 'images.json'), 'utf8'),
    );
    const [named, strange] = [NAMED, STRANGE].map(
      (name) => images.find(({ names }) => names.includes(name))?.id,
    );
    // A manifest that is in no list of the release.
    copyFileSync(join(folder, `${strange}`, 'manifest'), join(folder, `${named}`, 'manifest'));
    t.same(releasesOf(await verified(node.root, node.settings)), {
      ...ALL_NAMED,
      [NAMED]: undefined,
    });
  },
);

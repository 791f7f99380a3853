import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import type { VerifyOptions } from '../../../agent/images/verify-options.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import {
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  pulled,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, type StoreImage, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const REPOSITORY = 'team/app';
const MANIFEST = manifestOf('app');
const GOOD = signed(NAME, MANIFEST);
const BAD = signed(NAME, MANIFEST, OTHER_KEY);

const image = pulled({ seed: 'app', names: [NAME], signatures: [GOOD] });
const unsigned = pulled({ seed: 'app', names: [NAME] });
const badly = pulled({ seed: 'app', names: [NAME], signatures: [BAD] });
const { signatures: _, ...others } = image.data;
const damaged = { ...image, data: others };

const HTTPS = 'docker:\n  registry.example.com:\n    lookaside: https://signatures.example.com\n';
const registriesD = (text: string): Files => ({ '/etc/containers/registries.d/a.yaml': text });
const beside = (...signatures: readonly (Buffer | undefined)[]): Files =>
  lookasideFiles(REPOSITORY, MANIFEST, signatures);
const mirrored = (): Files => ({
  '/etc/containers/registries.conf':
    '[[registry]]\nlocation = "registry.example.com/team"\n[[registry.mirror]]\nlocation = "mirror.local/mirror"\n',
});
const ACCEPTED = { verdict: 'accepted', source: 'lookaside' };
const GARBAGE = Buffer.from('not a signature');

/** What is asked in which order, and what counts. */
const SOURCES: readonly (readonly [
  name: string,
  sources: VerifyOptions['sources'],
  image: StoreImage,
  files: Files,
  expected: object,
])[] = [
  [
    'a good signature in the lookaside, none in the store',
    undefined,
    unsigned,
    beside(GOOD),
    ACCEPTED,
  ],
  [
    'a good signature in the store, none in the lookaside',
    undefined,
    image,
    {},
    { verdict: 'accepted', source: 'store' },
  ],
  [
    'a good signature in the store, garbage in the lookaside',
    undefined,
    image,
    beside(GARBAGE),
    { verdict: 'accepted', source: 'store' },
  ],
  [
    'a bad signature in the store, a good one in the lookaside',
    undefined,
    badly,
    beside(GOOD),
    ACCEPTED,
  ],
  [
    'a bad signature in the store, none in the lookaside',
    undefined,
    badly,
    {},
    { verdict: 'rejected', reason: 'signature-invalid', source: 'store' },
  ],
  [
    'no signature anywhere',
    undefined,
    unsigned,
    {},
    { verdict: 'rejected', reason: 'no-signature', source: 'none' },
  ],
  [
    'damage in the store, a good signature in the lookaside',
    undefined,
    damaged,
    beside(GOOD),
    { verdict: 'rejected', reason: 'store-signatures' },
  ],
  [
    'none in the store, a lookaside of another scheme',
    undefined,
    unsigned,
    registriesD(HTTPS),
    { verdict: 'unknown', reason: 'source-not-enabled', message: /https/ },
  ],
  [
    'a bad one in the store, a lookaside of another scheme',
    undefined,
    badly,
    registriesD(HTTPS),
    { verdict: 'rejected', reason: 'signature-invalid' },
  ],
  [
    'none in the store, attachments in the registry',
    undefined,
    unsigned,
    registriesD('default-docker:\n  use-sigstore-attachments: true\n'),
    { verdict: 'unknown', reason: 'source-not-enabled', message: /attachments/ },
  ],
  [
    'the registry alone, which is blocked',
    ['registry'],
    image,
    {
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "registry.example.com"\nblocked = true\n',
    },
    { verdict: 'unknown', reason: 'source-not-enabled', message: /blocks/ },
  ],
  ['no source', [], image, {}, { verdict: 'unknown', reason: 'source-not-enabled' }],
  ['the lookaside alone', ['lookaside'], image, beside(GOOD), ACCEPTED],
  [
    'the lookaside alone, empty',
    ['lookaside'],
    image,
    {},
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'the lookaside alone, whose numbers have a gap',
    ['lookaside'],
    image,
    beside(undefined, GOOD),
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'the lookaside alone, garbage behind a good one (trap 3)',
    ['lookaside'],
    image,
    beside(GOOD, GARBAGE),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'the lookaside alone, an empty file',
    ['lookaside'],
    image,
    beside(Buffer.alloc(0)),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'the lookaside alone, 127 signatures',
    ['lookaside'],
    image,
    beside(...Array<Buffer>(126).fill(BAD), GOOD),
    ACCEPTED,
  ],
  [
    'the lookaside alone, 128 signatures',
    ['lookaside'],
    image,
    beside(...Array<Buffer>(128).fill(GOOD)),
    { verdict: 'rejected', reason: 'signatures-unreadable', message: /128/ },
  ],
  [
    'the lookaside alone, a signature of more than 4 MiB',
    ['lookaside'],
    image,
    beside(Buffer.alloc(4 * 1024 * 1024 + 1, 0xa3)),
    { verdict: 'unknown', reason: 'too-large' },
  ],
  [
    'the lookaside alone, garbage under a scope that asks for nothing',
    ['lookaside'],
    pulled({ seed: 'app', names: ['any.example.com/team/app:v1'] }),
    beside(GARBAGE),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'the store first, garbage in the lookaside under a scope that asks for nothing',
    undefined,
    pulled({ seed: 'app', names: ['any.example.com/team/app:v1'] }),
    beside(GARBAGE),
    { verdict: 'unenforced', source: 'none' },
  ],
  [
    'a lookaside without a scheme',
    ['lookaside'],
    image,
    registriesD('default-docker:\n  lookaside: /no/scheme\n'),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
  ],
  [
    'a lookaside with ftp',
    ['lookaside'],
    image,
    registriesD('default-docker:\n  lookaside: ftp://host/x\n'),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
  ],
  [
    'a lookaside elsewhere, with blanks in its path',
    ['lookaside'],
    image,
    {
      ...registriesD('default-docker:\n  lookaside: file:///srv/my%20signatures\n'),
      ...lookasideFiles(REPOSITORY, MANIFEST, [GOOD], '/srv/my signatures'),
    },
    ACCEPTED,
  ],
  [
    'a mirror’s part of the lookaside',
    ['lookaside'],
    image,
    { ...mirrored(), ...lookasideFiles('mirror/app', MANIFEST, [GOOD]) },
    ACCEPTED,
  ],
  [
    'the registry’s part of the lookaside, the mirror’s being empty',
    ['lookaside'],
    image,
    { ...mirrored(), ...beside(GOOD) },
    ACCEPTED,
  ],
  [
    'a file, a mirror’s lookaside being of another scheme',
    undefined,
    unsigned,
    {
      ...mirrored(),
      ...registriesD('docker:\n  mirror.local:\n    lookaside: https://x.example.com\n'),
      ...beside(GOOD),
    },
    ACCEPTED,
  ],
  [
    'nowhere, a mirror’s lookaside being of another scheme',
    undefined,
    unsigned,
    {
      ...mirrored(),
      ...registriesD('docker:\n  mirror.local:\n    lookaside: https://x.example.com\n'),
    },
    { verdict: 'unknown', reason: 'source-not-enabled' },
  ],
  [
    'the lookaside of a registry that is blocked by now',
    ['lookaside'],
    image,
    {
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "registry.example.com"\nblocked = true\n',
      ...beside(GOOD),
    },
    ACCEPTED,
  ],
  [
    'a registries.conf that does not parse',
    ['lookaside'],
    image,
    { '/etc/containers/registries.conf.d/a.conf': '[[registry]', ...beside(GOOD) },
    { verdict: 'unknown', reason: 'registries-invalid', message: /a\.conf/ },
  ],
  [
    'a registries.d that does not parse',
    ['lookaside'],
    image,
    registriesD('docker: ['),
    { verdict: 'unknown', reason: 'registries-invalid', message: /a\.yaml/ },
  ],
  [
    'a registries.d that does not parse, the store first',
    undefined,
    image,
    registriesD('docker: ['),
    { verdict: 'accepted', source: 'store' },
  ],
];

for (const [name, sources, image, files, expected] of SOURCES) {
  t.test(`signatures from ${name}`, async (t) => {
    const all = { ...trustFiles(), ...storeFiles([image]), ...files };
    const host = openHost(writeFiles(t.testdir({}), all));
    const options = sources === undefined ? {} : { sources };
    const { verdicts } = await verifyImages(host, await readNodeTrust(host), options);
    t.match(verdicts, [expected]);
  });
}

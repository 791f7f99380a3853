import t from 'tap';
import { parseReference } from '../../../shared/trust/reference.ts';
import {
  attachmentTag,
  lookupRegistriesD,
  parseRegistriesD,
  repositoryUrl,
  signatureUrl,
} from '../../../shared/trust/registries-d.ts';

const hex = '0123456789abcdef'.repeat(4);
const parse = (files: Readonly<Record<string, string | Uint8Array>>) =>
  parseRegistriesD(new Map(Object.entries(files)));
const lookUp = (files: Readonly<Record<string, string>>, reference: string) =>
  lookupRegistriesD(parse(files), parseReference(reference));

const files = {
  'a.yaml': `
docker:
  q.io/ns/app:v1: {lookaside: "https://tag"}
  q.io/ns: {use-sigstore-attachments: true}
  q.io: {lookaside: "https://host", use-sigstore-attachments: no}
  "*.io": {lookaside: "https://wild"}
`,
  'b.yaml': 'default-docker: {sigstore: "https://default", use-sigstore-attachments: On}\n',
};
const cases: readonly (readonly [string, string, string, string, boolean, string])[] = [
  [
    'the tag, then the namespace',
    'q.io/ns/app:v1',
    'https://tag',
    'q.io/ns/app:v1',
    true,
    'q.io/ns',
  ],
  [
    'host and namespace, each on its own',
    'q.io/ns/app:v2',
    'https://host',
    'q.io',
    true,
    'q.io/ns',
  ],
  ['an explicit false', 'q.io/other', 'https://host', 'q.io', false, 'q.io'],
  ['a wildcard, then the default', 'x.io/a', 'https://wild', '*.io', true, 'default-docker'],
  [
    'the default by its old name',
    'h.org/a',
    'https://default',
    'default-docker',
    true,
    'default-docker',
  ],
];
for (const [name, reference, base, scope, attachments, decidedBy] of cases) {
  t.test(`an image finds ${name}`, async (t) => {
    t.match(lookUp(files, reference), {
      lookaside: { base, scope, file: scope === 'default-docker' ? 'b.yaml' : 'a.yaml' },
      useSigstoreAttachments: attachments,
      attachments: { scope: decidedBy },
    });
  });
}

t.test('without any file there is a lookaside still', async (t) => {
  const reference = parseReference('q.io/ns/app');
  t.same(lookupRegistriesD(parse({}), reference), {
    lookaside: { base: 'file:///var/lib/containers/sigstore' },
    useSigstoreAttachments: false,
    attachments: {},
  });
  const { lookaside } = lookupRegistriesD(parse({}), reference, { home: '/home/a b' });
  t.equal(
    lookaside.base,
    'file:///home/a%20b/.local/share/containers/sigstore',
    'a user has his own',
  );
});

t.test('a lookaside is written to where staging says, if it does', async (t) => {
  const config = parse({
    'a.yaml':
      'docker:\n  q.io: {lookaside: "l:/", lookaside-staging: "s:/"}\n  r.io: {lookaside: "l:/"}\n',
  });
  const base = (reference: string, isWriting: boolean) =>
    lookupRegistriesD(config, parseReference(reference), { isWriting }).lookaside.base;
  t.equal(base('q.io/a', true), 's:/');
  t.equal(base('q.io/a', false), 'l:/');
  t.equal(base('r.io/a', true), 'l:/');
});

t.test('a signature has its address', async (t) => {
  const reference = parseReference('q.io:5000/ns/app:v1');
  t.equal(repositoryUrl('https://l/s', reference), 'https://l/s/ns/app');
  t.equal(
    signatureUrl('https://l/s?k=v', reference, `sha256:${hex}`, 0),
    `https://l/s/ns/app@sha256=${hex}/signature-1?k=v`,
  );
  t.equal(
    signatureUrl('file:///s/', reference, `sha512:${hex}${hex}`, 11),
    `file:///s//ns/app@sha512=${hex}${hex}/signature-12`,
  );
  for (const digest of ['', 'sha256:', 'sha256:../../x', hex, `sha256:${hex.toUpperCase()}`]) {
    t.equal(signatureUrl('file:///s', reference, digest, 0), undefined, `"${digest}" is no digest`);
    t.equal(attachmentTag(digest), undefined);
  }
  t.equal(attachmentTag(`sha256:${hex}`), `sha256-${hex}.sig`);
  t.throws(() => signatureUrl(':x', reference, `sha256:${hex}`, 0), {
    code: 'ERR_REGISTRIES_D_URL',
  });
});

t.test('an address that is none is found when it is used', async (t) => {
  const bad = { 'a.yaml': 'docker:\n  q.io: {lookaside: "http://[::1"}\n' };
  t.equal(lookUp(bad, 'other.io/a').lookaside.file, undefined);
  t.throws(() => lookUp(bad, 'q.io/a'), {
    code: 'ERR_REGISTRIES_D_URL',
    reason: 'url',
    file: 'a.yaml',
    path: 'docker["q.io"]',
  });
});

t.test('a reference with both tag and digest is refused', async (t) => {
  t.throws(() => lookUp(files, `q.io/a:1@sha256:${hex}`), { code: 'ERR_IMAGE_REFERENCE' });
});

t.test('what the library passes over in silence is told', async (t) => {
  const { warnings } = parse({
    'a.yaml':
      'version: 1\ndocker:\n  q.io: {Lookaside: x}\ndefault-docker: {sigstore: a, lookaside: b}\n',
    'b.yml': 'never read',
    'c.YAML': ']',
    README: 'nor this',
  });
  t.same(
    warnings.map(({ file, path }) => [file, path]),
    [
      ['a.yaml', 'version'],
      ['a.yaml', 'docker["q.io"].Lookaside'],
      ['a.yaml', 'default-docker'],
      ['b.yml', ''],
      ['c.YAML', ''],
    ],
  );
});

const scope = (value: string) => `docker:\n  q.io: ${value}\n`;
const refused: readonly (readonly [
  string,
  Readonly<Record<string, string | Uint8Array>>,
  string,
  string,
  string,
])[] = [
  [
    'a scope in two files, used or not',
    { 'a.yaml': scope('{}'), 'b.yaml': scope('{}') },
    'duplicate-scope',
    'b.yaml',
    'docker["q.io"]',
  ],
  [
    'a scope of nothing in two files',
    { 'a.yaml': scope(''), 'b.yaml': scope('~') },
    'duplicate-scope',
    'b.yaml',
    'docker["q.io"]',
  ],
  [
    'a default in two files',
    { 'b.yaml': 'default-docker: {}', 'a.yaml': 'default-docker: {}' },
    'duplicate-default',
    'b.yaml',
    'default-docker',
  ],
  [
    'a scope twice in one file',
    { 'a.yaml': `${scope('{}')}  q.io: {}\n` },
    'yaml',
    'a.yaml',
    'docker',
  ],
  ['one file that is no YAML', { 'a.yaml': scope('{}'), 'z.yaml': '}' }, 'yaml', 'z.yaml', ''],
  ['a file that is a text', { 'a.yaml': 'hello' }, 'yaml', 'a.yaml', ''],
  ['a scope that is a text', { 'a.yaml': scope('https://l') }, 'yaml', 'a.yaml', 'docker["q.io"]'],
  [
    'a lookaside that is a list',
    { 'a.yaml': scope('{lookaside: [a]}') },
    'yaml',
    'a.yaml',
    'docker["q.io"].lookaside',
  ],
  [
    'attachments by a number',
    { 'a.yaml': scope('{use-sigstore-attachments: 1}') },
    'yaml',
    'a.yaml',
    'docker["q.io"].use-sigstore-attachments',
  ],
  ['bytes that are no text', { 'a.yaml': Buffer.from([0xff, 0xff, 0xff]) }, 'yaml', 'a.yaml', ''],
];
for (const [name, content, reason, file, path] of refused) {
  t.test(`a folder with ${name} is refused`, async (t) => {
    t.throws(() => parse(content), {
      code: reason === 'yaml' ? 'ERR_REGISTRIES_D_SYNTAX' : 'ERR_REGISTRIES_D_DUPLICATE',
      reason,
      file,
      path,
      message: new RegExp(`^${file}: `),
    });
  });
}

t.test('null is no default, so another file may have one', async (t) => {
  t.doesNotThrow(() => parse({ 'a.yaml': 'default-docker:\n', 'b.yaml': 'default-docker: {}\n' }));
});

t.test('a file cut short anywhere is read or refused, nothing else', async (t) => {
  const bytes = Buffer.from(files['a.yaml']);
  let refusals = 0;
  for (let length = 0; length < bytes.length; length++) {
    try {
      parse({ 'a.yaml': bytes.subarray(0, length) });
    } catch (error) {
      refusals++;
      t.match(error, { code: 'ERR_REGISTRIES_D_SYNTAX', reason: 'yaml', file: 'a.yaml' });
    }
  }
  t.ok(refusals > 50, 'an open bracket or quotation mark is found');
});

// One piece: one table of what a registry may answer.
import t from 'tap';
import { sha256 } from '../../../shared/canonical.ts';
import {
  agree,
  attached,
  MANIFEST,
  type Node,
  noSkopeo,
  REPOSITORY,
  rootOf,
  verdictOf,
} from '../../support/pulling-node.ts';
import {
  type Answers,
  attachmentsOf,
  basicGuard,
  bearerGuard,
  type Content,
  floods,
  hangs,
  PASSWORD,
  type RegistryContent,
  registryAnswers,
  SignatureServer,
  USER,
} from '../../support/signature-server.ts';
import { KEY, KEY_PATH, signed } from '../../support/signed-images.ts';
import { openPgpKey, simplePayload, simpleSign } from '../../support/simple-signing.ts';
import type { Files } from '../../support/store-tree.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

/** What a server is made of when its host, and so the signatures, are known. */
type Served = (host: string) => RegistryContent | Promise<RegistryContent>;
const withAttachments =
  (...keys: readonly (typeof KEY)[]) =>
  (host: string): RegistryContent => {
    const reference = `${host}/${REPOSITORY}:v1`;
    const { blobs, ...attachments } = attachmentsOf(
      keys.map((key) => attached(reference, MANIFEST, key)),
    );
    return { manifest: MANIFEST, attachments, blobs: { ...CONFIG, ...blobs } };
  };
const CONFIG: Readonly<Record<string, Content>> = { [sha256('app')]: Buffer.from('app') };
const nothing = (_host: string): RegistryContent => ({ manifest: MANIFEST, blobs: CONFIG });
const secrets = (host: string): Files => ({
  '/var/lib/kubelet/config.json': JSON.stringify({
    auths: { [host]: { auth: Buffer.from(`${USER}:${PASSWORD}`).toString('base64') } },
  }),
});
const instead =
  (part: string, by: Answers) =>
  (answers: Answers): Answers =>
  (request, response) =>
    request.url?.includes(part) ? by(request, response) : answers(request, response);
const status =
  (code: number, body = ''): Answers =>
  (_request, response) =>
    void response.writeHead(code).end(body);
const lookasideAt = (host: string): object => ({
  'default-docker': { lookaside: `http://${host}/lookaside` },
});
const inLookaside =
  (...signatures: readonly Content[]) =>
  (_host: string): RegistryContent => ({
    ...nothing(''),
    files: Object.fromEntries(
      signatures.map((signature, index) => [`/signature-${index + 1}`, signature]),
    ),
  });
const goodFor = (host: string): Buffer => signed(`${host}/${REPOSITORY}:v1`, MANIFEST);
const same = (answers: Answers): Answers => answers;
const announcedTo =
  (guard: (answers: Answers) => Answers) =>
  (answers: Answers): Answers =>
  (request, response) => {
    response.setHeader('X-Registry-Supports-Signatures', '1');
    guard(answers)(request, response);
  };

const pgp = await openPgpKey('trusted');
const stranger = await openPgpKey('stranger');
const signedBy = (host: string): Partial<Node> => ({
  files: { [KEY_PATH]: pgp.armored, ...secrets(host) },
  policy: {
    default: [{ type: 'reject' }],
    transports: {
      docker: { [host]: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: KEY_PATH }] },
    },
  },
  registriesD: lookasideAt(host),
});
const simple = (host: string, key = pgp): Promise<Buffer> =>
  simpleSign(key, simplePayload(MANIFEST, `${host}/${REPOSITORY}:v1`));
const inExtension = (...signatures: readonly Buffer[]): RegistryContent => ({
  ...nothing(''),
  headers: { 'X-Registry-Supports-Signatures': '1' },
  extension: Buffer.from(
    JSON.stringify({
      signatures: signatures.map((signature) => ({
        schemaVersion: 2,
        name: 'sha256:x@y',
        type: 'atomic',
        content: signature.toString('base64'),
      })),
    }),
  ),
});

/** `slow`: skopeo has more patience than a test. */
const servers: readonly (readonly [
  name: string,
  served: Served,
  guard: (answers: Answers) => Answers,
  change: (host: string) => Partial<Node>,
  expected: object,
  isSlow?: 'slow',
])[] = [
  [
    'asks for a token',
    withAttachments(KEY),
    bearerGuard,
    (host) => ({ files: secrets(host) }),
    { verdict: 'accepted' },
  ],
  [
    'asks for a token and gets no credentials',
    withAttachments(KEY),
    bearerGuard,
    () => ({}),
    { verdict: 'unknown', reason: 'source-status', message: /\/token: .*401/ },
  ],
  [
    'asks for user and password',
    withAttachments(KEY),
    basicGuard,
    (host) => ({ files: secrets(host) }),
    { verdict: 'accepted' },
  ],
  [
    'asks for user and password and gets none',
    withAttachments(KEY),
    basicGuard,
    () => ({}),
    { verdict: 'unknown', reason: 'source-status' },
  ],
  [
    'answers 500 to /v2/',
    withAttachments(KEY),
    instead('/v2/', status(500)),
    () => ({}),
    { verdict: 'unknown', reason: 'source-status', message: /500/ },
  ],
  [
    'answers 500 for the attachments',
    withAttachments(KEY),
    instead('.sig', status(500)),
    () => ({}),
    { verdict: 'unknown', reason: 'source-status' },
  ],
  [
    'answers a bare 404 for the attachments',
    withAttachments(KEY),
    instead('.sig', status(404)),
    () => ({}),
    { verdict: 'rejected', reason: 'no-signature' },
    'slow',
  ],
  [
    'does not know the manifest',
    withAttachments(KEY),
    instead('/manifests/sha256:', status(404)),
    () => ({}),
    { verdict: 'unknown', reason: 'source-status' },
    'slow',
  ],
  [
    'answers 500 for a payload',
    withAttachments(KEY),
    instead('/blobs/', status(500)),
    () => ({}),
    { verdict: 'unknown', reason: 'source-status' },
  ],
  [
    'hangs at /v2/',
    withAttachments(KEY),
    instead('/v2/', hangs),
    () => ({}),
    { verdict: 'unknown', reason: 'source-unreachable' },
    'slow',
  ],
  [
    'hangs at a payload',
    withAttachments(KEY),
    instead('/blobs/', hangs),
    () => ({}),
    { verdict: 'unknown', reason: 'source-unreachable' },
    'slow',
  ],
  [
    'sends 100 MiB for a payload',
    withAttachments(KEY),
    instead('/blobs/', floods(100 * 1024 * 1024)),
    () => ({}),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
    'slow',
  ],
  [
    'sends an attachment manifest that is none',
    (host) => ({
      ...withAttachments(KEY)(host),
      attachments: { type: 'application/vnd.oci.image.manifest.v1+json', body: Buffer.from('[]') },
    }),
    same,
    () => ({}),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
    'slow',
  ],
  [
    'has a good signature in a lookaside',
    (host) => inLookaside(goodFor(host))(host),
    same,
    (host) => ({ registriesD: lookasideAt(host) }),
    { verdict: 'accepted' },
  ],
  [
    'has no signature in a lookaside',
    inLookaside(),
    same,
    (host) => ({ registriesD: lookasideAt(host) }),
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'has garbage in a lookaside',
    inLookaside(Buffer.from('garbage')),
    same,
    (host) => ({ registriesD: lookasideAt(host) }),
    { verdict: 'rejected', reason: 'blob-format' },
    'slow',
  ],
  [
    'answers 403 behind a good signature in a lookaside',
    (host) => inLookaside(goodFor(host), 403)(host),
    same,
    (host) => ({ registriesD: lookasideAt(host), sources: ['lookaside', 'registry'] }),
    { verdict: 'unknown', reason: 'source-status' },
    'slow',
  ],
  [
    'answers 403 in a lookaside',
    inLookaside(403),
    same,
    (host) => ({ registriesD: lookasideAt(host) }),
    { verdict: 'unknown', reason: 'source-status', message: /403/ },
  ],
  [
    'answers 500 in a lookaside',
    inLookaside(500),
    same,
    (host) => ({ registriesD: lookasideAt(host) }),
    { verdict: 'unknown', reason: 'source-status' },
  ],
  [
    'has a lookaside that is not to be asked',
    (host) => inLookaside(goodFor(host))(host),
    same,
    (host) => ({ registriesD: lookasideAt(host), sources: ['registry'] }),
    { verdict: 'unknown', reason: 'source-not-enabled' },
    'slow',
  ],
  [
    'has a lookaside that was all that was named',
    (host) => inLookaside(goodFor(host))(host),
    same,
    (host) => ({ registriesD: lookasideAt(host), sources: ['store', 'lookaside'] }),
    { verdict: 'accepted', source: 'lookaside' },
    'slow',
  ],
  [
    'hangs in a lookaside',
    (host) => inLookaside(goodFor(host))(host),
    instead('/lookaside/', hangs),
    (host) => ({ registriesD: lookasideAt(host), sources: ['store', 'lookaside'] }),
    { verdict: 'unknown', reason: 'source-unreachable' },
    'slow',
  ],
  [
    'sends 100 MiB in a lookaside',
    nothing,
    instead('/lookaside/', floods(100 * 1024 * 1024)),
    (host) => ({ registriesD: lookasideAt(host), sources: ['store', 'lookaside'] }),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
    'slow',
  ],
  [
    'has a good simple signature in a lookaside',
    async (host) => inLookaside(await simple(host))(host),
    same,
    signedBy,
    { verdict: 'accepted' },
  ],
  [
    'has a simple signature of a stranger in a lookaside',
    async (host) => inLookaside(await simple(host, stranger))(host),
    same,
    signedBy,
    { verdict: 'rejected' },
  ],
  [
    'redirects to a good simple signature',
    async (host) => {
      const content = inLookaside('/elsewhere')(host);
      return { ...content, files: { ...content.files, '/elsewhere': await simple(host) } };
    },
    same,
    signedBy,
    { verdict: 'accepted' },
  ],
  [
    'answers 500 behind a good simple signature',
    async (host) => inLookaside(await simple(host), 500)(host),
    same,
    (host) => ({ ...signedBy(host), sources: ['registry'] }),
    { verdict: 'unknown', reason: 'source-not-enabled' },
    'slow',
  ],
  [
    'gives a good signature itself',
    async (host) => inExtension(await simple(host)),
    same,
    signedBy,
    { verdict: 'accepted', source: 'registry' },
  ],
  [
    'gives a good signature itself, for a token',
    async (host) => inExtension(await simple(host)),
    announcedTo(bearerGuard),
    signedBy,
    { verdict: 'accepted' },
  ],
  [
    'gives a signature of a stranger itself',
    async (host) => inExtension(await simple(host, stranger)),
    same,
    signedBy,
    { verdict: 'rejected' },
  ],
  [
    'gives none itself and has a good one in a lookaside',
    async (host) => ({
      ...inLookaside(await simple(host))(host),
      ...inExtension(),
      files: inLookaside(await simple(host))(host).files ?? {},
    }),
    same,
    signedBy,
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'answers 500 for its own signatures',
    async (host) => ({ ...inExtension(await simple(host)), extension: 500 }),
    same,
    signedBy,
    { verdict: 'unknown', reason: 'source-status' },
    'slow',
  ],
  [
    'gives no list of its own signatures',
    async () => ({ ...inExtension(), extension: Buffer.from('{"signatures":1}') }),
    same,
    signedBy,
    { verdict: 'rejected', reason: 'signatures-unreadable' },
    'slow',
  ],
];
for (const [name, served, guard, change, expected, isSlow] of servers) {
  const skip = isSlow === undefined ? noSkopeo : false;
  t.test(`a registry that ${name}`, { skip }, async (t) => {
    let answers: Answers = hangs;
    await using server = await SignatureServer.start((request, response) =>
      answers(request, response),
    );
    const { host } = server;
    answers = guard(registryAnswers(await served(host)));
    const node = { host, ...change(host) };
    const root = rootOf(t.testdir({}), node);
    const verdict = await verdictOf(root, node);
    t.match(verdict, expected);
    t.notMatch(JSON.stringify(verdict), new RegExp(`${USER}|${PASSWORD}`), 'no secret is told');
    if (isSlow !== undefined) return;
    await agree(t, root, node, verdict);
  });
}

t.test('TLS is checked by the certificates of the registry, for its lookaside too', async (t) => {
  const authority = tlsAuthority();
  let answers: Answers = hangs;
  await using server = await SignatureServer.start(
    (request, response) => answers(request, response),
    authority.server,
  );
  const { host } = server;
  answers = registryAnswers(inLookaside(await simple(host))(host));
  const lookaside = { 'default-docker': { lookaside: `https://${host}/lookaside` } };
  for (const [name, ca, expected] of [
    ['known', authority.ca, { verdict: 'accepted' }],
    ['unknown', tlsAuthority().ca, { verdict: 'unknown', reason: 'source-unreachable' }],
  ] as const) {
    await t.test(`an ${name} authority`, { skip: noSkopeo }, async (t) => {
      const base = signedBy(host);
      const files = { ...base.files, [`/etc/containers/certs.d/${host}/ca.crt`]: ca };
      const node = { ...base, host, files, registriesD: lookaside, registriesConf: '' };
      const root = rootOf(t.testdir({}), node);
      const verdict = await verdictOf(root, node);
      t.match(verdict, expected);
      await agree(t, root, node, verdict);
    });
  }
});

t.test('a token that has expired is fetched anew', async (t) => {
  let answers: Answers = hangs;
  let left = 2;
  await using server = await SignatureServer.start((request, response) =>
    answers(request, response),
  );
  const { host } = server;
  const guarded = bearerGuard(registryAnswers(withAttachments(KEY)(host)));
  answers = (request, response) => {
    // The token is good for one request, then for all.
    if (request.headers.authorization?.startsWith('Bearer ') && --left === 0) {
      return void response.writeHead(401).end();
    }
    guarded(request, response);
  };
  const node = { host, files: secrets(host) };
  t.match(await verdictOf(rootOf(t.testdir({}), node), node), { verdict: 'accepted' });
  t.equal(server.count('/token'), 2);
});

import { createHash, generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import {
  configDigest,
  guessManifestType,
  MANIFEST_TYPE,
  ManifestError,
  manifestDigest,
  manifestInstances,
} from '../../../shared/trust/manifest.ts';

const bytes = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const sha256 = (data: string | Uint8Array) =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;
const error = { code: 'ERR_MANIFEST', name: ManifestError.name };
const OCI_CONFIG = { mediaType: 'application/vnd.oci.image.config.v1+json' };
const DOCKER_CONFIG = { mediaType: 'application/vnd.docker.container.image.v1+json' };
const instance = { mediaType: MANIFEST_TYPE.ociManifest, digest: sha256(''), size: 1 };
const { ociManifest, ociIndex, dockerManifest, dockerList, schema1, schema1Signed } = MANIFEST_TYPE;

const types = [
  ['nothing', '', ''],
  ['text', 'hello', ''],
  ['null', 'null', ''],
  ['a list', '[]', ''],
  ['an empty object', {}, ''],
  ['a declared OCI manifest', { mediaType: ociManifest }, ociManifest],
  [
    'a declared list, whatever its schema',
    { mediaType: dockerList, schemaVersion: 1, signatures: [] },
    dockerList,
  ],
  ['an undeclared OCI manifest', { schemaVersion: 2, config: OCI_CONFIG }, ociManifest],
  ['an undeclared Docker manifest', { schemaVersion: 2, config: DOCKER_CONFIG }, dockerManifest],
  ['an undeclared index', { schemaVersion: 2, manifests: [instance] }, ociIndex],
  ['an artifact', { schemaVersion: 2, config: { mediaType: 'application/x' } }, ociManifest],
  ['schema 1', { schemaVersion: 1 }, schema1],
  ['schema 1 with null signatures', { schemaVersion: 1, signatures: null }, schema1],
  ['schema 1 with signatures', { schemaVersion: 1, signatures: 0 }, schema1Signed],
  ['an unknown type of schema 1', { mediaType: 'x', schemaVersion: 1 }, schema1],
  ['schema 3', { schemaVersion: 3 }, ''],
  ['members in other case', { SCHEMAVERSION: 1, Signatures: [1] }, schema1Signed],
  ['members folded from Unicode', '{"\u017fchemaVersion":1,"\u017fignatures":[1]}', schema1Signed],
  ['members written with escapes', '{"schemaVersion":1,"\\u0073ignatures":[1]}', schema1Signed],
  [
    'a version given twice, the last one counts',
    '{"schemaVersion":1,"schemaVersion":2}',
    ociManifest,
  ],
  ['a version of null after one', '{"schemaVersion":1,"schemaVersion":null}', schema1],
  ['a version with a fraction', '{"schemaVersion":1.0}', ''],
  ['a version as text', { schemaVersion: '1' }, ''],
  ['a type as number', { mediaType: 1, schemaVersion: 1 }, ''],
  ['instances that are none', { schemaVersion: 2, manifests: [1] }, ''],
] as const;

for (const [name, value, expected] of types) {
  t.test(`${name} is ${expected || 'of no known type'}`, async (t) => {
    t.equal(guessManifestType(bytes(value)), expected);
  });
}

t.test(
  'the digest is of the bytes, white space included, even of what is no manifest',
  async (t) => {
    for (const text of ['', 'hello', '{}', '{"schemaVersion":2} ', '{"schemaVersion":1}']) {
      t.equal(manifestDigest(bytes(text)), sha256(text), text);
    }
    const declared = '{"mediaType":"application/vnd.oci.image.manifest.v1+json","signatures":[1]}';
    t.equal(manifestDigest(bytes(declared)), sha256(declared), 'a known type is not stripped');
  },
);

/** A schema 1 manifest as Docker signed it: what `protected` says of length and tail is what counts. */
function signed(
  payload: string,
  change: (signature: Record<string, unknown>) => object = (s) => s,
): string {
  const body = payload.slice(0, payload.lastIndexOf('\n}'));
  const tail = payload.slice(body.length);
  const format = {
    formatLength: body.length,
    formatTail: Buffer.from(tail).toString('base64url'),
    time: 'x',
  };
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = { jwk: publicKey.export({ format: 'jwk' }), alg: 'ES256' };
  const signature = change({
    header,
    signature: 'AA',
    protected: Buffer.from(JSON.stringify(format)).toString('base64url'),
  });
  return `${body},\n   "signatures": [${JSON.stringify(signature)}]${tail}`;
}

const payload = '{\n   "schemaVersion": 1,\n   "name": "a"\n}';

t.test('the digest of a signed schema 1 manifest is of what it was before', async (t) => {
  t.equal(manifestDigest(bytes(signed(payload))), sha256(payload));
  t.equal(
    manifestDigest(bytes({ schemaVersion: 1, signatures: [] })),
    sha256(''),
    'stripped to nothing',
  );
});

const protect = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const broken: readonly [string, (signature: Record<string, unknown>) => object][] = [
  ['no header', ({ header, ...rest }) => ({ ...rest, more: header })],
  ['a header of null', (signature) => ({ ...signature, header: null })],
  ['a key that is none', (signature) => ({ ...signature, header: { jwk: { kty: 'EC' } } })],
  ['nothing protected', ({ protected: _, ...rest }) => rest],
  ['protected text that is no base64url', (signature) => ({ ...signature, protected: '+/+/' })],
  ['protected text that is no JSON', (signature) => ({ ...signature, protected: protect('x') })],
  ['no length', (signature) => ({ ...signature, protected: protect({ formatTail: 'AA' }) })],
  [
    'a length as text',
    (signature) => ({ ...signature, protected: protect({ formatLength: '1', formatTail: 'AA' }) }),
  ],
  [
    'a length beyond the end',
    (signature) => ({ ...signature, protected: protect({ formatLength: 1e6, formatTail: 'AA' }) }),
  ],
  [
    'a negative length',
    (signature) => ({ ...signature, protected: protect({ formatLength: -1, formatTail: 'AA' }) }),
  ],
  ['no tail', (signature) => ({ ...signature, protected: protect({ formatLength: 1 }) })],
  [
    'a tail that is no base64url',
    (signature) => ({ ...signature, protected: protect({ formatLength: 1, formatTail: '=' }) }),
  ],
];

for (const [name, change] of broken) {
  t.test(`a signed schema 1 manifest with ${name} has no digest`, async (t) => {
    t.throws(() => manifestDigest(bytes(signed(payload, change))), error);
  });
}

t.test('signatures of schema 1 that contradict each other leave no digest', async (t) => {
  const one = signed(payload);
  const other = signed(payload, (signature) => ({
    ...signature,
    protected: protect({ formatLength: 3, formatTail: protect('\n}') }),
  }));
  const [first, second] = [one, other].map((text) => /"signatures": \[(.*)\]/.exec(text)?.[1]);
  t.throws(() => manifestDigest(bytes(one.replace(`[${first}]`, `[${first},${second}]`))), error);
  t.equal(manifestDigest(bytes(one.replace(`[${first}]`, `[${first},${first}]`))), sha256(payload));
});

t.test('instances of an index have digest and platform', async (t) => {
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const index = { schemaVersion: 2, manifests: [instance, { ...instance, platform }] };
  t.same(manifestInstances(bytes(index)), [
    { mediaType: ociManifest, digest: sha256('') },
    { mediaType: ociManifest, digest: sha256(''), ...platform },
  ]);
  for (const other of [
    '',
    'x',
    {},
    { schemaVersion: 2, config: OCI_CONFIG },
    { mediaType: ociIndex, manifests: 1 },
  ]) {
    t.throws(() => manifestInstances(bytes(other)), error, JSON.stringify(other));
  }
});

t.test('the configuration of a manifest has a digest, schema 1 has none', async (t) => {
  t.equal(configDigest(bytes({ config: { ...OCI_CONFIG, digest: 'sha256:x' } })), 'sha256:x');
  t.equal(configDigest(bytes({ schemaVersion: 1 })), undefined);
  t.throws(() => configDigest(bytes('x')), error);
  t.throws(() => configDigest(bytes({ config: 1 })), error);
});

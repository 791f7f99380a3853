// One piece: one valid policy, and a table of the ways to break it.
import t from 'tap';
import { PolicyError, parsePolicy } from '../../../shared/trust/policy.ts';

/** A policy with every kind of requirement, as a file would have it. */
const valid = {
  default: [{ type: 'reject' }],
  transports: {
    docker: {
      '': [{ type: 'insecureAcceptAnything' }],
      'quay.io': [
        {
          type: 'signedBy',
          keyType: 'GPGKeys',
          keyPath: '/etc/pki/a.gpg',
          signedIdentity: { type: 'exactReference', dockerReference: 'quay.io/x:1' },
        },
        { type: 'signedBy', keyType: 'GPGKeys', keyPaths: ['/a', '/b'] },
        { type: 'signedBy', keyType: 'signedByX509CAs', keyData: 'YQ==' },
      ],
      'quay.io/sigstore': [
        { type: 'sigstoreSigned', keyPath: '/a.pub', rekorPublicKeyDatas: ['YQ=='] },
        {
          type: 'sigstoreSigned',
          fulcio: { caData: 'YQ==', oidcIssuer: 'https://i', subjectEmail: 'a@b' },
          rekorPublicKeyPath: '/r.pub',
          signedIdentity: {
            type: 'remapIdentity',
            prefix: 'quay.io:443/sigstore',
            signedPrefix: 'a.b',
          },
        },
        {
          type: 'sigstoreSigned',
          pki: { caRootsPath: '/ca', caIntermediatesData: 'YQ==', subjectHostname: 'h' },
          signedIdentity: { type: 'matchRepository' },
        },
      ],
    },
    dir: {
      '/srv': [
        {
          type: 'signedBaseLayer',
          baseLayerIdentity: { type: 'exactRepository', dockerRepository: 'b' },
        },
      ],
    },
    unheard: { 'of//': [{ type: 'reject' }] },
  },
};
const text = JSON.stringify(valid);

t.test('a policy keeps what the file says', async (t) => {
  const policy = parsePolicy(text);
  const plain = Object.fromEntries(
    [...policy.transports].map(([name, scopes]) => [name, Object.fromEntries(scopes)]),
  );
  const signed = JSON.parse(text);
  const identity = { type: 'matchRepoDigestOrExact' };
  for (const requirement of [
    signed.transports.docker['quay.io'][1],
    signed.transports.docker['quay.io'][2],
    signed.transports.docker['quay.io/sigstore'][0],
  ]) {
    requirement.signedIdentity = identity;
  }
  t.same(
    { default: policy.default, transports: plain },
    signed,
    'an identity left out is filled in',
  );
  t.same(parsePolicy(Buffer.from(text)), policy, 'its bytes read alike');
  t.equal(parsePolicy('{"default":[{"type":"reject"}]}').transports.size, 0, 'transports may lack');
});

/** The policy with its only `quay.io` requirement replaced. */
const policyWith = (requirement: unknown) =>
  JSON.stringify({
    default: [{ type: 'reject' }],
    transports: { docker: { 'quay.io': [requirement] } },
  });
const at = 'transports.docker["quay.io"][0]';
const signedBy = { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/a' };
const sigstore = { type: 'sigstoreSigned', keyPath: '/a' };
const fulcio = { caPath: '/c', oidcIssuer: 'i', subjectEmail: 'e' };
const pki = { caRootsPath: '/c', subjectEmail: 'e' };
const { keyPath: _, ...keyless } = signedBy;

const refused: readonly (readonly [string, string, string, string, RegExp])[] = [
  ['no default', '{}', 'missing-field', '', /expected a member default/],
  ['a default of null', '{"default":null}', 'empty-list', 'default', /at least one requirement/],
  ['an empty default', '{"default":[]}', 'empty-list', 'default', /found none/],
  ['a requirement of null', '{"default":[null]}', 'unknown-type', 'default[0]', /found ""/],
  [
    'a requirement that is a text',
    '{"default":["reject"]}',
    'wrong-type',
    'default[0]',
    /an object/,
  ],
  [
    'transports of null',
    '{"default":[{"type":"reject"}],"transports":null}',
    'wrong-type',
    'transports',
    /an object, found null/,
  ],
  [
    'an unknown requirement',
    policyWith({ type: 'signedby' }),
    'unknown-type',
    `${at}.type`,
    /expected a requirement type, found "signedby"$/,
  ],
  [
    'a type in another case',
    '{"default":[{"TYPE":"reject"}]}',
    'unknown-field',
    'default[0].TYPE',
    /no member "TYPE"/,
  ],
  [
    'a second type',
    '{"default":[{"type":"reject","type":"reject"}]}',
    'duplicate-key',
    'default[0].type',
    /again/,
  ],
  ['a type that is a number', policyWith({ type: 1 }), 'wrong-type', `${at}.type`, /found 1$/],
  [
    'another member beside reject',
    policyWith({ type: 'reject', why: '' }),
    'unknown-field',
    `${at}.why`,
    /why/,
  ],
  [
    'no key source',
    policyWith(keyless),
    'exclusive-fields',
    at,
    /exactly one of keyPath, keyPaths, keyData/,
  ],
  [
    'two key sources',
    policyWith({ ...signedBy, keyData: 'YQ==' }),
    'exclusive-fields',
    at,
    /exactly one/,
  ],
  [
    'an empty keyPath beside keyData',
    policyWith({ ...signedBy, keyPath: '', keyData: 'YQ==' }),
    'exclusive-fields',
    at,
    /exactly one/,
  ],
  [
    'an empty keyPath',
    policyWith({ ...signedBy, keyPath: '' }),
    'exclusive-fields',
    at,
    /a value in keyPath$/,
  ],
  [
    'a keyData of null',
    policyWith({ ...keyless, keyData: null }),
    'exclusive-fields',
    at,
    /a value in keyData$/,
  ],
  ['no keyType', policyWith({ type: 'signedBy', keyPath: '/a' }), 'missing-field', at, /keyType/],
  [
    'another keyType',
    policyWith({ ...signedBy, keyType: 'gpgkeys' }),
    'invalid-value',
    `${at}.keyType`,
    /expected GPGKeys/,
  ],
  [
    'keyDatas beside signedBy',
    policyWith({ ...keyless, keyDatas: ['YQ=='] }),
    'unknown-field',
    `${at}.keyDatas`,
    /keyDatas/,
  ],
  [
    'key data that is no base64',
    policyWith({ ...keyless, keyData: 'YQ' }),
    'invalid-value',
    `${at}.keyData`,
    /padding/,
  ],
  [
    'a byte too large',
    policyWith({ ...keyless, keyData: [1, 256] }),
    'wrong-type',
    `${at}.keyData[1]`,
    /0 to 255/,
  ],
  [
    'an identity of null',
    policyWith({ ...signedBy, signedIdentity: null }),
    'unknown-type',
    `${at}.signedIdentity`,
    /identity rule/,
  ],
  [
    'an unknown identity',
    policyWith({ ...signedBy, signedIdentity: { type: 'any' } }),
    'unknown-type',
    `${at}.signedIdentity.type`,
    /found "any"/,
  ],
  [
    'an exact reference without a tag',
    policyWith({ ...signedBy, signedIdentity: { type: 'exactReference', dockerReference: 'b' } }),
    'invalid-value',
    `${at}.signedIdentity.dockerReference`,
    /a tag or digest/,
  ],
  [
    'an exact repository that is none',
    policyWith({
      ...signedBy,
      signedIdentity: { type: 'exactRepository', dockerRepository: 'q.io/B' },
    }),
    'invalid-value',
    `${at}.signedIdentity.dockerRepository`,
    /lower case/,
  ],
  [
    'a prefix with a tag',
    policyWith({
      ...signedBy,
      signedIdentity: { type: 'remapIdentity', prefix: 'a.b', signedPrefix: 'a.b/c:t' },
    }),
    'invalid-value',
    `${at}.signedIdentity.signedPrefix`,
    /begins with one/,
  ],
  [
    'no identity of a base layer',
    policyWith({ type: 'signedBaseLayer' }),
    'missing-field',
    at,
    /baseLayerIdentity/,
  ],
  [
    'no source of a sigstore key',
    policyWith({ type: 'sigstoreSigned', keyPath: '' }),
    'exclusive-fields',
    at,
    /exactly one of keyPath, .* pki/,
  ],
  [
    'two sources of a sigstore key',
    policyWith({ ...sigstore, keyDatas: ['YQ=='] }),
    'exclusive-fields',
    at,
    /exactly one/,
  ],
  [
    'an empty list of sigstore keys',
    policyWith({ type: 'sigstoreSigned', keyPaths: [] }),
    'empty-list',
    at,
    /keyPaths$/,
  ],
  [
    'an empty list of Rekor keys',
    policyWith({ ...sigstore, rekorPublicKeyDatas: null }),
    'empty-list',
    at,
    /rekorPublicKeyDatas$/,
  ],
  [
    'two sources of Rekor keys',
    policyWith({ ...sigstore, rekorPublicKeyPath: '/r', rekorPublicKeyPaths: ['/r'] }),
    'exclusive-fields',
    at,
    /at most one/,
  ],
  [
    'Fulcio without Rekor',
    policyWith({ type: 'sigstoreSigned', fulcio }),
    'missing-field',
    at,
    /beside fulcio/,
  ],
  [
    'Fulcio with two CAs',
    policyWith({ type: 'sigstoreSigned', fulcio: { ...fulcio, caData: '' } }),
    'exclusive-fields',
    `${at}.fulcio`,
    /not in both/,
  ],
  [
    'Fulcio without an issuer',
    policyWith({ type: 'sigstoreSigned', fulcio: { ...fulcio, oidcIssuer: '' } }),
    'missing-field',
    `${at}.fulcio`,
    /oidcIssuer/,
  ],
  [
    'a PKI beside Rekor',
    policyWith({ type: 'sigstoreSigned', pki, rekorPublicKeyPath: '/r' }),
    'exclusive-fields',
    at,
    /beside pki/,
  ],
  [
    'a PKI without a subject',
    policyWith({ type: 'sigstoreSigned', pki: { caRootsPath: '/c' } }),
    'missing-field',
    `${at}.pki`,
    /subjectHostname/,
  ],
  [
    'a PKI without roots',
    policyWith({ type: 'sigstoreSigned', pki: { subjectEmail: 'e' } }),
    'missing-field',
    `${at}.pki`,
    /caRootsPath/,
  ],
];
for (const [name, broken, reason, path, message] of refused) {
  t.test(`a policy with ${name} is refused`, async (t) => {
    t.throws(() => parsePolicy(broken), { code: 'ERR_POLICY_VALUE', reason, path, message });
  });
}

const edits: readonly (readonly [string, string, string, string])[] = [
  [
    'a repeated scope, escaped',
    '"":[',
    '"q.i\\u006f":[{"type":"reject"}],"q.io":[{"type":"reject"}],"":[',
    'duplicate-key',
  ],
  ['a repeated transport', '"dir":', '"docker":', 'duplicate-key'],
  ['an unknown member', '"transports":', '"version":1,"transports":', 'unknown-field'],
  ['a scope that dir: refuses', '"/srv"', '"/srv/"', 'invalid-scope'],
  [
    'a bad requirement of an unknown transport',
    '"of//":[{"type":"reject"',
    '"of//":[{"type":"no"',
    'unknown-type',
  ],
  ['a scope without requirements', '[{"type":"insecureAcceptAnything"}]', '[]', 'empty-list'],
];
for (const [name, from, to, reason] of edits) {
  t.test(`one ${name} spoils the whole file`, async (t) => {
    const broken = text.replace(from, to);
    t.not(broken, text);
    t.throws(() => parsePolicy(broken), { code: 'ERR_POLICY_VALUE', reason });
  });
}

const accepted: readonly (readonly [string, string])[] = [
  [
    'signedBy with an empty list of keys, which no signature meets',
    policyWith({ ...keyless, keyPaths: [] }),
  ],
  ['signedBy with empty key data', policyWith({ ...keyless, keyData: '' })],
  ['key data as a list of bytes', policyWith({ ...keyless, keyData: [97, null] })],
  [
    'an empty keyPath of sigstoreSigned beside keyData',
    policyWith({ ...sigstore, keyPath: '', keyData: 'YQ==' }),
  ],
  ['scopes that no image leads to', text.replace('"quay.io"', '"*.quay.io:5000/x"')],
  [
    'a transport in another case, which is an unknown one',
    text.replace('"dir"', '"Dir"').replace('/srv', 'srv/'),
  ],
  ['an invalid byte in a scope', text.replace('of//', '\ufffd')],
];
for (const [name, policy] of accepted) {
  t.doesNotThrow(() => parsePolicy(policy), `a policy is accepted with ${name}`);
}

t.test('a fault has its place in the file', async (t) => {
  const pretty = JSON.stringify(valid, null, 2).replace('"keyType": "GPGKeys"', '"keyType": "GPG"');
  const before = pretty.slice(0, pretty.indexOf('"GPG"')).split('\n');
  t.throws(() => parsePolicy(pretty), {
    code: 'ERR_POLICY_VALUE',
    path: 'transports.docker["quay.io"][0].keyType',
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    message:
      'transports.docker["quay.io"][0].keyType: expected GPGKeys, signedByGPGKeys, X509Certificates, signedByX509CAs, found "GPG"',
  });
  t.throws(() => parsePolicy('{\n "default": [,]\n}'), {
    code: 'ERR_POLICY_SYNTAX',
    reason: 'json-syntax',
    line: 2,
    column: 14,
    message: 'line 2, column 14: expected a value, found ","',
  });
});

t.test(
  'a policy cut short anywhere, or with any byte spoilt, never throws anything else',
  async (t) => {
    const bytes = Buffer.from(text);
    let refusals = 0;
    const read = (content: Uint8Array) => {
      try {
        parsePolicy(content);
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        refusals++;
      }
    };
    for (let length = 0; length < bytes.length; length++) read(bytes.subarray(0, length));
    t.equal(refusals, bytes.length, 'each beginning of the file is refused');
    for (let index = 0; index < bytes.length; index++) {
      for (const byte of [0, 0x22, 0x2c, 0x7d, 0xff]) {
        const spoilt = Buffer.from(bytes);
        spoilt[index] = byte;
        read(spoilt);
      }
    }
    t.ok(refusals > 4 * bytes.length, 'most damage is found');
  },
);

for (const [name, content] of [
  ['nothing', ''],
  ['a million brackets', '['.repeat(1_000_000)],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
] as const) {
  t.throws(
    () => parsePolicy(content),
    { reason: 'json-syntax', code: 'ERR_POLICY_SYNTAX' },
    `${name} is no policy`,
  );
}

// One piece: tables of two policies and the change between them.
import t from 'tap';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import { diffPolicies } from '../../../shared/trust/policy-diff.ts';
import { parseRegistriesD } from '../../../shared/trust/registries-d.ts';
import { ecKey } from '../../support/certificates.ts';

const REDHAT = '/etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release';
const FINGERPRINT = '567E347AD0044ADE55BA8A5F199E2F91FD431D51';
const accept = { type: 'insecureAcceptAnything' };
const reject = { type: 'reject' };
const signedBy = (keyPath: string, more: object = {}) => ({
  type: 'signedBy',
  keyType: 'GPGKeys',
  keyPath,
  ...more,
});
const redhat = signedBy(REDHAT);
const sigstore = (more: object = { keyPath: '/cosign.pub' }) => ({
  type: 'sigstoreSigned',
  ...more,
});
const identity = (type: string, more: object = {}) => ({ signedIdentity: { type, ...more } });

type Requirements = readonly object[];

function policy(docker: Readonly<Record<string, Requirements>>, fallback: Requirements = [reject]) {
  return parsePolicy(JSON.stringify({ default: fallback, transports: { docker } }));
}

const keyNames = ({ path }: { readonly path?: string }) =>
  path === REDHAT ? [FINGERPRINT] : undefined;

function diff(old: ReturnType<typeof policy>, now: ReturnType<typeof policy>): readonly string[] {
  return diffPolicies({ policy: old }, { policy: now }, { keyNames }).map(
    ({ effect, reason }) => `${effect}: ${reason}`,
  );
}

const one = (requirement: object): Requirements => [requirement];
const a = ecKey();
const b = ecKey();
const data = (text: string): string => Buffer.from(text).toString('base64');

const requirements: readonly (readonly [string, Requirements, Requirements, string | undefined])[] =
  [
    [
      'a signature is no longer needed',
      one(redhat),
      one(accept),
      'weakened: x.io no longer requires a signature by 567E…1D51',
    ],
    [
      'a signature is needed now',
      one(accept),
      one(redhat),
      'strengthened: x.io now requires a signature by 567E…1D51',
    ],
    [
      'what was refused is accepted',
      one(reject),
      one(accept),
      'weakened: x.io is no longer refused: it is accepted without a signature',
    ],
    [
      'what was refused needs a signature',
      one(reject),
      one(redhat),
      'weakened: x.io is no longer refused: it requires a signature by 567E…1D51',
    ],
    [
      'what needed a signature is refused',
      one(redhat),
      one(reject),
      'strengthened: x.io is now refused',
    ],
    [
      'a key more',
      one(redhat),
      one(signedBy('', { keyPath: undefined, keyPaths: [REDHAT, '/b'] })),
      'weakened: x.io also accepts a signature by /b',
    ],
    [
      'a key less',
      one(signedBy('', { keyPath: undefined, keyPaths: [REDHAT, '/b'] })),
      one(redhat),
      'strengthened: x.io no longer accepts a signature by /b',
    ],
    [
      'another key',
      one(redhat),
      one(signedBy('/b')),
      'weakened: x.io accepts a signature by /b in place of 567E…1D51; old and new cannot be compared',
    ],
    [
      'another means',
      one(redhat),
      one(sigstore()),
      'weakened: x.io requires a sigstore signature by /cosign.pub in place of a signature by 567E…1D51, which cannot be compared',
    ],
    [
      'a second requirement',
      one(redhat),
      [redhat, sigstore()],
      'strengthened: x.io now requires a sigstore signature by /cosign.pub too',
    ],
    [
      'one requirement of two',
      [redhat, sigstore()],
      one(redhat),
      'weakened: x.io no longer requires a sigstore signature by /cosign.pub',
    ],
    [
      'a wider identity',
      one(redhat),
      one({ ...redhat, ...identity('matchRepository') }),
      'weakened: x.io accepts images signed as matchRepository in place of matchRepoDigestOrExact',
    ],
    [
      'a narrower identity',
      one(redhat),
      one({ ...redhat, ...identity('matchExact') }),
      'strengthened: x.io accepts only images signed as matchExact, not as matchRepoDigestOrExact',
    ],
    [
      'an identity of another kind',
      one(redhat),
      one({ ...redhat, ...identity('exactRepository', { dockerRepository: 'x.io/y' }) }),
      'weakened: x.io accepts images signed as exactRepository x.io/y in place of matchRepoDigestOrExact; old and new cannot be compared',
    ],
    [
      'a log that is no longer needed',
      one(sigstore({ keyPath: '/k', rekorPublicKeyPath: '/r' })),
      one(sigstore({ keyPath: '/k' })),
      'weakened: x.io no longer requires an entry in a transparency log',
    ],
    [
      'a log that is needed now',
      one(sigstore({ keyPath: '/k' })),
      one(sigstore({ keyPath: '/k', rekorPublicKeyPath: '/r' })),
      'strengthened: x.io now requires an entry in a transparency log',
    ],
    [
      'another log',
      one(sigstore({ keyPath: '/k', rekorPublicKeyPath: '/r' })),
      one(sigstore({ keyPath: '/k', rekorPublicKeyPath: '/s' })),
      'weakened: x.io accepts transparency log entries signed by /s; old and new cannot be compared',
    ],
    [
      'the same key in another layout',
      one(sigstore({ keyData: data(a.pem) })),
      one(sigstore({ keyDatas: [data(`again\n${a.pem}`)] })),
      undefined,
    ],
    [
      'a broken key beside a good one',
      one(sigstore({ keyDatas: [data(a.pem), data('x')] })),
      one(sigstore({ keyData: data(a.pem) })),
      /^weakened: x\.io is no longer refused/.source,
    ],
    [
      'the path as a list of one',
      one(redhat),
      one(signedBy('', { keyPath: undefined, keyPaths: [REDHAT] })),
      undefined,
    ],
    [
      'the default identity written out',
      one(redhat),
      one({ ...redhat, ...identity('matchRepoDigestOrExact') }),
      undefined,
    ],
    [
      'requirements in another order',
      [redhat, sigstore()],
      [sigstore(), redhat, redhat],
      undefined,
    ],
    ['nothing asked beside something', one(redhat), [accept, redhat], undefined],
    [
      'refused in another way',
      one(reject),
      one({ type: 'signedBaseLayer', baseLayerIdentity: { type: 'matchExact' } }),
      undefined,
    ],
    [
      'a list without keys, which refuses',
      one(signedBy('', { keyPath: undefined, keyPaths: [] })),
      one(reject),
      undefined,
    ],
  ];

for (const [name, old, now, expected] of requirements) {
  t.test(`between requirements, ${name}`, async (t) => {
    const found = diff(policy({ 'x.io': old }), policy({ 'x.io': now }));
    if (expected === undefined) t.same(found, []);
    else if (expected.startsWith('^')) t.match(found, [new RegExp(expected)]);
    else t.same(found, [expected]);
  });
}

const fulcio = (more: object = {}) =>
  sigstore({
    fulcio: { caPath: '/ca', oidcIssuer: 'https://i', subjectEmail: 'a@b', ...more },
    rekorPublicKeyPath: '/r',
  });
const pki = (more: object = {}) =>
  sigstore({ pki: { caRootsPath: '/ca', subjectEmail: 'a@b', ...more } });
const certificates: readonly (readonly [string, object, object, RegExp | undefined])[] = [
  ['the same', fulcio(), fulcio(), undefined],
  [
    'another authority',
    fulcio(),
    fulcio({ caPath: '/other' }),
    /^weakened.*authority.*cannot be compared$/,
  ],
  ['another issuer', fulcio(), fulcio({ oidcIssuer: 'https://j' }), /^weakened.*OIDC issuer/],
  ['another subject', fulcio(), fulcio({ subjectEmail: 'c@d' }), /^weakened.*subject/],
  [
    'a key in place of it',
    fulcio(),
    sigstore(),
    /^weakened: x\.io requires a sigstore signature by \/cosign\.pub in place of .*cannot be compared$/,
  ],
  ['the same of an own authority', pki(), pki(), undefined],
  [
    'a host needed too',
    pki(),
    pki({ subjectHostname: 'h' }),
    /^strengthened: x\.io now requires a sigstore signature by a@b at h/,
  ],
  ['a host no longer needed', pki({ subjectHostname: 'h' }), pki(), /^weakened.*subject/],
  ['other intermediates', pki(), pki({ caIntermediatesPath: '/i' }), /^weakened.*authority/],
];

for (const [name, old, now, expected] of certificates) {
  t.test(`between certificates, ${name}`, async (t) => {
    const found = diff(policy({ 'x.io': [old] }), policy({ 'x.io': [now] }));
    if (expected === undefined) t.same(found, []);
    else t.match(found, [expected]);
  });
}

type Scopes = Readonly<Record<string, Requirements>>;
const scopes: readonly (readonly [string, Scopes, Scopes, readonly string[]])[] = [
  [
    'an entry goes and its parent says the same',
    { 'x.io/a': [redhat], 'x.io': [redhat] },
    { 'x.io': [redhat] },
    [],
  ],
  [
    'an entry goes and its parent says less',
    { 'x.io/a': [redhat], 'x.io': [accept] },
    { 'x.io': [accept] },
    [
      'weakened: x.io/a no longer requires a signature by 567E…1D51 (its entry is gone, x.io speaks)',
    ],
  ],
  [
    'an entry goes and a wildcard says less',
    { 'a.x.io': [redhat], '*.io': [accept] },
    { '*.io': [accept] },
    [
      'weakened: a.x.io no longer requires a signature by 567E…1D51 (its entry is gone, *.io speaks)',
    ],
  ],
  [
    'an entry goes and the default refuses',
    { 'x.io': [redhat] },
    {},
    ['strengthened: x.io is now refused (its entry is gone, the default speaks)'],
  ],
  [
    'an entry comes where the parent asked more',
    { 'x.io': [redhat] },
    { 'x.io': [redhat], 'x.io/a:1': [accept] },
    ['weakened: x.io/a:1 no longer requires a signature by 567E…1D51 (x.io spoke for it)'],
  ],
  [
    'a tag hides its repository',
    { 'x.io/a': [redhat] },
    { 'x.io/a': [redhat], 'x.io/a:1': [redhat] },
    [],
  ],
  [
    'a parent changes beneath an entry that stays',
    { 'x.io/a': [redhat], 'x.io': [redhat] },
    { 'x.io/a': [redhat], 'x.io': [accept] },
    ['weakened: x.io no longer requires a signature by 567E…1D51'],
  ],
  [
    'the rest of the transport',
    { '': [redhat] },
    { '': [accept] },
    ['weakened: every other image of docker no longer requires a signature by 567E…1D51'],
  ],
  [
    'a scope that no image leads to',
    { '*.x.io:5000': [redhat] },
    { '*.x.io:5000': [accept] },
    ['neutral: the entry for *.x.io:5000 changed, but no image leads to it'],
  ],
  [
    'the weakened first',
    { 'a.io': [accept], 'b.io': [redhat] },
    { 'a.io': [reject], 'b.io': [accept] },
    [
      'weakened: b.io no longer requires a signature by 567E…1D51',
      'strengthened: a.io is now refused',
    ],
  ],
];

for (const [name, old, now, expected] of scopes) {
  t.test(`between scopes, ${name}`, async (t) => t.same(diff(policy(old), policy(now)), expected));
}

t.test('a default that is weakened speaks for all that has no entry', async (t) => {
  const now = policy({}, [accept]);
  t.same(diff(policy({ 'x.io': [redhat] }), now), [
    'weakened: the default is no longer refused: it is accepted without a signature',
    'weakened: x.io no longer requires a signature by 567E…1D51 (its entry is gone, the default speaks)',
  ]);
});

t.test('a key of the policy itself goes by its fingerprint', async (t) => {
  const [change = ''] = diff(
    policy({ 'x.io': [sigstore({ keyData: data(b.pem) })] }),
    policy({ 'x.io': [accept] }),
  );
  t.match(change, /by sha256:[0-9a-f]{4}…[0-9a-f]{4}$/);
});

t.test('other transports are named', async (t) => {
  const at = (requirement: object) =>
    parsePolicy(
      JSON.stringify({ default: [reject], transports: { dir: { '/srv': [requirement] } } }),
    );
  t.same(diff(at(redhat), at(accept)), [
    'weakened: dir:/srv no longer requires a signature by 567E…1D51',
  ]);
});

const asks = policy({ 'x.io': [redhat] });
const asksSigstore = policy({ 'x.io': [sigstore()] });
const asksNothing = policy({ 'x.io': [accept] });
const registries: readonly (readonly [
  string,
  ReturnType<typeof policy>,
  string,
  string,
  readonly RegExp[],
])[] = [
  [
    'nothing changes',
    asks,
    'docker: {x.io: {lookaside: "https://a"}}',
    'docker: {x.io: {lookaside: "https://a"}}',
    [],
  ],
  [
    'an old name is put in place of the new',
    asks,
    'docker: {x.io: {lookaside: "https://a"}}',
    'docker: {x.io: {sigstore: "https://a"}}',
    [],
  ],
  [
    'a lookaside is moved',
    asks,
    'docker: {x.io: {lookaside: "https://a"}}',
    'docker: {x.io: {lookaside: "https://b"}}',
    [/^weakened: signatures of x\.io are read at https:\/\/b in place of https:\/\/a/],
  ],
  [
    'a lookaside is moved that nobody needs',
    asksNothing,
    'docker: {x.io: {lookaside: "https://a"}}',
    'docker: {x.io: {lookaside: "https://b"}}',
    [/^neutral: .*the policy asks for none$/],
  ],
  [
    'a lookaside goes',
    asks,
    'docker: {x.io: {lookaside: "https://a"}}',
    '{}',
    [/^weakened: .* read at file:\/\/\/var\/lib\/containers\/sigstore in place/],
  ],
  [
    'a lookaside of the default is moved',
    asks,
    'default-docker: {lookaside: "https://a"}',
    'default-docker: {lookaside: "https://b"}',
    [/^weakened: signatures of registries without an entry/],
  ],
  [
    'a lookaside is inherited',
    asks,
    'docker: {x.io: {lookaside: "https://a"}, x.io/n: {lookaside: "https://a"}}',
    'docker: {x.io: {lookaside: "https://a"}}',
    [],
  ],
  [
    'attachments are switched off',
    asksSigstore,
    'docker: {x.io: {use-sigstore-attachments: true}}',
    'docker: {x.io: {use-sigstore-attachments: false}}',
    [/^strengthened: sigstore attachments of x\.io are no longer read: .*refused$/],
  ],
  [
    'attachments are switched on',
    asksSigstore,
    '{}',
    'docker: {x.io: {use-sigstore-attachments: true}}',
    [/^weakened: sigstore attachments of x\.io are now read/],
  ],
  [
    'attachments are switched on for OpenPGP',
    asks,
    '{}',
    'docker: {x.io: {use-sigstore-attachments: true}}',
    [/^neutral/],
  ],
  [
    'attachments are written out as off',
    asksSigstore,
    '{}',
    'docker: {x.io: {use-sigstore-attachments: false}}',
    [],
  ],
  [
    'a scope that no image leads to',
    asks,
    '{}',
    'docker: {busybox: {lookaside: "https://b"}}',
    [/^neutral: .*no image leads to this scope$/],
  ],
];

for (const [name, both, old, now, expected] of registries) {
  t.test(`between registries.d, ${name}`, async (t) => {
    const read = (text: string) => parseRegistriesD(new Map([['x.yaml', text]]));
    const found = diffPolicies(
      { policy: both, registriesD: read(old) },
      { policy: both, registriesD: read(now) },
    );
    t.match(
      found.map(({ effect, reason }) => `${effect}: ${reason}`),
      expected,
    );
    t.equal(found.length, expected.length);
    for (const change of found) t.equal(change.part, 'registries.d');
  });
}

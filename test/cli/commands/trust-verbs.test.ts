// One piece: verbs over one set of keys, signatures and policies that other programs made.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { makeImageStore, whyNoStore } from '../../support/image-store.ts';
import { sharedDir } from '../../support/shared.ts';
import { HOSTILE, runCli } from '../fake-io.ts';

const shared = sharedDir();
const generated = join(shared ?? '', 'conformance', 'generated');
const openpgp = join(generated, 'openpgp');
const MANIFEST = join(generated, 'manifest-oci.json');
const SIGNATURE = join(openpgp, 'signatures', 'rsa2048-default.sig');
const KEY = join(openpgp, 'keys', 'rsa2048.asc');
const DIGEST = 'sha256:f20c43161d73848408ef247f0ec7111b19fe58ffebc0cbcaa0d2c8bda4967268';
const skip = shared === undefined && 'needs ../shared/conformance';

const signed = (keyPath: string): string =>
  JSON.stringify({
    default: [{ type: 'reject' }],
    transports: {
      docker: { 'registry.example.com': [{ type: 'signedBy', keyType: 'GPGKeys', keyPath }] },
    },
  });

t.test('verify-signature answers as skopeo standalone-verify', { skip }, async (t) => {
  const reference = 'registry.example.com/team/app:v1';
  const verify = async (...words: string[]) =>
    await runCli(['verify-signature', '--signature', SIGNATURE, ...words]);
  const good = await verify('--manifest', MANIFEST, '--key', KEY, '--reference', reference);
  t.equal(good.exit, 0, good.stderr);
  const fingerprint = / {2}fingerprint {2}([0-9A-F]{40})\n/.exec(good.stdout)?.[1] ?? '';
  t.match(good.stdout, `  digest       ${DIGEST}\n  reference    ${reference}\n`);

  const cases: readonly (readonly [string, readonly string[], number])[] = [
    ['the digest alone', ['--digest', DIGEST, '--key', KEY], 0],
    ['another digest', ['--digest', `sha256:${'0'.repeat(64)}`, '--key', KEY], 1],
    ['another key', ['--digest', DIGEST, '--key', join(openpgp, 'keys', 'ed25519.asc')], 1],
    [
      'one of two keys',
      ['--digest', DIGEST, '--key', join(openpgp, 'keys', 'ed25519.asc'), '--key', KEY],
      0,
    ],
    ['another reference', ['--digest', DIGEST, '--key', KEY, '--reference', 'quay.io/x:v1'], 1],
    [
      'a time before the key',
      ['--digest', DIGEST, '--key', KEY, '--at', '2001-01-01T00:00:00Z'],
      1,
    ],
    ['a file that is no key', ['--digest', DIGEST, '--key', MANIFEST], 1],
    ['a time that is none', ['--digest', DIGEST, '--key', KEY, '--at', 'yesterday'], 2],
    ['no key', ['--digest', DIGEST], 2],
  ];
  for (const [name, words, expected] of cases) {
    const { exit, stdout, stderr } = await verify(...words);
    t.equal(exit, expected, `${name}: ${expected} ${stdout}${stderr}`);
  }
  const none = await runCli([
    'verify-signature',
    '--signature',
    t.testdir({}),
    '--digest',
    DIGEST,
    '--key',
    KEY,
  ]);
  t.equal(none.exit, 5, 'a folder without signatures');

  await t.test('the real skopeo', { skip: !hasProgram('skopeo') && 'needs skopeo' }, async (t) => {
    // The path of gpg-agent's socket must stay short.
    const folder = mkdtempSync(join(tmpdir(), 'nodeseal-gpg-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const env = { ...process.env, GNUPGHOME: folder };
    execFileSync('gpg', ['--batch', '--import', KEY], { env, stdio: 'ignore' });
    const store = t.testdir({
      [DIGEST.replace(':', '=')]: { 'signature-1': t.fixture('symlink', SIGNATURE) },
    });
    for (const [name, expected] of [
      [reference, 0],
      ['quay.io/x:v1', 1],
    ] as const) {
      const words = ['standalone-verify', MANIFEST, name, fingerprint, SIGNATURE];
      t.equal(exitOf('skopeo', words, env) === 0, expected === 0, `skopeo of ${name}`);
      const question = ['--manifest', MANIFEST, '--key', KEY, '--reference', name];
      t.equal((await verify(...question)).exit, expected, `ours of ${name}`);
      const stored = await runCli(['verify-signature', '--signature', store, ...question]);
      t.equal(stored.exit, expected, `ours of ${name}, the signature found in a store`);
    }
  });
});

t.test('verify-signature reads the mirror’s layout of release signatures', { skip }, async (t) => {
  const redhat = join(shared ?? '', 'conformance', 'redhat');
  const signatures = join(redhat, 'signatures');
  const hex = 'e3f12513a4b22a2d7c0e7c9207f52128113758d9d68c7d06b11a0ac7672966f7';
  const other = 'edd9824f0404f1a139688017e7001370e2f3fbc088b94da84506653b473fe140';
  const key = join(redhat, 'keys', 'verifier-public-key-redhat-release');
  const file = join(signatures, `sha256=${hex}`, 'signature-1');
  const printed = t.testdir({
    [`sha256%${hex}`]: { 'signature-1': t.fixture('symlink', file) },
  });
  const asked = async (signature: string, digest = `sha256:${hex}`) => {
    const words = ['--signature', signature, '--digest', digest, '--key', key];
    return await runCli(['verify-signature', ...words]);
  };
  for (const path of [
    signatures,
    join(signatures, `sha256=${hex}`),
    `${signatures}/`,
    file,
    printed,
  ]) {
    const { exit, stdout, stderr } = await asked(path);
    t.equal(exit, 0, stderr);
    t.match(stdout, '567E347AD0044ADE55BA8A5F199E2F91FD431D51');
    t.match(stdout, `sha256:${hex}`);
  }
  const wrong = await asked(join(signatures, `sha256=${other}`));
  t.equal(wrong.exit, 7, 'the folder of another digest');
  t.match(wrong.stderr, `its name says sha256:${other}, asked was sha256:${hex}`);
  t.equal((await asked(file, `sha256:${other}`)).exit, 1, 'one file is judged whatever its folder');
  const none = await asked(signatures, `sha256:${'0'.repeat(64)}`);
  t.equal(none.exit, 5);
  t.match(none.stderr, `/sha256=${'0'.repeat(64)}/signature-1, `);
  t.equal((await asked(join(signatures, 'nowhere'))).exit, 5);
});

t.test('policy evaluate', { skip }, async (t) => {
  const folder = t.testdir({ 'signed.json': signed(KEY), 'broken.json': '{"default":[]}' });
  const evaluate = async (policy: string, reference: string, ...words: string[]) => {
    const flags = ['--policy', join(folder, policy), '--manifest', MANIFEST];
    return await runCli(['policy', 'evaluate', ...flags, '--reference', reference, ...words]);
  };
  const team = 'registry.example.com/team/app:v1';
  const cases: readonly (readonly [string, string, readonly string[], number, object])[] = [
    ['signed.json', team, ['--signature', SIGNATURE], 0, { verdict: 'accepted', enforced: true }],
    ['signed.json', `docker://${team}`, ['--signature', SIGNATURE], 0, { verdict: 'accepted' }],
    [
      'signed.json',
      'registry.example.com/team/app:v2',
      ['--signature', SIGNATURE],
      1,
      { verdict: 'rejected', requirements: [{ satisfied: false, reason: 'identity-mismatch' }] },
    ],
    ['signed.json', team, [], 1, { verdict: 'rejected', reason: 'no-signature', signedBy: [] }],
    ['signed.json', team, ['--signature', MANIFEST], 1, { reason: 'blob-format' }],
    ['signed.json', 'quay.io/other:v1', [], 1, { reason: 'policy-reject', scope: 'default' }],
    ['signed.json', 'dir:/tmp', [], 1, { scope: 'default' }],
  ];
  for (const [policy, reference, words, expected, answer] of cases) {
    const { exit, stdout, stderr } = await evaluate(policy, reference, '-o', 'json', ...words);
    t.equal(exit, expected, `${reference}: ${expected} ${stderr}`);
    t.match(JSON.parse(stdout), {
      apiVersion: 'nodeseal.dev/v1',
      kind: 'PolicyVerdict',
      ...answer,
    });
  }
  const accepted = JSON.parse(
    (await evaluate('signed.json', team, '-o', 'json', '--signature', SIGNATURE)).stdout,
  );
  t.match(accepted, {
    scope: 'docker "registry.example.com"',
    requirements: [{ type: 'signedBy', satisfied: true }],
    signedBy: [/^[0-9A-F]{40}$/],
  });
  const people = await evaluate('signed.json', team, '--signature', SIGNATURE);
  t.match(
    people.stdout,
    /^✓ ACCEPTED\nscope: docker "registry.example.com"\n {2}✓ met {2}signedBy /,
  );
  t.equal((await evaluate('broken.json', team)).exit, 7);
  t.equal((await evaluate('signed.json', 'UPPER/CASE')).exit, 2, 'a reference that is none');
  t.equal((await evaluate('nowhere.json', team)).exit, 5);

  await t.test('with signatures of a lookaside', async (t) => {
    const hex = DIGEST.slice('sha256:'.length);
    const store = t.testdir({
      sigs: { team: { [`app@sha256=${hex}`]: { 'signature-1': readFileSync(SIGNATURE) } } },
      local: {},
      remote: { 'a.yaml': 'default-docker: {lookaside: "https://sigs.example.com"}\n' },
    });
    const local = join(store, 'local');
    const lookaside = `default-docker:\n  lookaside: file://${join(store, 'sigs')}\n`;
    writeFileSync(join(local, 'a.yaml'), lookaside);
    t.equal((await evaluate('signed.json', team, '--registries-d', local)).exit, 0);
    const remote = await evaluate('signed.json', team, '--registries-d', join(store, 'remote'));
    t.equal(remote.exit, 7, remote.stdout);
    t.match(remote.stderr, /next: give them with --signature/);
  });
});

t.test('policy resolve', async (t) => {
  const folder = t.testdir({
    'policy.json': signed('/k'),
    d: {
      'a.yaml':
        'docker:\n  registry.example.com:\n    lookaside: https://sigs.example.com/x\n    use-sigstore-attachments: true\n',
    },
    broken: { 'a.yaml': 'docker: [' },
  });
  const resolve = async (...words: string[]) =>
    await runCli(['policy', 'resolve', '--policy', join(folder, 'policy.json'), ...words]);
  const found = await resolve(
    'registry.example.com/team/app',
    '--registries-d',
    join(folder, 'd'),
    '-o',
    'json',
  );
  t.equal(found.exit, 0, found.stderr);
  t.match(JSON.parse(found.stdout), {
    kind: 'PolicyResolution',
    transport: 'docker',
    reference: 'registry.example.com/team/app:latest',
    scope: 'docker "registry.example.com"',
    passedOver: [
      'registry.example.com/team/app:latest',
      'registry.example.com/team/app',
      'registry.example.com/team',
    ],
    requirements: [{ type: 'signedBy', keyPath: '/k' }],
    lookaside: { url: 'https://sigs.example.com/x', file: 'a.yaml' },
    useSigstoreAttachments: true,
  });
  const bare = JSON.parse((await resolve('docker://busybox', '-o', 'json')).stdout);
  t.match(bare, {
    reference: 'docker.io/library/busybox:latest',
    scope: 'default',
    lookaside: null,
  });
  t.match(
    (await resolve('busybox')).stdout,
    /^Image: +docker docker.io\/library\/busybox:latest\nScope: +default\n/,
  );
  const bad: readonly (readonly [readonly string[], number])[] = [
    [['UPPER'], 2],
    [['docker://a:b:c'], 2],
    [['dir:relative'], 2],
    [['busybox', '--registries-d', join(folder, 'broken')], 7],
    [['busybox', '--registries-d', join(folder, 'nowhere')], 5],
  ];
  for (const [words, expected] of bad) {
    t.equal((await resolve(...words)).exit, expected, `${words[0]} ${words.length}: ${expected}`);
  }
});

t.test('policy diff', async (t) => {
  const folder = t.testdir({
    'signed.json': signed('/k'),
    'same.json': `${signed('/k')}\n`,
    'open.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
    'broken.json': '{',
  });
  const diff = async (old: string, now: string, ...words: string[]) =>
    await runCli(['policy', 'diff', join(folder, old), join(folder, now), ...words]);
  const same = await diff('signed.json', 'same.json');
  t.equal(same.exit, 0);
  t.match(same.stdout, /^no change in meaning\nbytes: sha256:[0-9a-f]{64} -> sha256:/);
  const weaker = await diff('signed.json', 'open.json', '-o', 'json');
  t.equal(weaker.exit, 1);
  t.match(JSON.parse(weaker.stdout), {
    kind: 'PolicyDiff',
    changes: [{ effect: 'weakened', part: 'policy' }, { effect: 'weakened' }],
    bytes: { equal: false },
  });
  t.match((await diff('open.json', 'signed.json')).stdout, /^✓ strengthened {2}policy default: /);
  t.equal((await diff('signed.json', 'broken.json')).exit, 7);
  t.equal((await runCli(['policy', 'diff', '-', '-'])).exit, 2);
});

t.test('trust show tells what keeps a policy from being used', async (t) => {
  const root = t.testdir({ etc: { containers: { 'policy.json': '{\n"default":[]}' } } });
  const { exit, stdout, stderr } = await runCli(['trust', 'show', '--host-root', root]);
  t.equal(exit, 7);
  t.equal(stdout, '');
  t.match(stderr, /^error: \/etc\/containers\/policy.json:2:11 cannot be used\n {2}why: /);
  const json = await runCli(['trust', 'show', '--host-root', root, '-o', 'json']);
  t.equal(json.exit, 7);
  t.match(JSON.parse(json.stdout), { items: [], policy: { problem: { reason: 'empty-list' } } });
  const none = await runCli(['trust', 'show', '--host-root', t.testdir({})]);
  t.equal(none.exit, 7, 'no policy at all');
});

t.test(
  'trust show names keys by fingerprint and those that cannot be read',
  { skip },
  async (t) => {
    const keys = { good: readFileSync(KEY, 'utf8') };
    const policy = {
      default: [{ type: 'reject' }],
      transports: {
        docker: {
          'a.example.com': [
            { type: 'signedBy', keyType: 'GPGKeys', keyPaths: ['/keys/good', '/keys/none'] },
          ],
          'b.example.com/\u001b[31m': [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/x' }],
        },
      },
    };
    const containers = {
      'policy.json': JSON.stringify(policy),
      'registries.d': {
        'a.yaml':
          'docker:\n  a.example.com:\n    sigstore: https://old\n    lookaside-staging: file:///w\n',
      },
    };
    const root = t.testdir({ keys, etc: { containers } });
    const { exit, stdout } = await runCli(['trust', 'show', '--host-root', root]);
    t.equal(exit, 0);
    t.match(
      stdout,
      /\ndocker +a.example.com +signedBy +[0-9A-F]{40},!\/keys\/none +https:\/\/old\n/,
    );
    t.notMatch(stdout, HOSTILE);
    const json = await runCli(['trust', 'show', '--host-root', root, '-o', 'json']);
    t.match(JSON.parse(json.stdout).items[1], {
      requirement: {
        keyPaths: ['/keys/good', '/keys/none'],
        signedIdentity: { type: 'matchRepoDigestOrExact' },
      },
      keys: [/^[0-9A-F]{40}$/],
      unreadable: ['/keys/none'],
      lookaside: 'https://old',
      lookasideStaging: 'file:///w',
      useSigstoreAttachments: null,
    });
  },
);

const noStore = whyNoStore();
t.test('verify agrees with skopeo on a store of real images', { skip: noStore }, async (t) => {
  const store = await makeImageStore(['--images', '12']);
  const words = ['verify', '--host-root', store.root, '--sources', 'store'];
  const { exit, stdout } = await runCli([...words, '-o', 'json']);
  const { kind, items } = JSON.parse(stdout);
  t.equal(kind, 'ImageVerdictList');
  // Signing subkeys count since containers/image 5.37.0; the skopeo of this machine may be older.
  const named = store.images.filter(
    ({ name, stored }) =>
      name !== null && stored.verdict !== 'none' && !name.includes('/rsa3072sub/'),
  );
  t.ok(named.length > 3, `${named.length} images that skopeo judged`);
  for (const { name, stored } of named) {
    const found = items.find(({ reference }: { reference: string }) => reference === name);
    const isUsable = ['accepted', 'unenforced'].includes(found?.verdict);
    t.equal(isUsable, stored.verdict === 'accepted', `${name}: ${found?.verdict}`);
  }
  const isRefused = items.some(({ verdict }: { verdict: string }) => verdict === 'rejected');
  t.equal(exit, isRefused ? 1 : 6, 'the exit code says the worst');
  const [first] = named;
  const one = await runCli([...words, '--explain', first?.name ?? '']);
  t.match(one.stdout, /\n {2}image +sha256:[0-9a-f]{64} .*\n {2}policy .*\n {2}scope /);
  const bySubkey = store.images.find(({ name }) => name?.includes('/rsa3072sub/'))?.name ?? '';
  for (const [version, expected] of [
    ['5.36', 'rejected'],
    ['5.37', 'accepted'],
  ] as const) {
    const asked = [...words, '--image-library', version, '-o', 'json', bySubkey];
    const { items: judged } = JSON.parse((await runCli(asked)).stdout);
    t.match(judged, [{ verdict: expected }], `signed by a subkey, as containers/image ${version}`);
  }
  const missing = await runCli([...words, 'quay.io/nobody/nothing:v1']);
  t.equal(missing.exit, 5);
  t.match(missing.stderr, 'error: no image quay.io/nobody/nothing:v1 in the store of this node\n');
});

function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)));
}

function exitOf(program: string, words: readonly string[], env: NodeJS.ProcessEnv): number {
  try {
    execFileSync(program, words, { env, stdio: 'ignore' });
    return 0;
  } catch {
    return 1;
  }
}

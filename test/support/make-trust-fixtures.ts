import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Makes test/fixtures/trust with the real gpg: public keys, and signatures of one manifest by them. Run it by hand
 * (`node test/support/make-trust-fixtures.ts`) when a case is added; every run makes new keys, so all files change.
 */
const FOLDER = fileURLToPath(new URL('../fixtures/trust', import.meta.url));
const REFERENCE = 'registry.example.com/team/app:v1';
const MADE = '20200101T000000';
const CHANGED = '20200301T000000';
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    size: 7023,
    digest: `sha256:${'b5'.repeat(32)}`,
  },
  layers: [],
});
const DIGEST = `sha256:${createHash('sha256').update(MANIFEST).digest('hex')}`;
const PAYLOAD = JSON.stringify({
  critical: {
    identity: { 'docker-reference': REFERENCE },
    image: { 'docker-manifest-digest': DIGEST },
    type: 'atomic container signature',
  },
  optional: { creator: 'nodeseal fixtures', timestamp: 1577836800 },
});

const home = mkdtempSync(join(tmpdir(), 'nodeseal-trust-'));

function gpg(args: readonly string[], input = '', time = MADE): Buffer {
  return execFileSync(
    'gpg',
    [
      ...['--homedir', home, '--batch', '--yes', '--quiet', '--pinentry-mode', 'loopback'],
      ...['--passphrase', '', '--faked-system-time', `${time}!`, ...args],
    ],
    { input, stdio: ['pipe', 'pipe', 'ignore'] },
  );
}

/** Makes a key; its user ID is `<name>@fixtures.example`. */
function makeKey(
  name: string,
  algorithm: string,
  usage = 'sign',
  expires = 'never',
  options: readonly string[] = [],
): string {
  const uid = `${name}@fixtures.example`;
  gpg([...options, '--quick-generate-key', uid, algorithm, usage, expires]);
  return uid;
}

function fingerprints(uid: string): readonly string[] {
  const listing = gpg(['--with-colons', '--list-keys', uid]).toString();
  return [...listing.matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(
    ([, fingerprint = '']) => fingerprint,
  );
}

function sign(uid: string, options: readonly string[] = [], payload: string = PAYLOAD): Buffer {
  return gpg([...options, '-u', uid, '--sign'], payload);
}

function write(path: string, content: string | Uint8Array): void {
  writeFileSync(join(FOLDER, path), content);
}

function key(uid: string, armor = false): Buffer {
  return gpg([...(armor ? ['--armor'] : []), '--export', uid]);
}

/** Answers the questions of an interactive command, which has no other way. */
function converse(args: readonly string[], answers: readonly string[]): void {
  const input = `${answers.join('\n')}\n`;
  const options = ['--homedir', home, '--yes', '--pinentry-mode', 'loopback', '--passphrase', ''];
  const all = [...options, '--command-fd', '0', '--no-tty', ...args];
  const { status } = spawnSync('gpg', all, { input, stdio: ['pipe', 'ignore', 'ignore'] });
  if (status !== 0) throw new Error(`gpg ${args.join(' ')}: exit status ${status}`);
}

function makeAll(): void {
  for (const name of ['keys', 'signatures']) mkdirSync(join(FOLDER, name), { recursive: true });
  write('manifest.json', MANIFEST);

  const rsa = makeKey('rsa', 'rsa2048');
  write('keys/rsa.asc', key(rsa, true));
  write('keys/rsa.pgp', key(rsa));
  const none = ['--compress-algo', 'none'];
  write('signatures/rsa-plain.sig', sign(rsa, none));
  for (const name of ['zip', 'zlib', 'bzip2']) {
    write(`signatures/rsa-${name}.sig`, sign(rsa, ['--compress-algo', name]));
  }
  for (const hash of ['SHA1', 'RIPEMD160', 'SHA224', 'SHA384', 'SHA512']) {
    write(`signatures/rsa-${hash}.sig`, sign(rsa, [...none, '--digest-algo', hash]));
  }
  const weak = ['--allow-weak-digest-algos', '--digest-algo', 'MD5'];
  write('signatures/rsa-MD5.sig', sign(rsa, [...none, ...weak]));
  write('signatures/rsa-text.sig', sign(rsa, [...none, '--textmode']));
  write('signatures/rsa-armored.asc', sign(rsa, ['--armor']));
  write('signatures/rsa-cleartext.asc', gpg(['-u', rsa, '--clearsign'], PAYLOAD));
  write('signatures/rsa-detached.sig', gpg(['-u', rsa, '--detach-sign'], PAYLOAD));
  write('signatures/rsa-expired.sig', sign(rsa, [...none, '--default-sig-expire', '2020-06-01']));
  const notation = ['--sig-notation', 'tested@fixtures.example=yes'];
  write('signatures/rsa-notation.sig', sign(rsa, [...none, ...notation]));
  const critical = ['--sig-notation', '!tested@fixtures.example=yes'];
  write('signatures/rsa-notation-critical.sig', sign(rsa, [...none, ...critical]));
  write(
    'signatures/rsa-policy-critical.sig',
    sign(rsa, [...none, '--sig-policy-url', '!https://x.example']),
  );
  write(
    'signatures/rsa-sha512-digest.sig',
    sign(rsa, none, PAYLOAD.replace(DIGEST, `sha512:${'0'.repeat(128)}`)),
  );
  write('signatures/rsa-no-tag.sig', sign(rsa, none, PAYLOAD.replace(':v1', '')));
  write(
    'signatures/rsa-other-repository.sig',
    sign(rsa, none, PAYLOAD.replace('team/app', 'team/other')),
  );
  write('signatures/rsa-not-json.sig', sign(rsa, none, 'this is not JSON'));

  const algorithms = [
    'ed25519',
    'nistp256',
    'nistp384',
    'nistp521',
    'brainpoolP256r1',
    'secp256k1',
    'dsa2048',
    'rsa1024',
  ];
  for (const algorithm of algorithms) {
    const uid = makeKey(algorithm.toLowerCase(), algorithm);
    write(`keys/${algorithm}.pgp`, key(uid));
    write(`signatures/${algorithm}.sig`, sign(uid, ['--digest-algo', 'SHA512']));
  }
  const dsa = makeKey('dsa1024', 'dsa1024');
  write('keys/dsa1024.pgp', key(dsa));
  write('signatures/dsa1024-SHA1.sig', sign(dsa, ['--digest-algo', 'SHA1']));
  write('signatures/dsa1024-RIPEMD160.sig', sign(dsa, ['--digest-algo', 'RIPEMD160']));
  const ripemd = ['--cert-digest-algo', 'RIPEMD160'];
  const undecided = makeKey('undecided', 'dsa1024', 'sign', 'never', ripemd);
  write('keys/dsa1024-RIPEMD160.pgp', key(undecided));
  write('signatures/undecided-key.sig', sign(undecided, ['--digest-algo', 'SHA1']));
  const ed25519 = 'ed25519@fixtures.example';
  write('signatures/two-signers.sig', sign(rsa, [...none, '-u', ed25519]));
  write('keys/two-armored.asc', Buffer.concat([key(ed25519, true), key(rsa, true)]));
  write('keys/binary-then-armored.mixed', Buffer.concat([key(rsa), key(ed25519, true)]));

  const expired = makeKey('expired', 'ed25519', 'sign', '2020-06-01');
  write('keys/expired.pgp', key(expired));
  write('signatures/expired-key.sig', sign(expired));
  const [expiredPrimary = ''] = fingerprints(expired);
  gpg(['--quick-set-expire', expiredPrimary, '0'], '', CHANGED);
  write('keys/expired-then-extended.pgp', key(expired));

  const subkey = makeKey('subkey', 'rsa2048', 'cert');
  const [primary = ''] = fingerprints(subkey);
  gpg(['--quick-add-key', primary, 'ed25519', 'sign', 'never']);
  write('keys/subkey.pgp', key(subkey));
  const [, signing = ''] = fingerprints(subkey);
  write('signatures/subkey.sig', sign(`${signing}!`));
  converse(['--edit-key', primary], ['key 1', 'revkey', 'y', '3', '', 'y', 'save']);
  write('keys/subkey-revoked.pgp', key(subkey));

  const expiring = makeKey('subkey-expired', 'rsa2048', 'cert');
  const [expiringPrimary = ''] = fingerprints(expiring);
  gpg(['--quick-add-key', expiringPrimary, 'ed25519', 'sign', '2020-06-01']);
  write('keys/subkey-expired.pgp', key(expiring));
  write('signatures/subkey-expired.sig', sign(`${fingerprints(expiring)[1]}!`));

  const revoked = makeKey('revoked', 'ed25519');
  write('keys/not-yet-revoked.pgp', key(revoked));
  write('signatures/revoked-key.sig', sign(revoked));
  const [revokedPrimary = ''] = fingerprints(revoked);
  converse(
    ['--output', join(FOLDER, 'keys/revocation.asc'), '--gen-revoke', revokedPrimary],
    ['y', '2', 'superseded by a newer key', '', 'y'],
  );
  gpg(['--import', join(FOLDER, 'keys/revocation.asc')]);
  write('keys/revoked-superseded.pgp', key(revoked));

  const signer = makeKey('designated', 'rsa2048');
  const revoker = makeKey('revoker', 'rsa2048');
  const [designated = ''] = fingerprints(signer);
  const [revokerPrimary = ''] = fingerprints(revoker);
  converse(['--expert', '--edit-key', designated], ['addrevoker', revokerPrimary, 'y', 'save']);
  write('signatures/designated.sig', sign(signer));
  write('keys/designated.pgp', key(signer));
  write('keys/revoker.pgp', key(revoker));
  const certificate = join(home, 'designated.asc');
  converse(['--output', certificate, '--desig-revoke', designated], ['y', '0', '', 'y']);
  gpg(['--import', certificate]);
  write('keys/designated-revoked.pgp', key(signer));

  const usage = makeKey('no-longer-signing', 'ed25519', 'sign');
  write('signatures/no-longer-signing.sig', sign(usage));
  converse(['--edit-key', fingerprints(usage)[0] ?? ''], ['change-usage', 'S', 'Q', 'save']);
  write('keys/no-longer-signing.pgp', key(usage));
  writeReadme();
}

function writeReadme(): void {
  const [version = ''] = execFileSync('gpg', ['--version'], { encoding: 'utf8' }).split('\n');
  write(
    'README.md',
    `# Keys and simple signatures made for the tests

Made by \`test/support/make-trust-fixtures.ts\` with ${version}; nothing here is from another project and no
private key is kept. Everything is signed as of 2020-01-01 over \`manifest.json\` (${DIGEST})
under \`${REFERENCE}\`, unless its name says otherwise. Keys named expired or revoked are so at every date
after 2020; the others have no end.

${readdirSync(join(FOLDER, 'keys')).length} files in \`keys/\`, ${readdirSync(join(FOLDER, 'signatures')).length} in \`signatures/\`.
`,
  );
}

try {
  rmSync(FOLDER, { recursive: true, force: true });
  makeAll();
  process.stdout.write(`${readFileSync(join(FOLDER, 'README.md'), 'utf8')}`);
} finally {
  spawnSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
  rmSync(home, { recursive: true, force: true });
}

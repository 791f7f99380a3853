import { sign } from 'node:crypto';
import t from 'tap';
import type { Json } from '../../../../shared/canonical.ts';
import { readPublicKey } from '../../../../shared/trust/sigstore/keys.ts';
import { isEntryFor, verifyLogEntry } from '../../../../shared/trust/sigstore/rekor.ts';
import { ecKey, ed25519Key } from '../../../support/certificates.ts';
import { bundleOf, type EntryOptions, payloadOf, signPayload } from '../../../support/sigstore.ts';

// Traps 30 and 34: canonical JSON, SHA-256 on every curve, PEM with nothing behind it, labels without meaning.
const log = ecKey();
const p384Log = ecKey('P-384');
const key = ecKey();
const payload = payloadOf();
const signature = signPayload(key, payload);
const base: EntryOptions = { log, keyOrCertificate: key.pem, signature, payload };
const spki = key.publicKey.export({ format: 'der', type: 'spki' });

function verdict(bundle: string, logs = [log]): string {
  const keys = logs.map(({ pem }) => readPublicKey(Buffer.from(pem), 'log'));
  try {
    const entry = verifyLogEntry(bundle, keys);
    return isEntryFor(entry, { keyOrCertificate: spki, signature, payload }) ? 'accepted' : 'other';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

/** Sets a member deep in a document; undefined takes it away. */
function set(path: string, value: Json | undefined): (document: Json) => Json {
  return (document) => {
    const copy: Record<string, unknown> = structuredClone(document) as Record<string, unknown>;
    const names = path.split('.');
    const last = names.pop() ?? '';
    let at = copy;
    for (const name of names) at = at[name] as Record<string, unknown>;
    if (value === undefined) delete at[last];
    else at[last] = value;
    return copy as Json;
  };
}

function rename(from: string, to: string): (document: Json) => Json {
  return (document) => JSON.parse(JSON.stringify(document).replaceAll(`"${from}"`, `"${to}"`));
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const KEY = 'spec.signature.publicKey.content';
const HASH = 'spec.data.hash.value';

const entries: readonly (readonly [string, Partial<EntryOptions>, string])[] = [
  ['as Rekor writes it', {}, 'accepted'],
  ['of another log', { log: ecKey() }, 'rekor-set'],
  ['for another key', { keyOrCertificate: ecKey().pem }, 'other'],
  ['for another signature', { signature: signPayload(key, payload) }, 'other'],
  ['for another payload', { payload: Buffer.from('x') }, 'other'],
  ['with text before the key', { keyOrCertificate: `hello\n${key.pem}` }, 'accepted'],
  ['with a line feed after the key', { keyOrCertificate: `${key.pem}\n` }, 'rekor-set'],
  ['with a second key', { keyOrCertificate: key.pem + key.pem }, 'rekor-set'],
  ['with a key that is no PEM', { keyOrCertificate: 'x' }, 'rekor-set'],
  ['with another label', { keyOrCertificate: key.pem.replaceAll('PUBLIC KEY', 'X') }, 'accepted'],
  ['with a member more', { entry: (it) => ({ ...it, extra: 1 }) }, 'payload-invalid'],
  ['without logID', { entry: set('logID', undefined) }, 'payload-invalid'],
  ['with half a second', { entry: set('integratedTime', 1.5) }, 'rekor-set'],
  ['with a whole number in another form', { entry: set('integratedTime', 1e3) }, 'accepted'],
  ['with a time beyond 64 bits', { entry: set('integratedTime', 1e19) }, 'rekor-set'],
  ['with a text as time', { entry: set('integratedTime', '1') }, 'rekor-set'],
  ['with null as index', { entry: set('logIndex', null) }, 'accepted'],
  ['with a body that is no base64', { entry: set('body', '*') }, 'rekor-set'],
  ['with a body that is no JSON', { entry: set('body', base64('{')) }, 'rekor-set'],
  ['with a body of null', { entry: set('body', null) }, 'rekor-set'],
  ['of another kind', { body: set('kind', 'intoto') }, 'rekor-set'],
  ['of another version', { body: set('apiVersion', '0.0.2') }, 'rekor-set'],
  ['without a version', { body: set('apiVersion', undefined) }, 'rekor-set'],
  ['with a member more in its body', { body: set('spec.more', 1) }, 'accepted'],
  ['with names in another case', { body: rename('signature', 'SIGNATURE') }, 'accepted'],
  ['with a name in two cases', { body: set('KIND', 'hashedrekord') }, 'rekor-set'],
  ['with SHA-512', { body: set('spec.data.hash.algorithm', 'sha512') }, 'rekor-set'],
  ['with upper-case hex', { body: upperHash }, 'accepted'],
  ['with half a byte of hex', { body: set(HASH, 'abc') }, 'rekor-set'],
  ['with no hash', { body: set('spec.data', undefined) }, 'rekor-set'],
  ['with no key', { body: set(KEY, undefined) }, 'rekor-set'],
  ['with no signature', { body: set('spec.signature.content', undefined) }, 'other'],
  ['with a number for a spec', { body: set('spec', 1) }, 'rekor-set'],
];

function upperHash(body: Json): Json {
  const text = JSON.stringify(body);
  return JSON.parse(
    text.replace(/"value":"(\w+)"/, (_, hex: string) => `"value":"${hex.toUpperCase()}"`),
  );
}

for (const [name, options, expected] of entries) {
  t.test(`a log entry ${name} is ${expected}`, async (t) => {
    t.equal(verdict(JSON.stringify(bundleOf({ ...base, ...options }))), expected);
  });
}

const good = bundleOf(base);
const texts: readonly (readonly [string, string, string])[] = [
  ['in another layout', JSON.stringify(good, null, 3), 'accepted'],
  ['with members in another order', reversed(), 'accepted'],
  ['empty', '', 'rekor-set'],
  ['null', 'null', 'rekor-set'],
  ['a list', '[]', 'rekor-set'],
  ['with a member more', JSON.stringify({ ...good, more: 1 }), 'payload-invalid'],
  [
    'with a name in another case',
    JSON.stringify(good).replace('"Payload"', '"payload"'),
    'payload-invalid',
  ],
  [
    'with a member twice',
    JSON.stringify(good).replace('"logIndex":', '"logIndex":8,"logIndex":'),
    'payload-invalid',
  ],
  ['with null for a payload', JSON.stringify({ ...good, Payload: null }), 'rekor-set'],
  [
    'with a number beyond a double',
    JSON.stringify(good).replace('"logIndex":7', '"logIndex":1e400'),
    'rekor-set',
  ],
  ['with a changed time', JSON.stringify(good).replace('1700000000', '1700000001'), 'rekor-set'],
  [
    'nested without end',
    `{"SignedEntryTimestamp":"","Payload":${'['.repeat(9000)}${']'.repeat(9000)}}`,
    'rekor-set',
  ],
];

function reversed(): string {
  const entry = Object.entries(good.Payload as object).reverse();
  return JSON.stringify({
    Payload: Object.fromEntries(entry),
    SignedEntryTimestamp: good.SignedEntryTimestamp,
  });
}

for (const [name, text, expected] of texts) {
  t.test(`a bundle ${name} is ${expected}`, async (t) => t.equal(verdict(text), expected));
}

t.test('any of several log keys may have signed', async (t) => {
  t.equal(verdict(JSON.stringify(good), [p384Log, log]), 'accepted');
});

t.test('a log on P-384 signs with SHA-256', async (t) => {
  const bundle = bundleOf({ ...base, log: p384Log });
  t.equal(verdict(JSON.stringify(bundle), [p384Log]), 'accepted');
  const canonical = JSON.stringify(bundle.Payload);
  const timestamp = sign('sha384', Buffer.from(canonical), p384Log.privateKey).toString('base64');
  const other = { ...bundle, SignedEntryTimestamp: timestamp };
  t.equal(verdict(JSON.stringify(other), [p384Log]), 'rekor-set');
});

t.test('a timestamp of r and s side by side is refused, for logs write DER', async (t) => {
  const raw = sign('sha256', Buffer.from(JSON.stringify(good.Payload)), {
    key: log.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  const bundle = { ...good, SignedEntryTimestamp: raw.toString('base64') };
  t.equal(verdict(JSON.stringify(bundle)), 'rekor-set');
});

t.test('a log key of Ed25519 verifies nothing', async (t) => {
  t.equal(verdict(JSON.stringify(good), [ed25519Key()]), 'rekor-set');
});

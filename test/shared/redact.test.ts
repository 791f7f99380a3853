import t from 'tap';
import { redact, redactText } from '../../shared/redact.ts';

const KEY = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
const TOKEN = `nsu_0123456789abcdef.${'s3cr3t-_'.repeat(5)}abc`;

const texts: readonly (readonly [name: string, text: string, left: string])[] = [
  ['a bearer token', 'Authorization: Bearer abc.def-ghi', 'Authorization: Bearer [redacted]'],
  ['basic credentials', 'authorization: basic dXNlcjpwYXNz', 'authorization: basic [redacted]'],
  ['a header of another scheme', 'Authorization: Own a1b2c3', 'Authorization: [redacted] a1b2c3'],
  ['a token of ours', `it is ${TOKEN}, really`, 'it is [redacted], really'],
  ['a join token with its pin', `nsj_0123456789abcdef.abc@sha256:0f`, '[redacted]'],
  [
    'a token of OpenShift',
    'oc login --token=sha256~abcdefghijklmnopq',
    'oc login --token=[redacted]',
  ],
  ['a JSON Web Token', `got ${JWT}.`, 'got [redacted].'],
  ['a private key', `a\n${KEY}\nb`, 'a\n[redacted]\nb'],
  ['a private key that is cut off', KEY.slice(0, 40), '[redacted]'],
  ['a private key in JSON', JSON.stringify({ k: KEY }), '{"k":"[redacted]"}'],
  ['an OpenPGP key', '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx', '[redacted]'],
  ['user and password', 'https://u:p%40w@host:1/x?y', 'https://[redacted]@host:1/x?y'],
  ['a password with @', 'postgres://u:p@w@host/db', 'postgres://[redacted]@host/db'],
  ['a user alone', 'https://t0ken@host/', 'https://[redacted]@host/'],
  ['a parameter', '/v1/x?limit=5&token=abc&node=a', '/v1/x?limit=5&token=[redacted]&node=a'],
  ['percent-encoding', '/x?at=https%3A%2F%2Fu%3Ap%40h&b=%ff', '/x?at=https://[redacted]@h&b=%ff'],
  ['an assignment', 'DB_PASSWORD="a b" HOME=/root', 'DB_PASSWORD=[redacted] HOME=/root'],
  ['a member', '{"password": "a\\"b", "user": "u"}', '{"password": [redacted], "user": "u"}'],
  ['JSON in a string', '"{\\"token\\":\\"abc\\"}"', '"{\\"token\\":[redacted]}"'],
  ['YAML', 'clientSecret: abc\nuser: u', 'clientSecret: [redacted]\nuser: u'],
  ['a flag', 'run --db-password abc --user u', 'run --db-password [redacted] --user u'],
  ['auth of a registry', '{"auths":{"q":{"auth":"dTpw"}}}', '{"auths":{"q":{"auth":[redacted]}}}'],
  ['a hash of a password', 'root:$6$salt$abcdefghij:1', 'root:[redacted]:1'],
  ['an access key', 'AKIAABCDEFGHIJKLMNOP', '[redacted]'],
  // What is no secret stays.
  ['an image', 'docker://quay.io/a/b@sha256:00', 'docker://quay.io/a/b@sha256:00'],
  ['an image without a path', 'docker://b@sha256:00', 'docker://b@sha256:00'],
  ['an address', 'https://host:8443/a@b', 'https://host:8443/a@b'],
  ['a public key', '-----BEGIN PUBLIC KEY-----\nx', '-----BEGIN PUBLIC KEY-----\nx'],
  ['a fingerprint', 'B371 0F23', 'B371 0F23'],
  ['where a secret is', 'tokenFile: /etc/x', 'tokenFile: /etc/x'],
  ['a sentence', 'the token file is missing', 'the token file is missing'],
];
for (const [name, text, left] of texts) {
  t.test(`a text with ${name}`, async (t) => {
    t.equal(redactText(text), left);
    t.equal(redactText(left), left, 'once is enough');
  });
}

t.test('members that speak of a secret', async (t) => {
  const names = ['password', 'dbPasswd', 'clientSecret', 'joinToken', 'Authorization', 'apiKey'];
  for (const name of [...names, 'identitytoken', 'private_key', 'cookie', 'auth']) {
    t.same(redact({ [name]: 'a' }), { [name]: '[redacted]' }, name);
    t.same(redact([{ a: { [name]: 7 } }]), [{ a: { [name]: '[redacted]' } }], name);
  }
  const kept = {
    tokenFile: '/a',
    keyFile: '/b',
    author: 'c',
    tokens: [{ id: 'd' }],
    hasToken: true,
    password: '',
    token: null,
    list: [1, true, null, 'text'],
  };
  t.same(redact(kept), kept);
});

t.test('a name of a member may hold a secret itself', async (t) => {
  t.same(redact({ 'https://u:p@h/': 1 }), { 'https://[redacted]@h/': 1 });
});

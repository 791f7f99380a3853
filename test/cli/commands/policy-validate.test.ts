import { join } from 'node:path';
import t from 'tap';
import { HOSTILE, runCli } from '../fake-io.ts';

const ACCEPT = '{"default":[{"type":"insecureAcceptAnything"}]}';
const SIGNED = `{
  "default": [{ "type": "reject" }],
  "transports": {
    "docker": { "quay.io/prod": [{ "type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k" }] }
  }
}`;

t.test('a policy that containers/image accepts', async (t) => {
  const file = join(t.testdir({ 'policy.json': SIGNED }), 'policy.json');
  const { exit, stdout, stderr } = await runCli(['policy', 'validate', file]);
  t.equal(exit, 0);
  t.equal(stdout, `✓ VALID  ${file}\n`);
  t.equal(stderr, '');
});

const broken: readonly (readonly [string, string | Uint8Array, object])[] = [
  ['that is empty', '', { line: 1, column: 1, reason: 'json-syntax' }],
  ['cut in the middle', SIGNED.slice(0, 60), { reason: 'json-syntax' }],
  ['without a default', '{}', { path: '', reason: 'missing-field' }],
  [
    'with a repeated key',
    '{"default":[{"type":"reject"}],"default":[]}',
    { reason: 'duplicate-key' },
  ],
  [
    'with an unknown requirement type',
    '{"default":[{"type":"reject"}],\n "transports":{"docker":{"quay.io":[{"type":"signedby"}]}}}',
    { path: 'transports.docker["quay.io"][0].type', line: 2, reason: 'unknown-type' },
  ],
];
for (const [name, text, fault] of broken) {
  t.test(`a policy ${name} is refused with its place`, async (t) => {
    const words = ['policy', 'validate', '-', '-o', 'json'];
    const { exit, stdout, stderr } = await runCli(words, { stdin: text });
    t.equal(exit, 7);
    t.equal(stderr, '');
    const validation = JSON.parse(stdout);
    t.match(validation, { apiVersion: 'nodeseal.dev/v1', kind: 'PolicyValidation', valid: false });
    t.match(validation.errors, [fault]);
    t.equal(validation.errors.length, 1);
    const people = await runCli(words.slice(0, 3), { stdin: text });
    t.match(people.stdout, /^✗ INVALID {2}-:\d+:\d+: /);
    t.equal(people.stdout.split('\n').length, 2, 'one line');
  });
}

const warned: readonly (readonly [string, string, readonly (readonly [string, string])[]])[] = [
  ['that accepts anything', ACCEPT, [['default', 'accepts-anything']]],
  [
    'with a misspelt transport',
    '{"default":[{"type":"reject"}],"transports":{"Docker":{"":[{"type":"reject"}]}}}',
    [['transports.Docker', 'unknown-transport']],
  ],
  [
    'with scopes that no reference leads to',
    `{"default":[{"type":"reject"}],"transports":{"docker":{${[
      '*.example.com:5000',
      'busybox',
      'docker.io/busybox',
      'https://quay.io',
      'quay.io/',
      'quay.io/a:1@sha256:0',
    ]
      .map((scope) => `"${scope}":[{"type":"reject"}]`)
      .join(',')}}}}`,
    ['*.example.com:5000', 'busybox', 'https://quay.io', 'quay.io/', 'quay.io/a:1@sha256:0'].map(
      (scope) => [`transports.docker["${scope}"]`, 'never-matches'] as const,
    ),
  ],
  [
    'with a key type that nothing implements',
    '{"default":[{"type":"signedBy","keyType":"signedByX509CAs","keyPath":"/k"}]}',
    [['default[0]', 'never-satisfied']],
  ],
  [
    'whose scopes are all good',
    `{"default":[{"type":"reject"}],"transports":{"docker":{${[
      '',
      'quay.io',
      'quay.io/ns',
      'quay.io/ns/a:1',
      'host.example.com:5000',
      '*.example.com',
      'localhost',
      'docker.io/library/busybox',
      'docker.io/ns',
      `quay.io/a@sha256:${'0'.repeat(64)}`,
    ]
      .map((scope) => `"${scope}":[{"type":"reject"}]`)
      .join(',')}}}}`,
    [],
  ],
];
for (const [name, text, expected] of warned) {
  t.test(`a policy ${name}`, async (t) => {
    const words = ['policy', 'validate', '-', '-o', 'json'];
    const { exit, stdout } = await runCli(words, { stdin: text });
    t.equal(exit, 0, 'is valid, warnings or not');
    const { warnings } = JSON.parse(stdout);
    t.same(
      warnings.map(({ path, reason }: { path: string; reason: string }) => [path, reason]),
      expected,
    );
  });
}

t.test('a file that is not there is not found', async (t) => {
  const { exit, stdout, stderr } = await runCli(['policy', 'validate', '/nowhere/policy.json']);
  t.equal(exit, 5);
  t.equal(stdout, '');
  t.equal(stderr, 'error: cannot read the policy /nowhere/policy.json\n  why: no such file\n');
});

t.test('a folder is no policy', async (t) => {
  const { exit, stderr } = await runCli(['policy', 'validate', t.testdir({})]);
  t.equal(exit, 7);
  t.match(stderr, /it is a folder, expected a file/);
});

t.test('an escape sequence in a policy does not reach the terminal', async (t) => {
  const type = '\u001b]0;owned\u0007\u202e\u009b31m';
  const stdin = JSON.stringify({ default: [{ type }] });
  for (const format of ['table', 'json', 'yaml', 'jsonl']) {
    const { exit, stdout } = await runCli(['policy', 'validate', '-', '-o', format], { stdin });
    t.equal(exit, 7);
    t.match(stdout, /owned/, `${format} names the word at fault`);
    t.notMatch(stdout, HOSTILE, `${format} is harmless`);
  }
});

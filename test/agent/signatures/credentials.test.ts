import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { findCredentials } from '../../../agent/signatures/credentials.ts';
import { parseReference } from '../../../shared/trust/reference.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';

const auth = (text: string): string => Buffer.from(text).toString('base64');
const file = (auths: unknown): string => JSON.stringify({ auths });
const KUBELET = '/var/lib/kubelet/config.json';
const DOCKER = '/root/.docker/config.json';

const cases: readonly (readonly [name: string, reference: string, files: Files, user?: string])[] =
  [
    ['no file', 'a.io/x', {}],
    ['a file without entries', 'a.io/x', { [KUBELET]: '{}' }],
    [
      'an entry of the registry',
      'a.io/x',
      { [KUBELET]: file({ 'a.io': { auth: auth('u:p') } }) },
      'u:p',
    ],
    [
      'an entry of another registry',
      'a.io/x',
      { [KUBELET]: file({ 'b.io': { auth: auth('u:p') } }) },
    ],
    [
      'an entry of another port',
      'a.io/x',
      { [KUBELET]: file({ 'a.io:5000': { auth: auth('u:p') } }) },
    ],
    [
      'entries of the repository and the registry',
      'a.io/x/y:1',
      { [KUBELET]: file({ 'a.io': { auth: auth('r:p') }, 'a.io/x': { auth: auth('x:p') } }) },
      'x:p',
    ],
    [
      'a name that only begins alike',
      'a.io/xy',
      { [KUBELET]: file({ 'a.io/x': { auth: auth('x:p') } }) },
    ],
    [
      'the kubelet’s and docker’s file',
      'a.io/x',
      {
        [KUBELET]: file({ 'a.io': { auth: auth('k:p') } }),
        [DOCKER]: file({ 'a.io': { auth: auth('d:p') } }),
      },
      'k:p',
    ],
    [
      'an empty entry and docker’s file',
      'a.io/x',
      { [KUBELET]: file({ 'a.io': {} }), [DOCKER]: file({ 'a.io': { auth: auth('d:p') } }) },
      'd:p',
    ],
    [
      'the file of /etc',
      'a.io/x',
      { '/etc/containers/auth.json': file({ 'a.io': { auth: auth('e:p') } }) },
      'e:p',
    ],
    [
      'a name as docker writes it',
      'busybox',
      { [DOCKER]: file({ 'https://index.docker.io/v1/': { auth: auth('d:p') } }) },
      'd:p',
    ],
    [
      'a password with colons',
      'a.io/x',
      { [KUBELET]: file({ 'a.io': { auth: auth('u:p:q') } }) },
      'u:p:q',
    ],
    [
      'a program that keeps them',
      'a.io/x',
      { [DOCKER]: '{"credsStore":"x","credHelpers":{"a.io":"y"}}' },
    ],
  ];
for (const [name, reference, files, user] of cases) {
  t.test(`credentials for ${reference} of ${name}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const found = await findCredentials(host, parseReference(reference));
    t.equal(found && `${found.username}:${found.password}`, user);
  });
}

t.test('a token of an OAuth login takes the place of a password', async (t) => {
  const files = { [KUBELET]: file({ 'a.io': { auth: auth('<token>:'), identitytoken: 'abc' } }) };
  const host = openHost(writeFiles(t.testdir({}), files));
  t.match(await findCredentials(host, parseReference('a.io/x')), { identityToken: 'abc' });
});

const SECRET = 'c2VjcmV0';
const bad: readonly (readonly [name: string, text: string])[] = [
  ['no JSON', `{"auths": ${SECRET}`],
  ['no object', `["${SECRET}"]`],
  ['entries that are none', `{"auths": {"a.io": "${SECRET}"}}`],
  ['a name of a wrong type', `{"auths": {"a.io": {"auth": 1, "identitytoken": "${SECRET}"}}}`],
  ['no colon', `{"auths": {"a.io": {"auth": "${SECRET}"}}}`],
];
for (const [name, text] of bad) {
  t.test(`a file with ${name} is named, and nothing of it told`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), { [KUBELET]: text }));
    const error: unknown = await findCredentials(host, parseReference('a.io/x')).catch(
      (thrown: unknown) => thrown,
    );
    t.match(error, { code: 'ERR_SOURCE_CONFIG', message: /config\.json/ });
    t.notMatch(String(error), /secret|c2VjcmV0/);
  });
}

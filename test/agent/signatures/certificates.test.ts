import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { Certificates } from '../../../agent/signatures/certificates.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

const { ca, server } = tlsAuthority();
const FOLDER = '/etc/containers/certs.d/a.io:5000';
const broken = ca.replace(/\n[^-]{10}/, '\n0123456789');

const bad: readonly (readonly [name: string, files: Files, message: RegExp])[] = [
  ['a certificate without its key', { [`${FOLDER}/a.cert`]: server.cert }, /a\.cert has no a\.key/],
  [
    'a key without its certificate',
    { [`${FOLDER}/a.key`]: server.key },
    /a\.key has no certificate/,
  ],
  [
    'a key of another certificate',
    { [`${FOLDER}/a.cert`]: server.cert, [`${FOLDER}/a.key`]: tlsAuthority().server.key },
    /cannot be read/,
  ],
  [
    'a key that is none',
    { [`${FOLDER}/a.cert`]: server.cert, [`${FOLDER}/a.key`]: 'secret' },
    /cannot be read/,
  ],
];
for (const [name, files, message] of bad) {
  t.test(`${name} is an error of the node's configuration`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const settings = new Certificates(host).settingsFor('a.io:5000', false);
    await t.rejects(settings, { code: 'ERR_SOURCE_CONFIG', message });
  });
}

const good: readonly (readonly [name: string, files: Files])[] = [
  ['no folder', {}],
  ['an empty file', { [`${FOLDER}/a.crt`]: '' }],
  ['text that is no certificate, as containers/image', { [`${FOLDER}/a.crt`]: 'hello' }],
  ['an authority that is damaged, which is passed over', { [`${FOLDER}/a.crt`]: broken }],
  ['a client certificate', { [`${FOLDER}/a.cert`]: server.cert, [`${FOLDER}/a.key`]: server.key }],
];
for (const [name, files] of good) {
  t.test(`${name} is usable`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const certificates = new Certificates(host);
    const settings = await certificates.settingsFor('a.io:5000', false);
    t.equal(settings.insecure, false);
    t.equal(await certificates.settingsFor('a.io:5000', false), settings, 'and read once');
    const again = await new Certificates(host).settingsFor('a.io:5000', false);
    t.equal(again.id, settings.id, 'equal settings have one id');
    t.not((await certificates.settingsFor('a.io:5000', true)).id, settings.id);
  });
}

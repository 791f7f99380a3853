import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { readCertificate } from '../../aggregator/certificate.ts';

const folder = t.testdir({ empty: '', text: 'no PEM\n', folder: {} });
for (const name of ['one', 'two']) {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)],
      ...['-days', '2', '-subj', `/CN=${name}`],
    ],
    { stdio: 'ignore' },
  );
}
const files = (certFile: string, keyFile: string) => ({
  tls: { certFile: join(folder, certFile), keyFile: join(folder, keyFile) },
});

t.test('a certificate and its key are taken', async (t) => {
  const certificate = await readCertificate(files('one.crt', 'one.key'));
  t.match(certificate?.cert.toString(), /BEGIN CERTIFICATE/);
  t.match(certificate?.key.toString(), /BEGIN PRIVATE KEY/);
  t.equal(await readCertificate({ tls: undefined }), undefined, 'none is asked for');
});

const bad: readonly (readonly [string, string, string, string, RegExp])[] = [
  ['no certificate', 'none', 'one.key', 'ERR_CONFIG_READ', /tls\.certFile: .*none: no such file/],
  ['no key', 'one.crt', 'none', 'ERR_CONFIG_READ', /tls\.keyFile: .*none: no such file/],
  ['a folder', 'one.crt', 'folder', 'ERR_CONFIG_READ', /tls\.keyFile: .*is a folder/],
  ['an empty file', 'empty', 'one.key', 'ERR_CONFIG_VALUE', /^tls: expected the PEM/],
  ['another text', 'one.crt', 'text', 'ERR_CONFIG_VALUE', /^tls: expected the PEM/],
  ['a key of another', 'one.crt', 'two.key', 'ERR_CONFIG_VALUE', /^tls: expected the PEM/],
];
for (const [name, cert, key, code, message] of bad) {
  t.test(`${name} is an error that names the file`, async (t) => {
    await t.rejects(readCertificate(files(cert, key)), { code, message });
  });
}

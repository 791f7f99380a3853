import { join } from 'node:path';
import t from 'tap';
import { configSchemaWith } from '../../../agent/config.ts';
import { joinCredential } from '../../../agent/identity/join-credential.ts';
import { parseConfig } from '../../../shared/config.ts';

t.test('the credential that systemd handed over', async (t) => {
  const folder = t.testdir({ with: { 'join-token': '\n' }, without: {} });
  t.equal(await joinCredential(join(folder, 'with')), join(folder, 'with/join-token'));
  t.equal(await joinCredential(join(folder, 'without')), undefined);
  t.equal(await joinCredential(''), undefined);
  t.equal(await joinCredential(undefined), undefined);
});

const cases: readonly (readonly [link: string, joinTokenFile: string | undefined])[] = [
  ['{url: "https://a"}', '/c/join-token'],
  ['{url: "https://a", joinTokenFile: /etc/mine}', '/etc/mine'],
  ['{url: "https://a", certificateFile: /etc/node.pem}', '/c/join-token'],
  ['{url: "https://a", tokenFile: /etc/token}', undefined],
];
for (const [link, joinTokenFile] of cases) {
  t.test(`beside aggregator: ${link}`, async (t) => {
    const config = parseConfig(
      `aggregator: ${link}`,
      'agent.yaml',
      configSchemaWith('/c/join-token'),
    );
    t.equal(config.aggregator?.joinTokenFile, joinTokenFile);
  });
}

import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../agent/config.ts';
import { startAgent } from '../../agent/daemon.ts';
import { parseConfig } from '../../shared/config.ts';
import { keptLog, runAggregator } from '../support/aggregator.ts';
import {
  basicConstraints,
  certificate,
  ecKey,
  extension,
  generalName,
  pem,
} from '../support/certificates.ts';
import { checkOf } from '../support/checks.ts';
import { sequence } from '../support/der.ts';

/** A certificate for 127.0.0.1 that signed itself, and its key. */
function selfSigned(): { readonly certificate: string; readonly key: string } {
  const key = ecKey();
  const names = extension('2.5.29.17', sequence(generalName.address(127, 0, 0, 1)));
  const der = certificate({
    subject: 'aggregator',
    issuer: 'aggregator',
    key,
    signer: key,
    extensions: [basicConstraints(true), names],
  });
  const pkcs8 = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { certificate: pem(der), key: pkcs8 };
}

t.test('an agent speaks to the aggregator its CA file names, and to no other', async (t) => {
  const [right, wrong] = [selfSigned(), selfSigned()];
  const folder = t.testdir({
    'tls.crt': right.certificate,
    'tls.key': right.key,
    'ca.crt': wrong.certificate,
    host: { etc: {} },
  });
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  await using aggregator = await runAggregator(join(folder, 'aggregator'), { tls });
  t.match(aggregator.url, /^https:/);
  const tokenFile = join(folder, 'token');
  const caFile = join(folder, 'ca.crt');
  writeFileSync(tokenFile, aggregator.agentToken);
  const log = keptLog();
  await using _agent = await startAgent(
    {
      ...parseConfig('', 'test', configSchema),
      hostRoot: join(folder, 'host'),
      stateDir: join(folder, 'agent'),
      aggregator: { url: aggregator.url, tokenFile, caFile, allowPlain: false },
    },
    { log, checks: [checkOf('x')], random: () => 0 },
  );
  const says = async (words: RegExp): Promise<void> => {
    while (!log.lines.some((line) => words.test(line))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await says(/not connected to the aggregator .*self-signed certificate/);
  t.notMatch(aggregator.log.lines.join('\n'), /agent connected/);
  copyFileSync(join(folder, 'tls.crt'), caFile);
  await says(/^connected to the aggregator/);
  t.pass('the file is read anew at each connection');
});

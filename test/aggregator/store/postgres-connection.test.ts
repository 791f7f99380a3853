import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type AggregatorConfig, configSchema } from '../../../aggregator/config.ts';
import { openStore } from '../../../aggregator/store/open.ts';
import type { Store } from '../../../aggregator/store/store.ts';
import { parseConfig } from '../../../shared/config.ts';
import { keptLog } from '../../support/aggregator.ts';
import { freePort } from '../../support/free-port.ts';
import { PostgresServer, withoutPostgres } from '../../support/postgres.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

const PASSWORD = 'correct horse';

function open(config: Partial<AggregatorConfig>): Promise<Store> {
  const effective = { ...parseConfig('', 'test', configSchema), ...config };
  return openStore(effective, 'replica-1', () => {}, keptLog());
}

t.test('a connection with TLS and a password', { skip: withoutPostgres }, async (t) => {
  const postgres = await PostgresServer.create();
  t.teardown(() => postgres[Symbol.asyncDispose]());
  const socketUrl = await postgres.database();
  await postgres.sql(socketUrl, `ALTER ROLE nodeseal PASSWORD '${PASSWORD}'`);
  const port = await freePort();
  const authority = tlsAuthority();
  await postgres.listen(port, authority.server);
  const dir = t.testdir({
    'ca.crt': authority.ca,
    'other.crt': tlsAuthority('other').ca,
    password: `${PASSWORD}\n`,
    wrong: 'wrong',
  });
  const file = (name: string): string => join(dir, name);
  const at = (host: string, how = ''): string =>
    `postgresql://nodeseal@${host}:${port}/test_1${how}`;
  const good = {
    databaseUrl: at('127.0.0.1', '?sslmode=verify-full'),
    databasePasswordFile: file('password'),
    databaseCaFile: file('ca.crt'),
  };

  await t.test('is made when all is right', async () => {
    await using store = await open(good);
    await store.probe();
  });

  const cases = [
    ['a certificate of another authority', { databaseCaFile: file('other.crt') }, /certificate/],
    ['an authority nobody named', { databaseCaFile: undefined }, /certificate/],
    [
      'a certificate for another host',
      { databaseUrl: at('localhost', '?sslmode=verify-full') },
      /altnames|certificate/,
    ],
    ['no TLS where the server asks for it', { databaseUrl: at('127.0.0.1') }, /no encryption/],
    ['a wrong password', { databasePasswordFile: file('wrong') }, /password authentication failed/],
    ['no password', { databasePasswordFile: undefined }, /password/],
  ] as const;
  for (const [name, change, message] of cases) {
    await t.test(`${name} is an error that says so`, async (t) => {
      const opening = open({ ...good, ...change });
      await t.rejects(opening, { code: 'ERR_STORE_OPEN', message });
      await opening.catch((error: Error) => t.notMatch(error.message, PASSWORD));
    });
  }

  await t.test('a file that is not there is an error of the configuration', async (t) => {
    for (const key of ['databasePasswordFile', 'databaseCaFile']) {
      const message = new RegExp(`${key}: .*missing: no such file`);
      await t.rejects(open({ ...good, [key]: file('missing') }), {
        code: 'ERR_CONFIG_READ',
        message,
      });
    }
  });

  await t.test('a password in the environment is not used', async (t) => {
    process.env['PGPASSWORD'] = PASSWORD;
    t.teardown(() => {
      delete process.env['PGPASSWORD'];
    });
    await t.rejects(open({ ...good, databasePasswordFile: undefined }), { code: 'ERR_STORE_OPEN' });
  });

  await t.test('a password that is changed holds from the next connection on', async () => {
    await using store = await open(good);
    await postgres.sql(socketUrl, `ALTER ROLE nodeseal PASSWORD 'changed'`);
    writeFileSync(file('password'), 'changed');
    await postgres.sql(
      socketUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'nodeseal-aggregator'`,
    );
    await store.probe().catch(() => {});
    await store.probe();
  });
});

import { once } from 'node:events';
import {
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { EXPORT_FORMATS } from '../../../shared/exports/index.ts';
import { HOSTILE, runCli } from '../fake-io.ts';
import { FINDINGS, finding, HOSTILE_NAME, IMAGES, image, runFleet } from '../fleet.ts';

const INVENTORY = [{ name: 'gpu-7', pool: 'gpu' }];
const MISSING = '1 of 2 nodes reporting; not: gpu-7 (never seen)\n';

t.test('a fleet of one node that reports and one that never did', async (t) => {
  await using fleet = await runFleet(t.testdir(), FINDINGS, IMAGES, INVENTORY);
  const run = async (...words: readonly string[]) =>
    await runCli(['export', ...words, ...fleet.flags], { nowMs: Date.now() });

  for (const { id } of EXPORT_FORMATS) {
    const { exit, stdout, stderr } = await run(id);
    t.equal(exit, 0, id);
    t.equal(stderr, MISSING);
    t.match(stdout, id === 'annotations' ? /quality\.images/ : /selinux\.enforcing/);
  }
  const sarif = JSON.parse((await run('sarif')).stdout);
  t.equal(sarif.runs[0].properties.link, fleet.running.url, 'it leads back to who was asked');

  await t.test('selects as far as an aggregator can', async (t) => {
    const nodes = async (selector: string): Promise<readonly string[]> => {
      const { stdout, stderr, exit } = await run('junit', '-l', selector);
      t.equal(exit, 0, stderr);
      return [...stdout.matchAll(/hostname="([^"]+)"/g)].map(([, name]) => name ?? '');
    };
    t.strictSame(await nodes('pool=gpu'), ['gpu-7']);
    t.strictSame(await nodes('pool in (gpu,default)'), ['gpu-7', 'node-1']);
    t.strictSame(await nodes('state=online,name=node-1'), ['node-1']);
    t.match((await run('csv', '-l', 'pool=gpu')).stderr, '0 of 1 node reporting; not: gpu-7');
  });

  await t.test('ends with the code of what it found', async (t) => {
    const cases: readonly (readonly [string, number, string])[] = [
      ['sarif', 0, 'without a gate'],
      ['sarif --fail-on critical', 1, 'for a failure at the threshold'],
      ['sarif --fail-on critical -l pool=gpu', 0, 'for a failure elsewhere'],
      ['annotations --fail-on high', 1, 'for a rejected image'],
      ['junit --require-coverage 50%', 0, 'for enough coverage'],
      ['junit --require-coverage 100%', 3, 'for too little coverage'],
      ['junit --require-coverage 100% --fail-on low', 3, 'for both: coverage speaks first'],
      ['junit -l name=nobody', 5, 'for a node that is not known'],
      ['jnuit', 2, 'for a format that is none'],
      ['sarif junit', 2, 'for two formats'],
      ['sarif -l pool!=gpu', 2, 'for a selector that cannot be asked'],
      ['sarif -l uid=1', 2, 'for a label that cannot be asked'],
      ['sarif -l pool=', 2, 'for a label that is compared with nothing: it would choose all'],
      ['sarif -l pool=a,pool=b', 2, 'for one label twice'],
      ['sarif --as-of yesterday', 2, 'for a time that is none'],
      ['sarif --as-of 1h -l state=online', 2, 'for a state of a former time'],
      ['sarif --require-coverage all', 2, 'for a percentage that is none'],
      ['sarif -f /nowhere/at/all.sarif', 5, 'for a folder that is not there'],
      ['sarif -f /proc', 7, 'for a folder in place of a file'],
    ];
    for (const [words, code, when] of cases) {
      const { exit, stderr } = await run(...words.split(' '));
      t.equal(exit, code, `${code} ${when}: ${stderr}`);
    }
    t.match((await run('jnuit')).stderr, "did you mean 'junit'?");
  });

  await t.test('writes a file as a whole', async (t) => {
    const folder = t.testdir({ 'old.sarif': 'old' });
    const file = join(folder, 'new.sarif');
    const { exit, stdout, stderr } = await run('sarif', '-f', file);
    t.strictSame([exit, stdout, stderr], [0, '', MISSING]);
    t.equal(JSON.parse(readFileSync(file, 'utf8')).version, '2.1.0');
    symlinkSync('old.sarif', join(folder, 'link.sarif'));
    t.equal((await run('sarif', '--file', join(folder, 'link.sarif'))).exit, 0);
    t.ok(lstatSync(join(folder, 'link.sarif')).isSymbolicLink(), 'a link stays one');
    t.equal(JSON.parse(readFileSync(join(folder, 'old.sarif'), 'utf8')).version, '2.1.0');
    t.equal((await run('sarif', '-f', '/dev/null')).exit, 0);
    t.ok(statSync('/dev/null').isCharacterDevice(), 'a device stays one');
    t.strictSame(readdirSync(folder).sort(), ['link.sarif', 'new.sarif', 'old.sarif']);
  });
});

t.test('names that do something on a terminal do nothing in any format', async (t) => {
  const hostile = finding('a.rule', {
    subject: HOSTILE_NAME,
    message: HOSTILE_NAME,
    result: 'fail',
  });
  await using fleet = await runFleet(t.testdir(), [hostile], [image(HOSTILE_NAME)]);
  for (const { id } of EXPORT_FORMATS) {
    const { stdout } = await runCli(['export', id, ...fleet.flags]);
    t.notMatch(stdout, HOSTILE, id);
    t.match(stdout, /evil/);
  }
});

t.test('an export that breaks off leaves the file as it was', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/sarif+json' });
    response.write('{"half":');
    setImmediate(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = t.testdir();
  const file = join(folder, 'kept.sarif');
  writeFileSync(file, 'kept');
  const { exit, stderr } = await runCli(['export', 'sarif', '-f', file, '--server', url]);
  t.equal(exit, 4);
  t.match(stderr, 'cannot reach the aggregator');
  t.equal(readFileSync(file, 'utf8'), 'kept');
  t.strictSame(readdirSync(folder), ['kept.sarif'], 'no draft is left');
});

t.test('an interrupted export leaves nothing', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/sarif+json' });
    response.write('{"half":');
    interrupt.abort();
  });
  const interrupt = new AbortController();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = t.testdir();
  const words = ['export', 'sarif', '-f', join(folder, 'x.sarif'), '--server', url];
  const { exit } = await runCli(words, { signal: interrupt.signal });
  t.equal(exit, 130);
  t.strictSame(readdirSync(folder), []);
});

t.test('an aggregator that is older cannot answer', async (t) => {
  const server = createServer((request, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    const detail = `GET ${request.url}: no such path`;
    response.end(JSON.stringify({ status: 404, code: 'notFound', detail }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { exit, stderr } = await runCli(['export', 'sarif', '--server', url]);
  t.equal(exit, 4);
  t.match(stderr, 'update the aggregator');
});

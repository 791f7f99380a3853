import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../../cli/fake-io.ts';
import { runAggregator } from '../../support/aggregator.ts';
import { NOWHERE, places, writeContext, writeGoodInput } from './command-lines.ts';

/** Everything that can be wrong at a flag, at every flag of every command; and what stands behind --server. */
const folder = t.testdir({});
writeGoodInput(folder);
const all = await places(folder);
const env = { NODESEAL_CONFIG: join(folder, 'contexts.yaml'), LANG: 'C.UTF-8', HOME: folder };

/** One wrong command line: the exit code, one clear error that names what is wrong, and nothing else. */
async function assertRefused(
  t: Test,
  words: readonly string[],
  exits: readonly number[],
  ...names: readonly string[]
): Promise<void> {
  const line = words.join(' ').replaceAll(folder, '');
  const { exit, stdout, stderr } = await runCli(words, { env });
  t.ok(exits.includes(exit), `${line}: exit code ${exit}, expected ${exits.join(' or ')}`);
  t.equal(stdout, '', `${line}: results alone go to stdout`);
  const errors = stderr.split('\n').filter((text) => text.startsWith('error: '));
  t.equal(errors.length, 1, `${line}: ${stderr}`);
  t.ok(
    names.some((name) => stderr.includes(name)),
    `${line} names ${names}: ${stderr}`,
  );
  t.notMatch(stderr, /failed inside|^\s+at /m, line);
}

const withValue = all.filter(({ metavar }) => metavar !== undefined);

t.test('a flag without its value, with an empty one, or twice', async (t) => {
  t.ok(withValue.length > 250, `${withValue.length} flags`);
  for (const { words, long, option } of withValue) {
    await assertRefused(t, [...words, `--${long}`], [2], `--${long}`);
    await assertRefused(t, [...words, `--${long}=`], [2], `--${long}`);
    if (option.repeatable) continue;
    const value = option.choices?.[0] ?? 'x';
    await assertRefused(t, [...words, `--${long}`, value, `--${long}`, value], [2], `--${long}`);
  }
});

t.test('a switch with a value, a flag that is not known, one word too many', async (t) => {
  for (const { words, long } of all.filter(({ metavar }) => metavar === undefined)) {
    await assertRefused(t, [...words, `--${long}=x`], [2], `--${long}`);
  }
  for (const { words } of new Map(all.map((place) => [place.entry, place])).values()) {
    await assertRefused(t, [...words, '--nonesuch'], [2], '--nonesuch');
    await assertRefused(t, [...words, '-Z'], [2], '-Z');
  }
});

/** Values that are none, by what stands in the angle brackets of the flag. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  count: ['0', '-1', '1.5', '1e3', '99999999999999999999', 'many', '\u0661'],
  duration: ['soon', '0', '-1s', '1e9h', '30', '30 s', '999999999999999h'],
  percent: ['101%', '-1', 'all', 'NaN', '1e400'],
  time: ['yesterday', '2026-13-01T00:00:00Z', '24', '-1h', '1e9d'],
  severity: ['bad', '__proto__'],
  format: ['xml', 'constructor'],
  when: ['sometimes'],
  role: ['root'],
  version: ['five', '5.x'],
  url: ['ftp://x', 'https://u:p@agg', 'http://agg.example', 'https://a b', '//', 'unix:'],
  digest: ['sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', '../../etc/passwd'],
};
/** Where the value is not read: something before it speaks first, or `version` answers for itself whatever comes. */
const NOT_READ = /^(get nodes|watch) --since|--release-image|^login --timeout|^version|^diff/;

t.test('a value that is none of its kind, with an aggregator to ask', async (t) => {
  await using aggregator = await runAggregator(join(folder, 'aggregator'));
  writeContext(folder, aggregator.url, aggregator.adminToken);
  t.teardown(() => writeContext(folder, NOWHERE));
  for (const { words, long, metavar } of withValue) {
    const name = `${words.join(' ')} --${long}`;
    for (const value of NOT_READ.test(name) ? [] : (WRONG[metavar ?? ''] ?? [])) {
      const names = [`--${long}`, `'${value}'`, `: ${value}`, inApi(long), 'server address'];
      await assertRefused(t, [...words, `--${long}=${value}`], [2, 7], ...names);
    }
  }
});

/** `as-of` is `asOf` in a query. */
function inApi(long: string): string {
  return long.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** What a file or folder must not be, and the exit codes that say so. */
const BAD_FILES: readonly (readonly [name: string, make: (at: string) => void])[] = [
  ['missing', () => {}],
  ['loop', (at) => symlinkSync('loop', at)],
  ['below-a-file', () => {}],
  ['large', (at) => truncateSync(createEmpty(at), 17 * 1024 * 1024)],
  ['zero', (at) => symlinkSync('/dev/zero', at)],
  ['folder', (at) => mkdirSync(at)],
  ['fifo', (at) => void execFileSync('mkfifo', [at])],
  ['empty', createEmpty],
  ['binary', (at) => writeFileSync(at, Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80, 0x0a]))],
  ['deep', (at) => writeFileSync(at, '['.repeat(100_000))],
];
/** Flags of files that are written, or that are told in a note: exceptions that cannot be read hold for nothing. */
const NOT_INPUT = new Set(['save-snapshot', 'file', 'output', 'exceptions', 'state-dir']);
/** `config set-context` keeps a name for later; `login` reads the token before it asks anybody; `version` answers for itself first. */
const NOT_NOW = /^config set-context|^login|^version/;
/** What is wrong with the content is the verdict of these, 1, and `--ca-file` matters over TLS only. */
const CONTENT_IS_JUDGED = new Set([
  'key',
  'manifest',
  'signature',
  'sigstore',
  'release-key',
  'ca-file',
]);

function createEmpty(at: string): string {
  writeFileSync(at, '');
  return at;
}

t.test('a file that is none, at every flag that names one', async (t) => {
  await using aggregator = await runAggregator(join(folder, 'with-files'));
  writeContext(folder, aggregator.url, aggregator.adminToken);
  t.teardown(() => writeContext(folder, NOWHERE));
  const bad = t.testdir({});
  for (const [name, make] of BAD_FILES) make(join(bad, name));
  for (const { entry, words, long, metavar } of withValue) {
    const isFolder = metavar === 'dir';
    if (!['file', 'dir', 'path', 'profile'].includes(metavar ?? '') || NOT_INPUT.has(long))
      continue;
    if (NOT_NOW.test(entry.path.join(' '))) continue;
    for (const [name] of BAD_FILES) {
      const isContent =
        /^(empty|binary|deep)$/.test(name) || `${long} ${name}` === 'release-key large';
      if (isContent && CONTENT_IS_JUDGED.has(long)) continue;
      if (name === 'folder' && (isFolder || metavar === 'path')) continue;
      const file = join(bad, name === 'below-a-file' ? 'empty/x' : name);
      const exits = name === 'missing' ? [2, 5, 7] : [2, 4, 7];
      await assertRefused(t, [...words, `--${long}`, file], exits, file, `--${long}`);
    }
  }
});

/** What may stand where an aggregator is expected. */
const OTHERS: readonly (readonly [name: string, scheme: 'http' | 'https', answer: string])[] = [
  ['another product', 'http', 'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>hi</html>'],
  ['another API', 'http', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]'],
  [
    'a proxy in its way',
    'http',
    'HTTP/1.1 302 Found\r\nlocation: https://sso/\r\ncontent-length: 0\r\n\r\n',
  ],
  ['a gateway', 'http', 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad'],
  ['no HTTP', 'http', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['no TLS', 'https', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['nothing but an end', 'http', ''],
];

t.test('a server that is none of ours, at every command that asks one', async (t) => {
  const asking = [...new Map(withValue.map((place) => [place.entry, place])).values()].filter(
    ({ entry }) => entry.group === 'the fleet',
  );
  t.ok(asking.length > 10, `${asking.length} commands`);
  for (const [name, scheme, answer] of [...OTHERS, ['nobody', 'http', ''] as const]) {
    await using other = await answering(answer);
    const server = name === 'nobody' ? NOWHERE : `${scheme}://127.0.0.1:${other.port}`;
    for (const { entry } of asking) {
      const words = all.find((place) => place.entry === entry && place.long === 'server')?.words;
      await assertRefused(t, [...(words ?? []), '--server', server], [4], server);
    }
  }
});

/** A server that says the same to whoever connects, whatever is asked. */
async function answering(answer: string): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

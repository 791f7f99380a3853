import { chmodSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ContentMemory } from '../../agent/content-memory.ts';
import { openHost } from '../../agent/host.ts';

const LATER_MS = 60_000;

/** A memory of texts that tells how often it read, on a clock that is `aheadMs` before the kernel's. */
function memoryAt(t: Test, files: Record<string, string>, aheadMs = LATER_MS, maxFiles = 10) {
  const root = t.testdir(files);
  const reads: string[] = [];
  const made = new ContentMemory(openHost(root), {
    make: (bytes, path) => {
      reads.push(path);
      return bytes.toString();
    },
    maxFiles,
  });
  const clock = { nowMs: () => Date.now() + aheadMs };
  const memory = { of: (path: string) => made.of(path, clock) };
  return { root, reads, memory };
}

t.test('an unchanged file is read once', async (t) => {
  const { reads, memory } = memoryAt(t, { a: 'one' });
  t.equal(await memory.of('/a'), 'one');
  t.equal(await memory.of('/a'), 'one');
  t.strictSame(reads, ['/a']);
});

t.test(
  'a file that changed a moment ago is read again: the next change may look the same',
  async (t) => {
    const { reads, memory } = memoryAt(t, { a: 'one' }, 0);
    await memory.of('/a');
    await memory.of('/a');
    t.strictSame(reads, ['/a', '/a']);
  },
);

const CHANGES: readonly (readonly [name: string, change: (path: string) => void, after: string])[] =
  [
    ['written in place', (path) => writeFileSync(path, 'two'), 'two'],
    [
      'written in place with its times put back',
      (path) => {
        writeFileSync(path, 'two');
        utimesSync(path, 1, 1);
      },
      'two',
    ],
    [
      'replaced by another',
      (path) => {
        writeFileSync(`${path}.new`, 'two');
        renameSync(`${path}.new`, path);
      },
      'two',
    ],
    ['given another mode, which may be more than that', (path) => chmodSync(path, 0o600), 'one'],
  ];

for (const [name, change, after] of CHANGES) {
  t.test(`a file ${name} is read again`, async (t) => {
    const { root, reads, memory } = memoryAt(t, { a: 'one' });
    await memory.of('/a');
    change(join(root, 'a'));
    t.equal(await memory.of('/a'), after);
    t.equal(reads.length, 2);
  });
}

t.test('a link is what it leads to, now', async (t) => {
  const { root, memory } = memoryAt(t, { a: 'one', b: 'two' });
  symlinkSync('a', join(root, 'link'));
  t.equal(await memory.of('/link'), 'one');
  symlinkSync('b', join(root, 'link.new'));
  renameSync(join(root, 'link.new'), join(root, 'link'));
  t.equal(await memory.of('/link'), 'two');
});

t.test('what is not there is undefined, what cannot be read is thrown each time', async (t) => {
  const { root, memory } = memoryAt(t, { a: 'one' });
  symlinkSync('nowhere', join(root, 'link'));
  t.equal(await memory.of('/b'), undefined);
  t.equal(await memory.of('/link'), undefined);
  await t.rejects(memory.of('/'), { code: 'ERR_HOST_NOT_A_FILE' });
  await t.rejects(memory.of('/'), { code: 'ERR_HOST_NOT_A_FILE' });
});

t.test('of more files than are remembered the one asked for longest ago goes', async (t) => {
  const { reads, memory } = memoryAt(t, { a: '', b: '', c: '' }, LATER_MS, 2);
  for (const path of ['/a', '/b', '/a', '/c', '/a', '/b']) await memory.of(path);
  t.strictSame(reads, ['/a', '/b', '/c', '/b']);
});

import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Host, HostError, openHost } from '../../agent/host.ts';

/** More than any look at a path of these depths makes. */
const MOST_CALLS = 60;
const { closeSync, fstatSync, lstatSync, openSync, readSync, readlinkSync, statSync } = fs;
const original = { closeSync, fstatSync, lstatSync, openSync, readSync, readlinkSync, statSync };
const realpath = fs.realpathSync.native;
const { readdir } = promises;

/** Calls `act` right before call number `at` to the file system, then lets all calls through. */
function beforeCall(at: number, act: () => void): { readonly calls: () => number } {
  let calls = 0;
  const counted = (call: (...words: never[]) => unknown) => {
    return (...words: never[]): unknown => {
      calls++;
      if (calls === at) act();
      return call(...words);
    };
  };
  for (const [name, call] of Object.entries(original)) Object.assign(fs, { [name]: counted(call) });
  Object.assign(fs.realpathSync, { native: counted(realpath) });
  Object.assign(promises, { readdir: counted(readdir) });
  syncBuiltinESMExports();
  return { calls: () => calls };
}

function letThrough(): void {
  Object.assign(fs, original);
  Object.assign(fs.realpathSync, { native: realpath });
  Object.assign(promises, { readdir });
  syncBuiltinESMExports();
}

/** A root whose `/a/b` can become a link out of it; inside and outside differ in all that can be told. */
function node(t: Test): { readonly root: string; readonly swap: () => void } {
  const folder = t.testdir({
    outside: {
      file: 'secret of another machine',
      'only-outside': '',
      link: t.fixture('symlink', 'out'),
    },
    root: {
      a: { b: { file: 'inside', link: t.fixture('symlink', 'in') } },
      'to-b': t.fixture('symlink', '/a/b'),
    },
  });
  const root = join(folder, 'root');
  const swap = () => {
    fs.renameSync(join(root, 'a/b'), join(root, 'a/away'));
    fs.symlinkSync(join(folder, 'outside'), join(root, 'a/b'));
  };
  return { root, swap };
}

const LOOKS: readonly (readonly [
  what: string,
  look: (host: Host) => Promise<unknown>,
  inside: unknown,
])[] = [
  ['reading a file', (host) => host.readText('/a/b/file'), 'inside'],
  ['reading behind a link', (host) => host.readText('/to-b/file'), 'inside'],
  ['listing a folder', (host) => host.list('/a/b'), ['file', 'link']],
  ['listing behind a link', (host) => host.list('/to-b'), ['file', 'link']],
  ['stat of a file', async (host) => (await host.stat('/a/b/file'))?.size, 'inside'.length],
  ['lstat of a file', async (host) => (await host.lstat('/a/b/file'))?.size, 'inside'.length],
  ['reading a link', (host) => host.readLink('/a/b/link'), 'in'],
];

for (const [what, look, inside] of LOOKS) {
  t.test(`${what} never leaves the root, whenever a folder becomes a link`, async (t) => {
    t.teardown(letThrough);
    let changed = 0;
    for (let at = 1; at <= MOST_CALLS; at++) {
      const { root, swap } = node(t);
      const host = openHost(root);
      const { calls } = beforeCall(at, swap);
      const found = await look(host).catch((error: unknown) => error);
      letThrough();
      if (calls() < at) {
        t.strictSame(found, inside, 'nothing happened in between');
        t.ok(at > 1 && changed > 0, `${at - 1} moments were tried, in ${changed} it showed`);
        return;
      }
      if (found instanceof HostError || found === undefined) changed++;
      else t.strictSame(found, inside, `swapped before call ${at}`);
    }
    t.fail(`more than ${MOST_CALLS} calls`);
  });
}

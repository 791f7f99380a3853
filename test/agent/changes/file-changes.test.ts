import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FileChanges } from '../../../agent/changes/file-changes.ts';
import { sha256 } from '../../../shared/canonical.ts';
import type { Items } from '../../../shared/report.ts';
import { heardHost } from '../../support/heard-host.ts';
import { treeOf } from '../../support/host-tree.ts';

const SYSCTL = '/etc/sysctl.d/x.conf';
const OTHER = '/etc/sudoers.d/x';
const FILE = 'file-meanings.json';

/** A node whose files say which items a look gives. */
function nodeOf(t: Test, files: Readonly<Record<string, string>>) {
  const folder = t.testdir({ state: {}, host: treeOf(files) });
  const root = join(folder, 'host');
  const reads: string[] = [];
  const host = heardHost(root, (path) => void reads.push(path));
  const items = (...paths: readonly string[]): Items =>
    new Map(
      paths.map((path) => {
        const digest = sha256(readFileSync(`${root}${path}`));
        return [path, { path, sha256: digest, class: 'unmanaged' }];
      }),
    );
  const write = (path: string, text: string): void => writeFileSync(`${root}${path}`, text);
  return {
    state: join(folder, 'state'),
    context: { host, baseline: undefined },
    items,
    write,
    reads,
  };
}

t.test('what a change means is known in the next life too', async (t) => {
  const { state, context, items, write } = nodeOf(t, { [SYSCTL]: 'a=1\n' });
  const before = items(SYSCTL);
  const first = await FileChanges.open(state);
  await first.look(context, new Map(), before, []);
  t.ok(first.isUnsaved);
  await first.save();
  t.notOk(first.isUnsaved);
  t.equal(statSync(join(state, FILE)).mode & 0o777, 0o600);
  write(SYSCTL, 'a=2\n');
  const second = await FileChanges.open(state);
  const { files } = await second.look(context, before, items(SYSCTL), [SYSCTL]);
  t.match(files.get(SYSCTL), { meaning: { values: [{ at: 'a', was: '1', now: '2' }] } });
});

t.test('another mode alone means nothing: no setting is said to have changed or not', async (t) => {
  const { state, context, items } = nodeOf(t, { [SYSCTL]: 'a=1\n' });
  const changes = await FileChanges.open(state);
  const before = items(SYSCTL);
  await changes.look(context, new Map(), before, []);
  const after = new Map([[SYSCTL, { path: SYSCTL, sha256: sha256('a=1\n'), mode: 0o666 }]]);
  const { files } = await changes.look(context, before, after, [SYSCTL]);
  t.strictSame(files.get(SYSCTL), { explained: undefined, meaning: undefined });
});

t.test('a file is read when it is new or changed, also one that means nothing to us', async (t) => {
  const { state, context, items, write, reads } = nodeOf(t, { [SYSCTL]: 'a=1', [OTHER]: 'x' });
  const changes = await FileChanges.open(state);
  const paths = [SYSCTL, OTHER];
  await changes.look(context, new Map(), items(...paths), []);
  t.strictSame(reads.splice(0), paths);
  await changes.look(context, items(...paths), items(...paths), []);
  t.strictSame(reads.splice(0), []);
  write(OTHER, 'y');
  await changes.look(context, items(...paths), items(...paths), []);
  t.strictSame(reads.splice(0), [OTHER]);
});

t.test(
  'a file that changed again since it was looked at is not told by the wrong content',
  async (t) => {
    const { state, context, items, write } = nodeOf(t, { [SYSCTL]: 'a=1\n' });
    const changes = await FileChanges.open(state);
    const one = items(SYSCTL);
    await changes.look(context, new Map(), one, []);
    write(SYSCTL, 'a=2\n');
    const two = items(SYSCTL);
    write(SYSCTL, 'a=3\n');
    t.equal(
      (await changes.look(context, one, two, [SYSCTL])).files.get(SYSCTL)?.meaning,
      undefined,
    );
    const three = items(SYSCTL);
    t.equal(
      (await changes.look(context, two, three, [SYSCTL])).files.get(SYSCTL)?.meaning,
      undefined,
    );
    write(SYSCTL, 'a=4\n');
    const found = await changes.look(context, three, items(SYSCTL), [SYSCTL]);
    t.match(found.files.get(SYSCTL), { meaning: { values: [{ at: 'a', was: '3', now: '4' }] } });
  },
);

t.test('a file that went is told by what it set, once', async (t) => {
  const { state, context, items } = nodeOf(t, { [SYSCTL]: 'a=1\n' });
  const changes = await FileChanges.open(state);
  const before = items(SYSCTL);
  await changes.look(context, new Map(), before, []);
  const found = await changes.look(context, before, new Map(), [SYSCTL]);
  t.match(found.files.get(SYSCTL), { meaning: { removed: ['a'] } });
  await changes.save();
  t.notMatch(readFileSync(join(state, FILE), 'utf8'), SYSCTL, 'nothing of it is kept');
});

t.test('what is kept and cannot be used is as if nothing were', async (t) => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"format":2,"files":[]}',
    '{"format":1,"files":{}}',
    '{"format":1,"files":[["/x",{"sha256":"a","meaning":{"kind":"other"}}]]}',
    '{"format":1,"files":[["/x",{"sha256":"a","meaning":{"kind":"policy"}}]]}',
    '{"format":1,"deployment":7,"files":[]}',
  ]) {
    const { state, context, items, write } = nodeOf(t, { [SYSCTL]: 'a=1\n' });
    writeFileSync(join(state, FILE), text);
    const changes = await FileChanges.open(state);
    const before = items(SYSCTL);
    write(SYSCTL, 'a=2\n');
    const found = await changes.look(context, before, items(SYSCTL), [SYSCTL]);
    t.strictSame(found.files.get(SYSCTL), { explained: undefined, meaning: undefined }, text);
    await changes.save();
    t.match(JSON.parse(readFileSync(join(state, FILE), 'utf8')), { format: 1 });
  }
});

t.test('what cannot be kept is to be kept still', async (t) => {
  const { state, context, items } = nodeOf(t, { [SYSCTL]: 'a=1\n' });
  const changes = await FileChanges.open(state);
  await changes.look(context, new Map(), items(SYSCTL), []);
  mkdirSync(join(state, `${FILE}.tmp`));
  await t.rejects(changes.save(), { code: 'EISDIR' });
  t.ok(changes.isUnsaved);
  rmSync(join(state, `${FILE}.tmp`), { recursive: true });
  await changes.save();
  t.notOk(changes.isUnsaved);
});

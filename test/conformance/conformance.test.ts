import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { sharedDir } from '../support/shared.ts';
import { judge } from './judge.ts';
import { KINDS } from './kinds/index.ts';
import { readTables } from './table.ts';

const shared = sharedDir();

if (shared === undefined) {
  t.test(
    'the conformance tables',
    { skip: 'needs the conformance tables of ../shared' },
    async () => {},
  );
} else {
  const root = join(shared, 'conformance');
  for (const table of await readTables(join(root, 'cases'))) {
    const { hasRunner, total, disagreements, notAsked } = await judge(table, KINDS, root);
    const skip = hasRunner ? false : `no runner for ${table.kind}: ${total} cases not run`;
    t.test(`the product agrees with containers/image on ${table.kind}`, { skip }, async (t) => {
      t.ok(total > 0, `${total} cases`);
      t.same(disagreements, [], 'no case differs');
    });
    if (notAsked.length > 0) {
      const name = `${notAsked.length} cases of ${table.kind}: ${notAsked.join(', ')}`;
      t.test(name, { skip: 'nothing in the product asks this yet' }, async () => {});
    }
  }
}

t.test('a table of an unknown kind is reported, not passed', async (t) => {
  const table = { kind: 'no-such-kind', cases: [{ id: 'x', input: {}, expect: {} }] };
  t.match(await judge(table, KINDS, ''), { hasRunner: false, agreed: 0, total: 1 });
});

t.test('an answer that differs, lacks a member or is thrown is a disagreement', async (t) => {
  const answers = { same: { valid: true, more: 1 }, other: { valid: false }, none: undefined };
  const kind = {
    kind: 'k',
    answer: (input: unknown) => {
      if (typeof input === 'string' && Object.hasOwn(answers, input))
        return Reflect.get(answers, input);
      throw new Error('no answer');
    },
  };
  const cases = ['same', 'other', 'none', 'thrown'].map((id) => ({
    id,
    input: id,
    expect: { valid: true },
  }));
  const { agreed, disagreements } = await judge({ kind: 'k', cases }, [kind], '');
  t.equal(agreed, 1);
  t.same(
    disagreements.map(({ id, differs }) => [id, differs]),
    [
      ['other', ['valid']],
      ['none', ['valid']],
      ['thrown', ['valid']],
    ],
  );
});

t.test(
  'the runner reports on any folder of tables, and fails for what it did not agree on',
  async (t) => {
    const table = (kind: string, valid: boolean) =>
      JSON.stringify({
        format: 'trust-conformance/1',
        kind,
        cases: [{ id: `${kind}-1`, input: { reference: 'busybox' }, expect: { valid } }],
      });
    const folder = t.testdir({
      good: { 'a.json': table('reference-normalisation', true) },
      bad: { 'a.json': table('reference-normalisation', false), 'b.json': table('unheard', true) },
      none: {},
      broken: { 'a.json': '{}' },
    });
    const run = (name: string, ...args: string[]) => {
      const script = fileURLToPath(new URL('run.ts', import.meta.url));
      const options = ['--cases', join(folder, name), '--root', folder, ...args];
      const { status, stdout } = spawnSync(process.execPath, [script, ...options]);
      return { status, stdout: String(stdout) };
    };
    t.match(run('good'), { status: 0, stdout: /^reference-normalisation: 1\/1\nall: 1\/1\n$/ });
    const report = join(folder, 'report.json');
    t.match(run('bad', '--json', report), {
      status: 1,
      stdout:
        /0\/1\n {2}reference-normalisation-1: differs in valid: .*\nunheard: no runner, 1 cases not run\n/,
    });
    t.match(JSON.parse(readFileSync(report, 'utf8')), {
      total: 2,
      agreed: 0,
      kinds: [{ disagreements: [{ id: 'reference-normalisation-1' }] }, { hasRunner: false }],
    });
    t.match(run('bad', '--kind', 'unheard'), { status: 1, stdout: /all: 0\/1/ });
    t.match(run('none'), { status: 2 });
    t.match(run('broken'), { status: 1 });
  },
);

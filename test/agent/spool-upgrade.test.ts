import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { Spool, type SpoolState } from '../../agent/spool.ts';
import { systemClock } from '../../shared/clock.ts';

interface Recorded {
  readonly state: SpoolState;
  readonly files: Readonly<Record<string, string>>;
}

/** Spools as earlier versions left them: test/fixtures/spools/README.md. */
const FOLDER = join(import.meta.dirname, '../fixtures/spools');
const names = globSync('format-*.json', { cwd: FOLDER }).sort();

function unpack(folder: string, { files }: Recorded): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.from(content, 'base64'));
  }
}

/** The format of a file stands in its fourth byte. */
const formatOf = (file: string): number => readFileSync(file).readUInt8(3);

t.test('a spool of the format that is written now was recorded', async (t) => {
  const folder = t.testdir({});
  await (await Spool.open({ folder, clock: systemClock }))[Symbol.asyncDispose]();
  const [head = ''] = globSync('*/head', { cwd: folder });
  const format = formatOf(join(folder, head));
  t.same(
    names,
    Array.from({ length: format }, (_, index) => `format-${index + 1}.json`),
  );
});

for (const name of names) {
  t.test(
    `walk-through 8: ${name}: what was not acknowledged is there, and it goes on`,
    async (t) => {
      const recorded = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Recorded;
      const folder = t.testdir({});
      unpack(folder, recorded);
      await using spool = await Spool.open({ folder, clock: systemClock });
      t.match(spool.state, { ...recorded.state, lost: 0 });
      const items = await spool.read(spool.state.acknowledged + 1, { records: 99, bytes: 1e6 });
      t.same(
        items.map(({ sequence, kind, data }) => [sequence, kind, data]),
        [5, 6, 7, 8, 9, 10, 11, 12].map((n) => [n, 'test', { path: `/etc/file-${n}` }]),
      );
      t.equal(await spool.append({ kind: 'test', class: 'low', data: {} }), 13);
      t.equal(readdirSync(folder).length, 1, 'in the same life');
    },
  );
}

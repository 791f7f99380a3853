import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import type { Style } from '../../../cli/output/colour.ts';
import { styleOf } from '../../../cli/output/colour.ts';
import type { Column, Presentation } from '../../../cli/output/column.ts';
import { csvText } from '../../../cli/output/csv.ts';
import { FORMATS } from '../../../cli/output/format.ts';
import { jsonText } from '../../../cli/output/json.ts';
import { listText } from '../../../cli/output/list.ts';
import { tableText } from '../../../cli/output/table.ts';
import { displayWidth } from '../../../cli/output/width.ts';
import { yamlText } from '../../../cli/output/yaml.ts';
import { fakeIo, HOSTILE } from '../fake-io.ts';

interface Row {
  readonly name: string;
  readonly path: string;
  readonly count: number | null;
}
const COLUMNS: readonly Column<Row>[] = [
  { header: 'NAME', key: 'name', value: ({ name }) => name, shrink: 'end' },
  { header: 'COUNT', key: 'count', value: ({ count }) => count, align: 'right' },
  { header: 'EXTRA', key: 'extra', value: () => 'x', wide: true },
  { header: 'PATH', key: 'path', value: ({ path }) => path, shrink: 'start' },
];
const PRESENTATION: Presentation<Row> = {
  resource: 'row',
  columns: COLUMNS,
  nameOf: ({ name }) => name,
};
const ROWS: readonly Row[] = [
  { name: 'worker-1', path: '/etc/containers/policy.json', count: 12 },
  { name: 'ノード', path: '/etc/x', count: null },
  { name: '👩‍🚀e\u0301', path: '', count: 3 },
];
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function terminal(columns: number, env: Record<string, string> = {}): Style {
  const io = fakeIo({ isTerminal: true, columns, env: { LANG: 'C.UTF-8', NO_COLOR: '1', ...env } });
  return styleOf(io.io);
}
const PIPE: Style = styleOf(fakeIo({}).io);

t.test('a table aligns by display width, CJK and emoji too', async (t) => {
  t.equal(
    tableText(ROWS, COLUMNS, terminal(80)),
    [
      'NAME      COUNT  PATH',
      'worker-1     12  /etc/containers/policy.json',
      'ノード        -  /etc/x',
      '👩‍🚀e\u0301           3  -',
      '',
    ].join('\n'),
  );
});

t.test('a table on a narrow terminal gives way where it may, paths from the left', async (t) => {
  const text = tableText(ROWS, COLUMNS, terminal(30));
  t.equal(text.split('\n')[1], 'worker-1     12  …/policy.json');
  for (const line of text.trimEnd().split('\n')) {
    t.ok(displayWidth(line) <= 30, `${displayWidth(line)} columns`);
  }
});

t.test('a digest is cut for people only', async (t) => {
  const rows = [{ name: 'a', path: `quay.io/x@${DIGEST}`, count: 1 }];
  t.match(tableText(rows, COLUMNS, terminal(80)), 'quay.io/x@sha256:0123456789ab…\n');
  t.match(tableText(rows, COLUMNS, PIPE), DIGEST, 'a piped table has it whole');
  t.match(csvText(rows, COLUMNS), DIGEST, 'CSV has it whole');
});

t.test('a piped table is neither cut nor coloured, whatever its width', async (t) => {
  const rows = [{ name: 'n'.repeat(300), path: `/${'p'.repeat(300)}`, count: 1 }];
  const text = tableText(rows, COLUMNS, PIPE);
  t.match(text, 'n'.repeat(300));
  t.match(text, `/${'p'.repeat(300)}`);
  t.notMatch(text, '…');
});

t.test('wide adds columns and headers can be left out', async (t) => {
  const list = { apiVersion: 'nodeseal.dev/v1', kind: 'RowList', items: ROWS.slice(0, 1) } as const;
  t.equal(
    listText(list, PRESENTATION, 'wide', PIPE, true),
    'NAME      COUNT  EXTRA  PATH\nworker-1     12  x      /etc/containers/policy.json\n',
  );
  t.equal(
    listText(list, PRESENTATION, 'table', PIPE, false),
    'worker-1  12  /etc/containers/policy.json\n',
  );
});

t.test('ASCII symbols where the locale is not UTF-8', async (t) => {
  t.equal(terminal(80, { LANG: 'C' }).symbols.bad, 'x');
  t.equal(terminal(80, { LANG: 'C', LC_ALL: 'de_DE.utf8' }).symbols.bad, '✗');
  t.equal(terminal(80, { LC_ALL: 'POSIX' }).symbols.cut, '...', 'LC_ALL goes before LANG');
});

const colours: readonly (readonly [string, boolean, Record<string, string>, string, boolean])[] = [
  ['a terminal', true, {}, 'auto', true],
  ['a pipe', false, {}, 'auto', false],
  ['NO_COLOR', true, { NO_COLOR: '1' }, 'auto', false],
  ['an empty NO_COLOR, which does not count', true, { NO_COLOR: '' }, 'auto', true],
  ['TERM=dumb', true, { TERM: 'dumb' }, 'auto', false],
  ['CLICOLOR_FORCE in a pipe', false, { CLICOLOR_FORCE: '1' }, 'auto', true],
  ['CLICOLOR_FORCE=0 in a pipe', false, { CLICOLOR_FORCE: '0' }, 'auto', false],
  ['NO_COLOR against CLICOLOR_FORCE', true, { NO_COLOR: '1', CLICOLOR_FORCE: '1' }, 'auto', false],
  ['--color always in a pipe with NO_COLOR', false, { NO_COLOR: '1' }, 'always', true],
  ['--color never on a terminal', true, {}, 'never', false],
];
for (const [name, isTerminal, env, color, expected] of colours) {
  const { io } = fakeIo({ isTerminal, env });
  const painted = styleOf(io, color).paint('x', 'bad') !== 'x';
  t.equal(painted, expected, `${name}: ${expected ? 'colour' : 'no colour'}`);
}

t.test('hostile text is harmless in every format, and JSON says the same', async (t) => {
  const lone = String.fromCharCode(0xd800);
  const hostile = `\u001b[31m\u0007\r\n\u009b\u202e\u2066\u200b\u{e0041}\u007f${lone} end`;
  const rows = [{ name: hostile, path: `/${hostile}`, count: 1 }];
  const list = { apiVersion: 'nodeseal.dev/v1', kind: 'RowList', items: rows } as const;
  for (const format of FORMATS) {
    const text = listText(list, PRESENTATION, format, PIPE, true);
    t.notMatch(text, HOSTILE, `${format} has nothing a terminal acts upon`);
    t.match(text, /end/, `${format} still tells the rest`);
  }
  t.same(JSON.parse(listText(list, PRESENTATION, 'json', PIPE, true)), list);
  t.same(JSON.parse(listText(list, PRESENTATION, 'jsonl', PIPE, true)), rows[0]);
  const table = listText(list, PRESENTATION, 'table', terminal(80), true);
  t.equal(table.split('\n').length, 3, 'a name with line feeds stays one row');
});

const cells: readonly (readonly [string, string])[] = [
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\\x09=1"],
  ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
  ['a,b', '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ['plain', 'plain'],
];
for (const [text, expected] of cells) {
  const rows = [{ name: text, path: '', count: -1 }];
  const [, line] = csvText(rows, COLUMNS.slice(0, 2)).split('\n');
  t.equal(line, `${expected},-1`, `CSV writes ${JSON.stringify(text)} as ${expected}`);
}

t.test('YAML says what JSON says, to readers of YAML 1.1 and 1.2', async (t) => {
  const tricky = {
    list: [[], {}, [1, [2]], { a: [{ b: null }] }],
    words: ['no', 'on', 'Null', '~', '1.0', '0x1f', '1e3', '2026-11-21', '12:30:00', ' a', 'a: b'],
    'odd key: #': 'a\nb',
    '': '',
    digest: DIGEST,
    time: '2026-11-21T12:00:00.000Z',
  };
  for (const version of ['1.1', '1.2'] as const) {
    t.same(parse(yamlText(tricky), { version }), tricky, `YAML ${version}`);
  }
  const seed = Date.now();
  t.comment(`seed ${seed}`);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // JSON knows no -0.
      const json = JSON.parse(JSON.stringify(value));
      return (['1.1', '1.2'] as const).every((version) => {
        return JSON.stringify(parse(yamlText(json), { version })) === JSON.stringify(json);
      });
    }),
    { seed, numRuns: 300 },
  );
  t.equal(parse(yamlText('plain')), 'plain');
});

t.test('any text is safe and keeps its value in JSON', async (t) => {
  const seed = Date.now();
  t.comment(`seed ${seed}`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const json = jsonText({ text });
      return !HOSTILE.test(json) && JSON.parse(json).text === text;
    }),
    { seed, numRuns: 500 },
  );
  t.pass('500 texts');
});

t.test('huge names cost no time on a terminal and keep their end or start', async (t) => {
  const rows = [{ name: 'ü'.repeat(1_000_000), path: `/${'ü'.repeat(1_000_000)}/end`, count: 1 }];
  const startMs = performance.now();
  const text = tableText(rows, COLUMNS, terminal(80));
  const tookMs = performance.now() - startMs;
  t.ok(tookMs < 2000, `${Math.round(tookMs)} ms`);
  t.match(text, /\nü+… +1 {2}….*end\n$/);
  t.equal(displayWidth(text.split('\n')[1] ?? ''), 80);
});

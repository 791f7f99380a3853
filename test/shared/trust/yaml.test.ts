import t from 'tap';
import { parseYaml, YamlError, type YamlValue } from '../../../shared/trust/yaml.ts';

const field = (text: string, name = 'a'): YamlValue | undefined =>
  parseYaml(text)?.fields().get(name);

t.test('a scalar is read as the type that is asked for', async (t) => {
  for (const [written, text] of [
    ['x', 'x'],
    ['"x\\ty"', 'x\ty'],
    ["'x'", 'x'],
    ['1e3', '1e3'],
    ['0x1F', '0x1F'],
    ['2001-01-01', '2001-01-01'],
    ['yes', 'yes'],
    ['true', 'true'],
    ['!!str true', 'true'],
    ['!own x', 'x'],
    ['! x', 'x'],
    ['"null"', 'null'],
    ['|\n  x\n  y\n', 'x\ny\n'],
    ['>-\n  x\n  y', 'x y'],
    ['', undefined],
    ['~', undefined],
    ['Null', undefined],
    ['!!null ~', undefined],
  ] as const) {
    t.equal(field(`a: ${written}`)?.text(), text, `a: ${written}`);
  }
});

t.test('a boolean is what yaml.v3 takes for one', async (t) => {
  for (const word of ['true', 'True', 'TRUE', 'y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON']) {
    t.equal(field(`a: ${word}`)?.boolean(), true, word);
  }
  for (const word of ['false', 'False', 'FALSE', 'n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF']) {
    t.equal(field(`a: ${word}`)?.boolean(), false, word);
  }
  for (const word of ['"yes"', "'On'", '!!str yes', '!own yes', '!!bool true', '!!bool "true"']) {
    t.equal(field(`a: ${word}`)?.boolean(), true, word);
  }
  t.equal(field('a: ~')?.boolean(), undefined, 'null is none');
  for (const word of [
    '"true"',
    "'false'",
    '1',
    'tRue',
    'yEs',
    '!!str true',
    '!!bool yes',
    '[true]',
  ]) {
    t.throws(() => field(`a: ${word}`)?.boolean(), { code: 'ERR_YAML', path: 'a' }, word);
  }
});

t.test('a list has its items in order, and their places', async (t) => {
  for (const text of ['a: [x, 1]', 'a:\n  - x\n  - 1\n', 'b: &l [x, 1]\na: *l']) {
    t.strictSame(
      field(text)
        ?.items()
        .map((item) => `${item.path} ${item.text()}`),
      ['a[0] x', 'a[1] 1'],
    );
  }
  for (const text of ['a: []', 'a: ~', 'a:']) t.strictSame(field(text)?.items(), []);
  for (const text of ['a: x', 'a: {b: c}', 'a: ""']) {
    t.throws(() => field(text)?.items(), { code: 'ERR_YAML', path: 'a' }, text);
  }
  t.throws(() => field('a: [x, [y]]')?.items()[1]?.text(), { code: 'ERR_YAML', path: 'a[1]' });
});

t.test('members are merged behind the own ones, the first one wins', async (t) => {
  const text = 'x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nm:\n  <<: [*x, *y]\n  a: 0\nn: {<<: *x}\n';
  const read = (name: string) =>
    [...(field(text, name)?.fields() ?? [])].map(([key, value]) => `${key}=${value.text()}`);
  t.same(read('m'), ['a=0', 'b=2', 'c=4']);
  t.same(read('n'), ['a=1', 'b=2']);
  t.same(
    [...(field('m: {"<<": 1}', 'm')?.fields().keys() ?? [])],
    ['<<'],
    'a quoted one is a name',
  );
});

t.test('a comment needs no blank behind a bracket or a quotation mark', async (t) => {
  t.equal(field('a: "x"#c')?.text(), 'x');
  t.same([...(field('a: {b: 1}#c')?.fields().keys() ?? [])], ['b']);
  t.equal(field('a: x#c')?.text(), 'x#c');
});

t.test('only the first document is read', async (t) => {
  t.equal(field('a: 1\n---\n}{ [')?.text(), '1');
  t.equal(field('a: 1\n...\n]')?.text(), '1');
  for (const text of ['', '# nothing\n', '---\n', '--- ~', '---\n...\n]']) {
    t.equal(parseYaml(text)?.isNull ?? true, true, `${JSON.stringify(text)} says nothing`);
  }
});

t.test('texts in UTF-16 and with a byte order mark are read', async (t) => {
  const bytes = Buffer.from('\ufeffa: \u00e9', 'utf16le');
  t.equal(parseYaml(bytes)?.fields().get('a')?.text(), '\u00e9');
  t.equal(parseYaml(Buffer.from('\ufeffa: 1'))?.fields().get('a')?.text(), '1');
});

const walk = (value: YamlValue | undefined): void => {
  for (const inner of value?.fields().values() ?? []) if (!inner.isNull) walk(inner);
};
const refused: readonly (readonly [string, string | Uint8Array, number, number, RegExp])[] = [
  ['a bracket alone', '}', 1, 1, /./],
  ['a bracket for a value', 'a: 1\nb: ]\nc: 2', 2, 4, /./],
  ['a brace for a value in a mapping', 'a:\n  b: }\n', 2, 6, /./],
  ['a percent sign for a value', 'a: %x', 1, 4, /%/],
  ['a colon without a name', ': x', 1, 1, /a member name/],
  ['an end before the beginning', '# c\n...\na: 1', 1, 1, /before its end/],
  ['a tab alone', '\t', 1, 1, /no tab/],
  ['a tab on a line of its own', 'a: "x"\n\t\nb: 1', 2, 1, /no tab/],
  ['a tab behind the last value', 'a:\n  b: 1\n \t', 3, 2, /no tab/],
  ['a tab before a comment', 'a: {}\n\t# c\nb: 1', 2, 1, /no tab/],
  ['an open list', 'a: [1', 1, 6, /./],
  ['a tab for indentation', 'a:\n\tb: 1', 2, 1, /./],
  ['a mapping in a line', 'a: b: c', 1, 4, /./],
  ['an unknown escape', 'a: "\\q"', 1, 5, /./],
  ['an unknown anchor', 'b: 1\na: *x', 2, 4, /an anchor x/],
  ['an anchor that comes later', 'a: *x\nb: &x 1', 1, 4, /an anchor x/],
  ['a repeated member', 'a: 1\nb: 2\na: 3', 1, 1, /a once/],
  ['two merges', 'x: &x {}\nm: {<<: *x, <<: *x}', 2, 4, /<< once/],
  ['a merge of a text', 'm: {<<: x}', 1, 4, /a mapping/],
  ['a merge of nothing', 'm: {<<: }', 1, 4, /a mapping/],
  ['a merge of itself', 'm: &m {<<: *m}', 1, 4, /hold itself/],
  ['a list for a member name', '? [a]\n: b', 1, 3, /a text/],
  ['a text in place of a mapping', 'hello', 1, 1, /a mapping/],
  ['a list in place of a mapping', '- a', 1, 1, /a mapping/],
  ['a number that is none', 'a: {!!int x : 1}', 1, 5, /!!int/],
  ['a control character', 'a: 1\nb: \x07', 2, 4, /control/],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff]), 1, 1, /UTF-8/],
];
for (const [name, text, line, , message] of refused) {
  t.test(`${name} is refused`, async (t) => {
    t.throws(() => walk(parseYaml(text)), { code: 'ERR_YAML', line, message });
  });
}

for (const [name, text, expected] of [
  ['inside braces', 'a: {\n  \tb: 1,\n  \tc: 2\n  }', ['b', 'c']],
  ['between a name and its value', 'a:\n  b: \t1', ['b']],
  ['far behind a plain value', 'a:\n  b: 1\n      \t\n  c: 2', ['b', 'c']],
  ['in a block of text', 'a:\n  b: |\n    \tx\n  c: 2\n', ['b', 'c']],
  ['behind the document', 'a: {b: 1}\n---\n\tx', ['b']],
] as const) {
  t.same([...(field(text)?.fields().keys() ?? [])], expected, `a tab is read ${name}`);
}

t.test('merges that multiply are refused in time', async (t) => {
  const lines = Array.from({ length: 40 }, (_, index) => {
    const merged = index === 0 ? '' : `<<: [*n${index - 1}, *n${index - 1}], `;
    return `n${index}: &n${index} {${merged}a${index}: 1}`;
  });
  t.throws(() => field(lines.join('\n'), 'n39')?.fields(), { code: 'ERR_YAML', message: /merged/ });
});

t.test('a hundred thousand brackets are refused, not fatal', async (t) => {
  for (const open of ['[', '{a: ', '- ']) {
    t.throws(
      () => walk(parseYaml(open.repeat(100_000))),
      YamlError,
      `${open.trim()} again and again`,
    );
  }
});

t.test('nesting that no stack holds is told in the same words each time', async (t) => {
  for (const text of ['{"a": ['.repeat(9_000), '['.repeat(50_000), '{a: '.repeat(20_000)]) {
    for (let time = 0; time < 3; time++) {
      t.throws(() => parseYaml(text), {
        message: /expected less deep nesting/,
        line: 1,
        column: 1,
      });
    }
  }
});

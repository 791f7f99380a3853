import t from 'tap';
import { parseToml } from '../../../shared/trust/toml.ts';

t.test('members are read as the type asked for, whatever their case', async (t) => {
  const root = parseToml('A-b = "x"\nyes = true\nlist = ["a"]\n[T]\n[[item]]\nn = "1"\n[[Item]]\n');
  t.equal(root.text('a-b'), 'x');
  t.equal(root.text('none'), '');
  t.equal(root.boolean('yes'), true);
  t.equal(root.boolean('none'), false);
  t.same(root.texts('list'), ['a']);
  t.equal(root.texts('none'), undefined);
  t.equal(root.table('t')?.path, 't');
  t.equal(root.tables('item')?.[0]?.text('n'), '1', 'an exact name goes first');
  t.equal(root.tables('none'), undefined);
  t.equal(root.table('constructor'), undefined);
});

const root = parseToml('s = "x"\nn = 1\nmixed = ["a", 1]\nd = 1979-05-27\n[t]\n[[item]]\n');
for (const [name, read, path] of [
  ['a number for a text', () => root.text('n'), 'n'],
  ['a text for a boolean', () => root.boolean('s'), 's'],
  ['a text for a list', () => root.texts('s'), 's'],
  ['a mixed list', () => root.texts('mixed'), 'mixed'],
  ['a list for a table', () => root.table('item'), 'item'],
  ['a table for a list of tables', () => root.tables('t'), 't'],
  ['a date for a table', () => root.table('d'), 'd'],
] as const) {
  t.throws(
    read,
    { code: 'ERR_TOML_VALUE', path, message: /^\w+: expected / },
    `${name} is refused`,
  );
}

for (const [name, text] of [
  ['a word', 'invalid'],
  ['a repeated member', 'a = 1\na = 2'],
  ['an open text', 'a = "x'],
  ['a NUL', 'a = "\0"'],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22])],
  ['a hundred thousand brackets', `a = ${'['.repeat(100_000)}`],
] as const) {
  t.throws(
    () => parseToml(text),
    { code: 'ERR_TOML_SYNTAX', line: Number, column: Number },
    `${name} is no TOML`,
  );
}

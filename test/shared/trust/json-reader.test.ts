import t from 'tap';
import { JsonError, type JsonNode, parseJson } from '../../../shared/trust/json.ts';
import {
  foldedMembers,
  listNode,
  objectNode,
  readMap,
  readNumber,
  readObject,
  readString,
  readStringList,
  readWholeObject,
} from '../../../shared/trust/json-reader.ts';

const readLeaf = (node: JsonNode) =>
  readWholeObject(node, { name: readString, size: readNumber, paths: readStringList });
const readTree = (node: JsonNode) =>
  readObject(node, {
    leaves: (node) => readMap(node, (node) => listNode(node).items.map(readLeaf)),
  });

const leaf = '{"name":"a","size":1.5,"paths":["x","y"]}';

t.test('an object becomes its members', async (t) => {
  const tree = readTree(parseJson(`{"leaves":{"q.io/x":[${leaf}],"":[]}}`));
  t.same(tree.leaves?.get('q.io/x'), [{ name: 'a', size: 1.5, paths: ['x', 'y'] }]);
  t.same(tree.leaves?.get(''), []);
  t.notOk('leaves' in readTree(parseJson('{}')), 'a member left out is absent');
});

t.test('null is empty, as for Go', async (t) => {
  const read = readLeaf(parseJson('{"name":null,"size":null,"paths":null}'));
  t.same(read, { name: '', size: 0, paths: undefined });
  t.same(readStringList(parseJson('["a",null]')), ['a', '']);
});

const broken: readonly (readonly [string, string, string, string, RegExp])[] = [
  ['a list', '[]', 'wrong-type', '', /^line 1, column 1: expected an object, found a list$/],
  ['null', 'null', 'wrong-type', '', /found null/],
  ['an unknown member', '{"x":1}', 'unknown-field', 'x', /^x: expected no member "x" here$/],
  ['another case', '{"Leaves":{}}', 'unknown-field', 'Leaves', /"Leaves"/],
  ['a name of all objects', '{"constructor":{}}', 'unknown-field', 'constructor', /constructor/],
  ['__proto__', '{"__proto__":{}}', 'unknown-field', '__proto__', /__proto__/],
  ['a repeated member', '{"leaves":{},"leaves":{}}', 'duplicate-key', 'leaves', /again/],
  [
    'one repeated by escapes',
    '{"leaves":{},"le\\u0061ves":{}}',
    'duplicate-key',
    'leaves',
    /again/,
  ],
  [
    'a repeated member of a map',
    '{"leaves":{"":[],"":[]}}',
    'duplicate-key',
    'leaves[""]',
    /again/,
  ],
  [
    'a missing member',
    '{"leaves":{"q.io":[{}]}}',
    'missing-field',
    'leaves["q.io"][0]',
    /a member name$/,
  ],
  [
    'a number for a string',
    `{"leaves":{"q.io":[${leaf},{"name":1}]}}`,
    'wrong-type',
    'leaves["q.io"][1].name',
    /^leaves\["q\.io"\]\[1\]\.name: expected a string, found 1$/,
  ],
  [
    'a number beyond a double',
    '{"leaves":{"a":[{"size":1e400}]}}',
    'wrong-type',
    'leaves.a[0].size',
    /expected a number, found 1e400$/,
  ],
  [
    'a string for a list',
    '{"leaves":{"a":[{"paths":"/x"}]}}',
    'wrong-type',
    'leaves.a[0].paths',
    /found "\/x"$/,
  ],
  [
    'a list in a list of strings',
    '{"leaves":{"a":[{"paths":["",[]]}]}}',
    'wrong-type',
    'leaves.a[0].paths[1]',
    /found a list$/,
  ],
];
for (const [name, text, reason, path, message] of broken) {
  t.test(`${name} is refused with its place`, async (t) => {
    t.throws(() => readTree(parseJson(text)), { code: 'ERR_JSON_VALUE', reason, path, message });
  });
}

t.test('the first error of the document is the one told', async (t) => {
  t.throws(() => readTree(parseJson('{"leaves":1,"x":1}')), {
    code: 'ERR_JSON_VALUE',
    path: 'leaves',
  });
  t.throws(() => readTree(parseJson('{"x":1,"leaves":1}')), { code: 'ERR_JSON_VALUE', path: 'x' });
});

t.test('a message holds a word of the file, not the file', async (t) => {
  const long = 'x'.repeat(1_000_000);
  for (const text of [`{"${long}":1}`, `{"leaves":"${long}"}`, `{"leaves":{"${long}":0}}`]) {
    try {
      readTree(parseJson(text));
      t.fail('it must be refused');
    } catch (error) {
      t.ok(error instanceof JsonError && error.message.length < 300, 'the message is short');
    }
  }
});

t.test('a lenient reader finds members whatever their case, the last one last', async (t) => {
  const node = objectNode(parseJson('{"KIND":"a","kind":"b","\\u212aind":"c","kinds":"d"}'));
  t.same(foldedMembers(node, 'kind').map(readString), ['a', 'b', 'c']);
});

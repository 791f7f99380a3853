import t from 'tap';
import { JsonError, type JsonNode, parseJson, positionOf } from '../../../shared/trust/json.ts';

/** The same value as JSON.parse would give, when it has one. */
function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.members.map((member) => [member.name, plain(member.value)]));
    case 'list':
      return node.items.map(plain);
    case 'null':
      return null;
    case 'number':
      return Number(node.text);
    default:
      return node.value;
  }
}

function refusal(input: string | Uint8Array): JsonError | undefined {
  try {
    parseJson(input);
    return undefined;
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
}

const sample =
  '{"default" : [{"type":"signedBy","keyPaths":["/a","\\u002fb\\n"],"n":-1.50e+3}],\r\n\t"x":{"\u{1f600}":null,"t":true,"f":false}}\n';

t.test('a document', async (t) => {
  for (const text of [
    sample,
    '0',
    '-0.0e-0',
    '""',
    '[]',
    ' \t\r\n{}\n',
    '[[],[{}]]',
    '"\u007f/"',
  ]) {
    t.same(
      plain(parseJson(text)),
      JSON.parse(text),
      `${JSON.stringify(text)} reads as JSON.parse reads it`,
    );
    t.same(plain(parseJson(Buffer.from(text))), JSON.parse(text), 'and so do its bytes');
  }
});

t.test('a number keeps its digits', async (t) => {
  t.match(parseJson('12345678901234567890.10'), {
    kind: 'number',
    text: '12345678901234567890.10',
  });
});

t.test('repeated members are all kept, in order, names unescaped', async (t) => {
  const node = parseJson('{"a":1,"\\u0061":2,"__proto__":3}');
  t.same(node.kind === 'object' && node.members.map((member) => member.name), [
    'a',
    'a',
    '__proto__',
  ]);
});

const replaced: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['an escaped high surrogate alone', '"\\ud800"', '\ufffd'],
  ['an escaped low surrogate alone', '"\\udc00x"', '\ufffdx'],
  ['an escaped high surrogate before another pair', '"\\ud83d\\ud83d\\ude00"', '\ufffd\u{1f600}'],
  ['a surrogate of a JavaScript string', '"\ud800"', '\ufffd'],
  ['each byte of a sequence cut short', Buffer.from([0x22, 0xe2, 0x82, 0x22]), '\ufffd\ufffd'],
  ['each byte of an overlong sequence', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), '\ufffd\ufffd'],
  [
    'each byte of an encoded surrogate',
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    '\ufffd\ufffd\ufffd',
  ],
  ['a byte beyond Unicode', Buffer.from([0x22, 0xf5, 0x41, 0x22]), '\ufffdA'],
];
for (const [name, input, expected] of replaced) {
  t.test(`${name} is replaced, not refused`, async (t) => {
    t.match(parseJson(input), { kind: 'string', value: expected });
  });
}

const broken: readonly (readonly [string, string | Uint8Array, number, number, RegExp])[] = [
  ['nothing', '', 1, 1, /expected a value, found the end of the text/],
  ['blanks alone', ' \n ', 2, 2, /found the end of the text/],
  ['a byte order mark', '\ufeff{}', 1, 1, /expected a value/],
  ['a byte order mark in bytes', Buffer.from('\ufeff{}'), 1, 1, /expected a value/],
  ['a comment', '{}\n// x', 2, 1, /expected the end of the document, found "\/"/],
  ['a second value', '{}{}', 1, 3, /expected the end of the document/],
  ['a NUL behind it', '{}\0', 1, 3, /found "\\u0000"/],
  ['a trailing comma', '{"a":1,}', 1, 8, /expected a member name/],
  ['a trailing comma of a list', '[1,]', 1, 4, /expected a value/],
  ['no comma', '[1 2]', 1, 4, /expected "," or "\]", found "2"/],
  ['the wrong bracket', '{"a":[1}', 1, 8, /expected "," or "\]"/],
  ['a name without quotes', '{a:1}', 1, 2, /expected a member name/],
  ['no colon', '{"a" 1}', 1, 6, /expected ":"/],
  ['single quotes', "{'a':1}", 1, 2, /expected a member name/],
  ['a word cut short', '[nul]', 1, 2, /expected null/],
  ['a word of another language', '[NaN]', 1, 2, /expected a value/],
  ['a leading zero', '[01]', 1, 3, /expected "," or "\]"/],
  ['a leading plus', '[+1]', 1, 2, /expected a value/],
  ['a bare point', '[1.]', 1, 3, /expected ","/],
  [
    'a control character in a string',
    '["a\tb"]',
    1,
    4,
    /expected the rest of a string, found "\\t"/,
  ],
  ['an escape that JSON lacks', '["\\x41"]', 1, 3, /expected an escape sequence/],
  ['an escape cut short', '["\\u00"]', 1, 3, /four hexadecimal digits/],
  ['bytes that are no text', Buffer.from([0x80, 0xff]), 1, 1, /found "\ufffd"/],
  [
    '10,001 levels',
    `${'['.repeat(10_001)}${']'.repeat(10_001)}`,
    1,
    10_001,
    /at most 10000 levels/,
  ],
];
for (const [name, input, line, column, message] of broken) {
  t.test(`${name} is no JSON`, async (t) => {
    const error = refusal(input);
    t.match(error, {
      code: 'ERR_JSON_SYNTAX',
      reason: 'json-syntax',
      path: '',
      line,
      column,
      message,
    });
  });
}

t.test('10,000 levels are read, as by Go', async (t) => {
  t.equal(refusal(`${'['.repeat(10_000)}${']'.repeat(10_000)}`), undefined);
});

t.test('a million brackets are refused without a deep stack', async (t) => {
  for (const open of ['[', '{"a":', '[{"":']) {
    t.match(refusal(open.repeat(1_000_000)), { reason: 'json-syntax', message: /levels/ });
  }
});

t.test('a document cut at any byte is refused at its end', async (t) => {
  const bytes = Buffer.from(sample.trimEnd());
  for (let length = 0; length < bytes.length; length++) {
    t.match(
      refusal(bytes.subarray(0, length)),
      { reason: 'json-syntax' },
      `cut to ${length} bytes`,
    );
  }
});

t.test('a document with any one byte changed is read or refused as JSON.parse does', async (t) => {
  const bytes = Buffer.from(sample);
  const differences: string[] = [];
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of [0x00, 0x22, 0x5c, 0x7d, 0x80, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      const text = changed.toString('latin1');
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expected = 'json-syntax';
      }
      const error = refusal(text);
      const actual = error === undefined ? plain(parseJson(text)) : error.reason;
      if (JSON.stringify(actual) !== JSON.stringify(expected)) differences.push(text);
    }
  }
  t.same(differences, []);
});

t.test('a place counts lines and columns from 1', async (t) => {
  const node = parseJson('{\r\n "a":\n[1,\n  2]}');
  const list = node.kind === 'object' ? node.members[0]?.value : undefined;
  if (list?.kind !== 'list') throw new Error('the sample has a list');
  t.same(positionOf(list), { line: 3, column: 1 });
  t.same(list.items.map(positionOf), [
    { line: 3, column: 2 },
    { line: 4, column: 3 },
  ]);
});

import t from 'tap';
import { SignatureError } from '../../../../shared/trust/signature-error.ts';
import { readSigstoreBlob } from '../../../../shared/trust/sigstore/blob.ts';

function read(json: string): unknown {
  const { mediaType, payload, annotations } = readSigstoreBlob(Buffer.from(json));
  return [mediaType, Buffer.from(payload).toString(), Object.fromEntries(annotations)];
}

const readable: readonly (readonly [string, string, unknown])[] = [
  [
    'as written',
    '{"mimeType":"m","payload":"cA==","annotations":{"a":"1"}}',
    ['m', 'p', { a: '1' }],
  ],
  ['null', 'null', ['', '', {}]],
  ['empty', '{}', ['', '', {}]],
  ['with names in another case', '{"MIMETYPE":"m","Payload":"cA=="}', ['m', 'p', {}]],
  ['with a long s', '{"annotation\u017f":{"a":"1"}}', ['', '', { a: '1' }]],
  ['with unknown members', '{"x":[1,{}],"mimeType":"m"}', ['m', '', {}]],
  ['with a member twice', '{"mimeType":"a","mimeType":"b"}', ['b', '', {}]],
  ['with null after a text', '{"mimeType":"a","mimeType":null}', ['a', '', {}]],
  [
    'with annotations twice',
    '{"annotations":{"a":"1"},"annotations":{"b":"2"}}',
    ['', '', { a: '1', b: '2' }],
  ],
  ['with annotations and then null', '{"annotations":{"a":"1"},"annotations":null}', ['', '', {}]],
  ['with an annotation of null', '{"annotations":{"a":null}}', ['', '', { a: '' }]],
  ['with bytes as a list', '{"payload":[112,0]}', ['', 'p\0', {}]],
  ['with white space around', ' \n{"mimeType":"m"}\t', ['m', '', {}]],
];

for (const [name, json, expected] of readable) {
  t.test(`a stored signature ${name} is read`, async (t) => t.same(read(json), expected));
}

const unreadable: readonly (readonly [string, string])[] = [
  ['empty text', ''],
  ['a list', '[]'],
  ['a text', '"x"'],
  ['a number', '1'],
  ['no JSON', '{'],
  ['more after it', '{} {}'],
  ['a number as media type', '{"mimeType":1}'],
  ['a payload that is no base64', '{"payload":"*"}'],
  ['a payload of numbers above 255', '{"payload":[256]}'],
  ['a list of annotations', '{"annotations":[]}'],
  ['a number as annotation', '{"annotations":{"a":1}}'],
  ['a byte order mark', '\ufeff{}'],
  ['a nesting that Go does not read', '['.repeat(20_000)],
];

for (const [name, json] of unreadable) {
  t.test(`a stored signature with ${name} spoils the image`, async (t) => {
    t.throws(() => read(json), new SignatureError('blob-format', ''), { code: 'blob-format' });
  });
}

import t from 'tap';
import { dataFileName, parseImageRecords, StoreError } from '../../../agent/images/records.ts';

const PATH = '/store/overlay-images/images.json';
const ID = 'a'.repeat(64);

t.test('a record keeps what its writer put into it', async (t) => {
  const text = JSON.stringify([
    {
      id: ID,
      digest: `sha256:${'b'.repeat(64)}`,
      names: ['quay.io/x:v1'],
      'names-history': ['quay.io/x:v0'],
      metadata: '{}',
      'big-data-names': ['manifest'],
      'big-data-digests': { manifest: `sha256:${'b'.repeat(64)}` },
      created: '2024-01-01T00:00:00Z',
      layer: 'c',
      flags: {},
    },
  ]);
  const { records, damaged } = parseImageRecords(text, PATH);
  t.same(damaged, []);
  t.match(records, [
    {
      id: ID,
      digest: `sha256:${'b'.repeat(64)}`,
      names: ['quay.io/x:v1'],
      namesHistory: ['quay.io/x:v0'],
      metadata: '{}',
      dataNames: ['manifest'],
      created: '2024-01-01T00:00:00Z',
    },
  ]);
});

t.test('null and absent members are empty, as Go reads them', async (t) => {
  const entries = [{ id: ID }, { id: ID, names: null, metadata: null, 'big-data-digests': null }];
  const { records, damaged } = parseImageRecords(JSON.stringify(entries), PATH);
  t.same(damaged, []);
  for (const record of records) {
    t.match(record, { names: [], namesHistory: [], metadata: '', dataNames: [] });
    t.notOk('digest' in record);
  }
  t.same(parseImageRecords('null', PATH), { records: [], damaged: [] });
});

const damages: readonly (readonly [name: string, entry: unknown, message: RegExp])[] = [
  ['no object', 'x', /\[1\]: expected an object/],
  ['null', null, /\[1\]: expected an object/],
  ['a list', [], /\[1\]\.id/],
  ['no id', {}, /\[1\]\.id/],
  ['an id that leads elsewhere', { id: '../../etc' }, /\[1\]\.id/],
  ['an id of capitals', { id: 'A'.repeat(64) }, /\[1\]\.id/],
  ['an id of 200 digits', { id: 'a'.repeat(200) }, /\[1\]\.id/],
  ['names that are no list', { id: ID, names: 'x' }, /\[1\]\.names/],
  ['a name that is a number', { id: ID, names: [1] }, /\[1\]\.names/],
  ['metadata that is an object', { id: ID, metadata: {} }, /\[1\]\.metadata/],
  ['digests that are a list', { id: ID, 'big-data-digests': [] }, /\[1\]\.big-data-digests/],
  [
    'a digest that is a number',
    { id: ID, 'big-data-digests': { manifest: 1 } },
    /big-data-digests/,
  ],
];
for (const [name, entry, message] of damages) {
  t.test(`an entry with ${name} spoils only itself`, async (t) => {
    const entries = [{ id: 'b'.repeat(64) }, entry, { id: 'c'.repeat(64) }];
    const { records, damaged } = parseImageRecords(JSON.stringify(entries), PATH);
    t.same(
      records.map(({ id }) => id[0]),
      ['b', 'c'],
    );
    t.match(damaged, [{ index: 1, message }]);
  });
}

t.test('a list cut at any byte is one error, never an exception of another kind', async (t) => {
  const text = JSON.stringify([{ id: ID, names: ['quay.io/ä:v1'], metadata: '{"a":"\\n"}' }]);
  const bytes = Buffer.from(text);
  for (let length = 0; length < bytes.length; length++) {
    t.throws(
      () => parseImageRecords(bytes.subarray(0, length).toString(), PATH),
      { code: 'ERR_STORE_RECORDS', message: /^\/store\/overlay-images\/images\.json: / },
      `cut after ${length} bytes`,
    );
  }
});

for (const text of ['{}', '1', '"x"', '[}', `${'['.repeat(200_000)}`]) {
  t.throws(() => parseImageRecords(text, PATH), StoreError, `${text.slice(0, 10)} is no list`);
}

// containers/storage store_test.go and the traps of its makeBigDataBaseName
const fileNames: readonly (readonly [key: string, file: string])[] = [
  ['manifest', 'manifest'],
  ['signatures', 'signatures'],
  ['', ''],
  ['abC', 'abC'],
  ['a_', 'a_'],
  ['é', 'é'],
  ['aBc', '=YUJj'],
  ['a/b', '=YS9i'],
  ['=x', '=PXg='],
  ['manifest-sha256:00', '=bWFuaWZlc3Qtc2hhMjU2OjAw'],
];
for (const [key, file] of fileNames) {
  t.equal(
    dataFileName(key),
    file,
    `the data item ${JSON.stringify(key)} lies in ${JSON.stringify(file)}`,
  );
}

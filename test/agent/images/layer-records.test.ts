import t from 'tap';
import { parseLayerRecords } from '../../../agent/images/layer-records.ts';

const id = 'ab'.repeat(32);

const good: readonly (readonly [string, object, object])[] = [
  ['the lowest', { id }, { id, isIncomplete: false }],
  [
    'one above another',
    { id, parent: 'cd', 'diff-digest': 'sha256:00' },
    { id, parent: 'cd', diffDigest: 'sha256:00', isIncomplete: false },
  ],
  ['one being unpacked', { id, flags: { incomplete: true } }, { id, isIncomplete: true }],
  ['one with other flags', { id, flags: { 'mount-label': 's0' } }, { id, isIncomplete: false }],
  ['one that says it is whole', { id, flags: { incomplete: false } }, { id, isIncomplete: false }],
  [
    'one with nulls, as Go writes them',
    { id, parent: null, flags: null, 'diff-digest': null },
    { id, isIncomplete: false },
  ],
  ['one with an empty parent', { id, parent: '' }, { id, isIncomplete: false }],
];

for (const [name, entry, record] of good) {
  t.test(`a layer record of ${name}`, async (t) => {
    t.same(parseLayerRecords(JSON.stringify([entry]), 'l'), { records: [record], damaged: [] });
  });
}

const bad: readonly (readonly [string, unknown, RegExp])[] = [
  ['text', 'x', /^l: \[0\]: expected an object/],
  ['nothing', null, /^l: \[0\]: expected an object/],
  ['without id', {}, /\[0\]\.id/],
  ['with a path for an id', { id: '../../etc' }, /\[0\]\.id/],
  ['with a number for a parent', { id, parent: 1 }, /\[0\]\.parent/],
  ['with a list of digests', { id, 'diff-digest': [] }, /\[0\]\.diff-digest/],
  ['with a list of flags', { id, flags: [] }, /\[0\]\.flags/],
];

for (const [name, entry, message] of bad) {
  t.test(`a layer record ${name} spoils only itself`, async (t) => {
    const { records, damaged } = parseLayerRecords(JSON.stringify([entry, { id }]), 'l');
    t.same(records, [{ id, isIncomplete: false }]);
    t.equal(damaged.length, 1);
    t.match(damaged[0], message);
  });
}

for (const text of ['', '{}', '[', 'null x', '\0', '7']) {
  t.test(`a list of layers that is ${JSON.stringify(text)}`, async (t) => {
    t.throws(() => parseLayerRecords(text, 'l'), { code: 'ERR_STORE_RECORDS' });
  });
}

t.test('a list without layers, as Go writes it', async (t) => {
  t.same(parseLayerRecords('null', 'l'), { records: [], damaged: [] });
});

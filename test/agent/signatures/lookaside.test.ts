import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import {
  fileReader,
  type LookasideReaders,
  readLookaside,
} from '../../../agent/signatures/lookaside.ts';
import { SIGNATURE_LIMITS } from '../../../agent/signatures/source.ts';
import { parseReference } from '../../../shared/trust/reference.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';

const REFERENCE = parseReference('quay.io/team/app:v1');
const DIGEST = `sha256:${'0'.repeat(64)}`;
const PLACE = `team/app@${DIGEST.replace(':', '=')}`;
const never = new AbortController().signal;

async function collect(base: string, readers: LookasideReaders, signal = never): Promise<string[]> {
  const found: string[] = [];
  for await (const blob of readLookaside(base, REFERENCE, DIGEST, readers, signal)) {
    found.push(Buffer.from(blob).toString());
  }
  return found;
}

const cases: readonly (readonly [
  name: string,
  base: string,
  files: Files,
  found: readonly string[],
])[] = [
  ['a missing folder', 'file:///x', {}, []],
  [
    'two in their order',
    'file:///x',
    { [`/x/${PLACE}/signature-2`]: 'b', [`/x/${PLACE}/signature-1`]: 'a' },
    ['a', 'b'],
  ],
  ['none behind a gap', 'file:///x', { [`/x/${PLACE}/signature-2`]: 'b' }, []],
  ['a base that ends in a slash', 'file:///x/', { [`/x/${PLACE}/signature-1`]: 'a' }, ['a']],
  [
    'a base with a host, which no file has',
    'file://host/x',
    { [`/x/${PLACE}/signature-1`]: 'a' },
    ['a'],
  ],
  [
    'a base beyond ASCII',
    'file:///signaturen/für',
    { [`/signaturen/für/${PLACE}/signature-1`]: 'a' },
    ['a'],
  ],
  ['a base with escapes', 'file:///a%20b', { [`/a b/${PLACE}/signature-1`]: 'a' }, ['a']],
];
for (const [name, base, files, found] of cases) {
  t.test(`a lookaside of files gives ${name}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    t.same(await collect(base, { file: fileReader(host) }), found);
  });
}

const refusals: readonly (readonly [name: string, base: string, code: string])[] = [
  ['https, which has no reader here', 'https://example.com/x', 'ERR_SOURCE_NOT_ENABLED'],
  ['http, which has no reader here', 'http://example.com/x', 'ERR_SOURCE_NOT_ENABLED'],
  ['ftp', 'ftp://example.com/x', 'ERR_SOURCE_REFUSED'],
  ['no scheme', '/x', 'ERR_SOURCE_REFUSED'],
  ['nothing', '', 'ERR_SOURCE_REFUSED'],
];
for (const [name, base, code] of refusals) {
  t.test(`a lookaside address with ${name} is refused before anything is read`, async (t) => {
    let reads = 0;
    const file = async () => {
      reads++;
      return undefined;
    };
    await t.rejects(collect(base, { file }), { code });
    t.equal(reads, 0);
  });
}

t.test('a reader of another scheme gets the whole address', async (t) => {
  const addresses: string[] = [];
  const https = async (address: string) => {
    addresses.push(address);
    return undefined;
  };
  await collect('https://user@example.com/x?a=b', { https });
  t.same(addresses, [`https://user@example.com/x/${PLACE}/signature-1?a=b`]);
});

t.test('an endless lookaside is given up', async (t) => {
  let reads = 0;
  const file = async () => {
    reads++;
    return Buffer.of(0xa3);
  };
  await t.rejects(collect('file:///x', { file }), { code: 'ERR_SOURCE_REFUSED', message: /128/ });
  t.equal(reads, SIGNATURE_LIMITS.count);
});

t.test('an aborted reading ends with the reason of its signal', async (t) => {
  const stop = new AbortController();
  const file = async () => {
    stop.abort(new Error('enough'));
    return Buffer.of(0xa3);
  };
  await t.rejects(collect('file:///x', { file }, stop.signal), { message: 'enough' });
});

import t from 'tap';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import {
  parseSignedPayload,
  parseSigstorePayload,
} from '../../../shared/trust/signature-payload.ts';

const DIGEST = `sha256:${'a1'.repeat(32)}`;
const identity = { 'docker-reference': 'example.com/a:v1' };
const image = { 'docker-manifest-digest': DIGEST };
const type = 'atomic container signature';
const critical = { identity, image, type };
const valid = { critical, optional: { creator: 'me', timestamp: 1400000000 } };
const text = JSON.stringify(valid);

const read = (document: string) => parseSignedPayload(Buffer.from(document));
const refused = { code: 'payload-invalid', name: SignatureError.name };

t.test('a signed document says of which image, under which name, by whom and when', async (t) => {
  t.same(read(text), {
    digest: DIGEST,
    reference: 'example.com/a:v1',
    creator: 'me',
    timestamp: 1400000000,
  });
  t.same(read(JSON.stringify({ critical, optional: {} })), {
    digest: DIGEST,
    reference: 'example.com/a:v1',
  });
});

const bearable = [
  ['white space around it', ` \n${text}\r\n\t`],
  [
    'members in another order',
    JSON.stringify({ optional: {}, critical: { type, image, identity } }),
  ],
  ['unknown members in optional', JSON.stringify({ critical, optional: { x: [{ y: null }] } })],
  ['members of optional in other case', JSON.stringify({ critical, optional: { Creator: 1 } })],
  ['a whole number in another form', text.replace('1400000000', '1.4e9')],
  ['the least timestamp', text.replace('1400000000', '-9223372036854775808')],
  ['null for what may be left out', text.replace('"me"', 'null').replace('1400000000', 'null')],
  ['a digest of another algorithm', text.replace(DIGEST, `sha512:${'a1'.repeat(64)}`)],
  ['any text as reference', text.replace('example.com/a:v1', 'NO REFERENCE')],
] as const;

for (const [name, document] of bearable) {
  t.test(`a signed document with ${name} is read`, async (t) => {
    t.type(read(document).digest, 'string');
  });
}

const bad = [
  ['is empty', ''],
  ['is no JSON', 'This is not JSON'],
  ['is null', 'null'],
  ['is a list', '[]'],
  ['is cut short', text.slice(0, -1)],
  ['goes on', `${text}{}`],
  ['begins with a byte order mark', `\ufeff${text}`],
  ['ends in NUL', `${text}\0`],
  ['has a further member', JSON.stringify({ ...valid, more: 1 })],
  [
    'has a further critical member',
    JSON.stringify({ ...valid, critical: { ...critical, more: 1 } }),
  ],
  [
    'has a further member of the image',
    JSON.stringify({ ...valid, critical: { ...critical, image: { ...image, more: 1 } } }),
  ],
  ['has no optional', JSON.stringify({ critical })],
  ['has null for optional', JSON.stringify({ critical, optional: null })],
  ['has a list for optional', JSON.stringify({ critical, optional: [] })],
  ['has no critical', JSON.stringify({ optional: {} })],
  ['has null for critical', JSON.stringify({ critical: null, optional: {} })],
  ['has no type', JSON.stringify({ critical: { image, identity }, optional: {} })],
  ['has the type of cosign', text.replace(type, 'cosign container image signature')],
  ['has a type in other case', text.replace('"type"', '"Type"')],
  ['has no digest', JSON.stringify({ critical: { ...critical, image: {} }, optional: {} })],
  ['has a short digest', text.replace(DIGEST, 'sha256:a1')],
  ['has an upper-case digest', text.replace('a1a1', 'A1A1')],
  ['has a digest of MD5', text.replace(DIGEST, `md5:${'a1'.repeat(16)}`)],
  ['has a digest that leads elsewhere', text.replace(DIGEST, 'sha256:../../../etc')],
  ['has a number for the reference', text.replace('"example.com/a:v1"', '1')],
  ['has no reference', JSON.stringify({ critical: { ...critical, identity: {} }, optional: {} })],
  [
    'has two references',
    text.replace('"docker-reference"', '"docker-reference":"b","docker-reference"'),
  ],
  [
    'has two references, one escaped',
    text.replace('"docker-reference"', '"docker\\u002dreference":"b","docker-reference"'),
  ],
  ['has two unknown members of one name', text.replace('"creator"', '"x":1,"x":2,"creator"')],
  ['has a fraction for the timestamp', text.replace('1400000000', '1.5')],
  ['has a text for the timestamp', text.replace('1400000000', '"1"')],
  ['has a timestamp beyond int64', text.replace('1400000000', '9223372036854775807')],
  ['has a timestamp beyond a double', text.replace('1400000000', '1e400')],
  ['has a number for the creator', text.replace('"me"', '1')],
] as const;

for (const [name, document] of bad) {
  t.test(`a signed document that ${name} is refused`, async (t) => {
    t.throws(() => read(document), refused);
  });
}

t.test('a sigstore payload has its own type, and may have null for optional', async (t) => {
  const document = text.replace(type, 'cosign container image signature');
  const bytes = Buffer.from(document);
  t.match(parseSigstorePayload(bytes), { digest: DIGEST });
  t.match(parseSigstorePayload(Buffer.from(document.replace(/\{"creator.*?\}/, 'null'))), {
    digest: DIGEST,
  });
  t.throws(() => parseSigstorePayload(Buffer.from(text)), refused);
  t.throws(() => parseSignedPayload(bytes), refused);
});

t.test(
  'a message names the member, and no more of the document than the word at fault',
  async (t) => {
    t.throws(() => read(text.replace('"me"', '1')), { message: /optional\.creator/ });
    const long = text.replace(type, 'x'.repeat(100_000));
    t.throws(() => read(long), { message: /^signed document: critical\.type.{0,300}$/ });
  },
);

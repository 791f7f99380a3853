import t from 'tap';
import {
  FieldReader,
  type Packet,
  PacketReader,
} from '../../../../shared/trust/openpgp/packets.ts';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const invalid = { code: 'openpgp-invalid' };

function all(data: Uint8Array): readonly Packet[] {
  const reader = new PacketReader(data);
  const packets: Packet[] = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
    packets.push(packet);
  }
  return packets;
}

const headers = [
  ['old, one byte of length', '8802abcd', 2, 'abcd', false],
  ['old, two bytes', '890002abcd', 2, 'abcd', false],
  ['old, four bytes', '8a00000002abcd', 2, 'abcd', false],
  ['old, to the end', 'a3abcd', 8, 'abcd', true],
  ['new, one byte', 'c202abcd', 2, 'abcd', false],
  ['new, two bytes', `c2c001${'ab'.repeat(193)}`, 2, 'ab'.repeat(193), false],
  ['new, five bytes', 'c2ff00000002abcd', 2, 'abcd', false],
  ['new, one chunk and a rest', 'cbe1abcd01ef', 11, 'abcdef', true],
  ['new, chunks of one byte', 'cbe0abe0cd00', 11, 'abcd', true],
  ['new, an empty rest', 'c8e1abcd00', 8, 'abcd', true],
  ['of no bytes', 'c200', 2, '', false],
  ['of a reserved type', 'c001ab', 0, 'ab', false],
] as const;

for (const [name, hex, tag, body, isPartial] of headers) {
  t.test(`a packet with a header ${name} is read`, async (t) => {
    const [packet, ...rest] = all(bytes(hex));
    t.same(rest, []);
    t.same(
      { ...packet, body: Buffer.from(packet?.body ?? []).toString('hex') },
      { tag, body, isPartial },
    );
  });
}

const damaged = [
  ['is no packet', '00'],
  ['is text', '2d2d2d2d2d'],
  ['ends after its type', 'c2'],
  ['ends within its length', 'c2ff0000'],
  ['ends within an old length', '8a0000'],
  ['is shorter than it says', 'c203abcd'],
  ['claims four gigabytes', 'c2ffffffffffab'],
  ['is a signature in chunks', 'c2e0ab00'],
  ['is a signature without length', '8bab'],
  ['is a public key without length', '9bab'],
  ['ends within a chunk', 'cbe4abcd'],
  ['ends after a chunk', 'cbe1abcd'],
  ['claims a chunk of a gigabyte', 'cbfeabcd'],
] as const;

for (const [name, hex] of damaged) {
  t.test(`data that ${name} are refused`, async (t) => {
    t.throws(() => all(bytes(hex)), invalid);
    t.throws(
      () => all(Buffer.concat([bytes('c200'), bytes(hex)])),
      invalid,
      'as a second packet too',
    );
  });
}

t.test('numbers lose their leading zeros and may have 16384 bits', async (t) => {
  const read = (hex: string) => Buffer.from(new FieldReader(bytes(hex)).integer()).toString('hex');
  t.equal(read('000901ff'), '01ff');
  t.equal(read('00100001'), '01');
  t.equal(read('0000'), '');
  t.equal(read(`4000${'ff'.repeat(2048)}`).length, 4096);
  t.throws(() => read(`4001${'ff'.repeat(2049)}`), invalid, 'more');
  t.throws(() => read('00ff00'), invalid, 'cut short');
  t.throws(() => read('00'), invalid, 'no length');
});

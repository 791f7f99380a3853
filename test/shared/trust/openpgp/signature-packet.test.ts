import t from 'tap';
import { PacketReader } from '../../../../shared/trust/openpgp/packets.ts';
import {
  hasUnknownCritical,
  readSignaturePacket,
} from '../../../../shared/trust/openpgp/signature-packet.ts';
import { subpacket, TestKey, uint32 } from '../../../support/openpgp-packets.ts';

const invalid = { code: 'openpgp-invalid' };
const key = new TestKey(1_577_836_800);
const data = Buffer.from('data');
const keyId = key.keyId.toString('hex');

t.test('a version 4 signature tells who, when and until when', async (t) => {
  const hashed = [
    subpacket(3, uint32(1000)),
    subpacket(33, Buffer.concat([Uint8Array.of(4), key.fingerprint])),
  ];
  t.match(readSignaturePacket(key.signatureBody(data, { hashed, created: 5000 })), {
    version: 4,
    type: 0,
    keyAlgorithm: 1,
    hashAlgorithm: 8,
    created: 5000,
    expires: 6000,
    issuerKeyId: keyId,
    issuerFingerprint: key.fingerprint.toString('hex'),
  });
});

t.test('a version 3 signature tells who and when, and never ends', async (t) => {
  const body = new PacketReader(key.signature3(data, { created: 5000 })).next()?.body;
  t.match(readSignaturePacket(body ?? data), {
    version: 3,
    created: 5000,
    expires: 0,
    issuerKeyId: keyId,
    issuerFingerprint: undefined,
  });
});

t.test('creation and end count only where they are signed', async (t) => {
  const unhashed = [subpacket(16, key.keyId), subpacket(3, uint32(1)), subpacket(2, uint32(9))];
  t.match(readSignaturePacket(key.signatureBody(data, { unhashed, created: 5000 })), {
    created: 5000,
    expires: 0,
  });
});

const critical = [
  ['known', [subpacket(3, uint32(9), true)], false],
  ['unknown', [subpacket(60, data, true)], true],
  ['a notation', [subpacket(20, Buffer.alloc(8), true)], true],
  ['a policy address', [subpacket(26, data, true)], false],
  ['cut short', [Uint8Array.of(200)], true],
  ['longer than its area', [Uint8Array.of(9, 20)], true],
  ['of no length', [Uint8Array.of(0)], true],
  ['of five bytes of length', [Uint8Array.of(255, 0, 0, 0, 1, 60)], false],
] as const;

for (const [name, hashed, expected] of critical) {
  t.test(
    `a critical subpacket that is ${name} makes the signature ${expected ? 'bad' : 'no worse'}`,
    async (t) => {
      const signature = readSignaturePacket(key.signatureBody(data, { hashed }));
      t.equal(hasUnknownCritical(signature), expected);
    },
  );
}

t.test('a signature that is damaged or of another version is refused', async (t) => {
  const whole = key.signatureBody(data);
  for (let length = 0; length < whole.length; length++) {
    t.throws(() => readSignaturePacket(whole.subarray(0, length)), invalid, `${length} bytes`);
  }
  for (const version of [0, 1, 5, 6, 255]) {
    const other = Buffer.concat([Uint8Array.of(version), whole.subarray(1)]);
    t.throws(() => readSignaturePacket(other), invalid, `version ${version}`);
  }
  const large = [subpacket(20, Buffer.alloc(100))];
  const hashed = Array.from({ length: 100 }, () => large).flat();
  const area = Buffer.concat(hashed);
  const header = Uint8Array.of(4, 0, 1, 8, area.length >> 8, area.length);
  t.throws(
    () => readSignaturePacket(Buffer.concat([header, area, Buffer.alloc(600)])),
    invalid,
    'area',
  );
});

import t from 'tap';
import { matchesHostname, parseAddress } from '../../../../shared/trust/sigstore/host-name.ts';

const addresses = [Buffer.of(192, 0, 2, 1), Buffer.from('20010db8000000000000000000000001', 'hex')];
const cases: readonly (readonly [string, string, boolean])[] = [
  ['build.example.com', 'build.example.com', true],
  ['BUILD.example.com', 'build.EXAMPLE.com', true],
  ['build.example.com', 'build.example.com.', true],
  ['build.example.com.', 'build.example.com', false],
  ['*.example.com', 'build.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', 'a.build.example.com', false],
  ['b*.example.com', 'build.example.com', false],
  ['a.*.com', 'a.example.com', false],
  ['*', 'localhost', false],
  ['*', '*', true],
  ['a_b.example.com', 'a_b.example.com', true],
  ['-a.example.com', '-a.example.com', true],
  ['*.-a.com', 'x.-a.com', false],
  ['', '', false],
  ['.', '.', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['\u212a.example.com', 'k.example.com', false],
];

for (const [pattern, host, expected] of cases) {
  t.test(`"${pattern}" ${expected ? 'speaks' : 'does not speak'} for "${host}"`, async (t) => {
    t.equal(
      matchesHostname({ hosts: [pattern], addresses: [Buffer.of(192, 0, 2, 1)] }, host),
      expected,
    );
  });
}

const byAddress: readonly (readonly [string, boolean])[] = [
  ['192.0.2.1', true],
  ['[192.0.2.1]', true],
  ['::ffff:192.0.2.1', true],
  ['::ffff:c000:201', true],
  ['2001:db8::1', true],
  ['[2001:DB8:0:0:0:0:0:1]', true],
  ['192.0.2.2', false],
  ['2001:db8::2', false],
];

for (const [text, expected] of byAddress) {
  t.test(`an address ${text} is compared with addresses alone`, async (t) => {
    t.equal(matchesHostname({ hosts: [text], addresses }, text), expected);
  });
}

const noAddresses = [
  ...['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4.', ':', ':::', '1:2:3:4:5:6:7'],
  ...[
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    'fe80::1%eth0',
    '12345::',
    'g::',
    '::1.2.3',
  ],
];

for (const text of noAddresses) {
  t.test(`"${text}" is no address`, async (t) => t.equal(parseAddress(text), undefined));
}

t.test('addresses are read into sixteen bytes', async (t) => {
  t.equal(parseAddress('::')?.toString('hex'), '0'.repeat(32));
  t.equal(parseAddress('1:2:3:4:5:6:7:8')?.toString('hex'), '00010002000300040005000600070008');
  t.equal(parseAddress('64:ff9b::192.0.2.33')?.toString('hex'), '0064ff9b0000000000000000c0000221');
});

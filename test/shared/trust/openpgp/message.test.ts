import t from 'tap';
import { readSignedMessage } from '../../../../shared/trust/openpgp/message.ts';
import { SignatureError } from '../../../../shared/trust/signature-error.ts';
import {
  literal,
  oldPacket,
  packet,
  partialPacket,
  TestKey,
  zip,
  zlib,
} from '../../../support/openpgp-packets.ts';

const INVALID = 'openpgp-invalid';
const COUNT = 'openpgp-signature-count';
const key = new TestKey(1_577_836_800);
const text = Buffer.from('content');
const O = key.onePass();
const P = literal(text);
const S = key.signature(text);
const other = key.signature(text, { hash: 10 });
const marker = packet(10, Buffer.from('PGP'));
const signatureBody = key.signatureBody(text);
const whole = Buffer.concat([O, P, S]);

function outcome(parts: readonly Uint8Array[]): string {
  try {
    const { untrustedContent } = readSignedMessage(Buffer.concat(parts));
    return Buffer.compare(untrustedContent, text) === 0 ? 'read' : 'other content';
  } catch (error) {
    if (error instanceof SignatureError) return error.code;
    throw error;
  }
}

/** Each of these was held against gpg 2.2.40 by way of skopeo standalone-verify. */
const sequences = [
  ['one-pass header, literal, signature', [O, P, S], 'read'],
  ['signature, literal', [S, P], 'read'],
  ['nothing', [], INVALID],
  ['a literal alone', [P], INVALID],
  ['a one-pass header alone', [O], INVALID],
  ['a signature alone', [S], COUNT],
  ['no signature', [O, P], INVALID],
  ['no content', [O, S], COUNT],
  ['a literal before its signature, without a header', [P, S], COUNT],
  ['two headers, one signature', [O, O, P, S], COUNT],
  ['one header, two signatures', [O, P, S, S], COUNT],
  ['two headers, two signatures', [O, O, P, S, S], COUNT],
  ['two signatures before the literal', [S, S, P], COUNT],
  ['two unlike signatures before the literal, of which the first counts', [S, other, P], 'read'],
  ['signatures on both sides', [S, P, S], COUNT],
  ['a literal after the message', [O, P, S, P], INVALID],
  ['the message twice', [O, P, S, O, P, S], INVALID],
  ['text after the message', [O, P, S, Buffer.from('\n')], INVALID],
  ['a header after the message', [O, P, S, O], 'read'],
  ['a marker first', [marker, O, P, S], 'read'],
  ['a marker between', [O, marker, P, S], 'read'],
  ['a marker last', [O, P, S, marker], 'read'],
  ['a marker that is none', [O, packet(10, Buffer.from('PGX')), P, S], INVALID],
  [
    'packets of unknown types',
    [O, packet(60, text), P, packet(40, text), S, packet(21, text)],
    'read',
  ],
  [
    'comments and trust packets',
    [O, packet(61, text), packet(12, text), P, S, packet(16, text)],
    'read',
  ],
  ['a user ID first', [packet(13, text), O, P, S], 'read'],
  [
    'a message beside a signature without content',
    [S, P, partialPacket(8, zip(S).subarray(6), 5)],
    COUNT,
  ],
  [
    'a signature after a compressed message in chunks',
    [partialPacket(8, zip(whole).subarray(6), 5), S],
    COUNT,
  ],
  ['a user ID between', [O, packet(13, text), P, S], COUNT],
  ['a user ID last', [O, P, S, packet(13, text)], 'read'],
  ['a public key last', [O, P, S, packet(6, key.body)], INVALID],
  ['an encrypted packet last', [O, P, S, packet(9, text)], INVALID],
  ['a detection code of a wrong length', [O, P, S, packet(19, text)], INVALID],
  ['packets of GnuPG itself', [O, packet(63, text), P, S], INVALID],
  ['ZIP', [zip(whole)], 'read'],
  ['ZLIB', [zlib(whole)], 'read'],
  [
    'data marked as compressed that are not',
    [packet(8, Buffer.concat([Uint8Array.of(0), whole]))],
    'read',
  ],
  [
    'compression of an unknown kind',
    [packet(8, Buffer.concat([Uint8Array.of(4), whole]))],
    INVALID,
  ],
  ['an empty compressed packet', [packet(8, Buffer.alloc(0))], INVALID],
  ['compression within compression', [zip(zlib(zip(whole)))], 'read'],
  ['compressed content, which swallows the signature', [O, zip(P), S], INVALID],
  ['a signature after the compressed message, read along with it', [zip(whole), S], 'read'],
  ['a line feed after the compressed message', [zip(whole), Buffer.from('\n')], 'read'],
  ['a screen of text after the compressed message', [zip(whole), Buffer.alloc(4000, 'g')], INVALID],
  ['a compressed packet in chunks', [partialPacket(8, zip(whole).subarray(6), 5)], 'read'],
  ['a literal in chunks', [O, partialPacket(11, P.subarray(6), 1), S], 'read'],
  ['a signature in chunks', [O, P, partialPacket(2, signatureBody, 5)], INVALID],
  ['old headers', [O, oldPacket(11, P.subarray(6)), oldPacket(2, signatureBody)], 'read'],
  ['a literal to the end of the data', [S, Uint8Array.of(0xaf), P.subarray(6)], 'read'],
  ['a signature to the end of the data', [O, P, Uint8Array.of(0x8b), signatureBody], INVALID],
  [
    'a signature with bytes after its numbers',
    [O, P, packet(2, Buffer.concat([signatureBody, text]))],
    'read',
  ],
  [
    'a signature of version 5',
    [O, P, packet(2, Buffer.concat([Uint8Array.of(5), signatureBody.subarray(1)]))],
    INVALID,
  ],
  [
    'a header of version 4',
    [packet(4, Buffer.concat([Uint8Array.of(4), O.subarray(7)])), P, S],
    INVALID,
  ],
  ['a literal that is too short', [O, packet(11, Buffer.from('b\0\0')), S], INVALID],
] as const;

for (const [name, parts, expected] of sequences) {
  t.test(`a message of ${name} is ${expected}`, async (t) => {
    t.equal(outcome(parts), expected);
  });
}

t.test('a text is given out without carriage returns but judged with them', async (t) => {
  const lines = Buffer.from('a\r\nb\r\n');
  for (const [mode, given] of [
    ['t', 'a\nb\n'],
    ['u', 'a\nb\n'],
    ['b', 'a\r\nb\r\n'],
    ['l', 'a\r\nb\r\n'],
  ] as const) {
    const message = readSignedMessage(Buffer.concat([O, literal(lines, mode), S]));
    t.equal(Buffer.from(message.untrustedContent).toString(), given, mode);
    t.same(message.signed, lines);
  }
});

t.test('compressed data within each other are followed as deep as by GnuPG', async (t) => {
  const nested = (depth: number): Buffer => {
    let message: Buffer = whole;
    for (let level = 0; level < depth; level++) {
      message = packet(8, Buffer.concat([Uint8Array.of(0), message]));
    }
    return message;
  };
  t.equal(outcome([nested(31)]), 'read');
  t.equal(outcome([nested(32)]), INVALID);
  t.equal(outcome([nested(2000)]), INVALID);
});

t.test('a million packets cost a moment, whatever they are', async (t) => {
  const million = (part: Uint8Array, times = 1_000_000) => Buffer.alloc(part.length * times, part);
  const small = Uint8Array.of(0xca, 3, 0x50, 0x47, 0x50);
  const onePass = Buffer.concat([Uint8Array.of(0xc4, 13), O.subarray(6)]);
  for (const [name, parts, expected] of [
    ['markers', [million(small), whole], 'read'],
    ['unknown packets', [marker, million(Uint8Array.of(0xfc, 0)), whole], 'read'],
    ['one-pass headers', [million(onePass, 270_000), P, S], COUNT],
    ['signatures', [O, P, million(S, 20_000)], COUNT],
    ['user IDs', [whole, million(Uint8Array.of(0xcd, 0))], 'read'],
    [
      'bytes, each a chunk of a literal',
      [O, partialPacket(11, literal(Buffer.alloc(1_000_000)).subarray(6), 0), S],
      'other content',
    ],
    [
      'chunked packets of nothing',
      [million(Uint8Array.of(0xc8, 0xe1, 1, 3, 1, 0), 600_000), whole],
      INVALID,
    ],
    ['packets of nothing', [million(zip(Buffer.alloc(0)), 300_000), whole], INVALID],
    ['empty compressed packets', [million(Uint8Array.of(0xc8, 0))], INVALID],
  ] as const) {
    const started = performance.now();
    t.equal(outcome(parts), expected, name);
    t.ok(
      performance.now() - started < 10_000,
      `${name}: ${Math.round(performance.now() - started)} ms`,
    );
  }
});

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { deflateRawSync, deflateSync } from 'node:zlib';

/** Writes OpenPGP packets as a test wants them, right or wrong; the reader of the product has no part in it. */
export function packet(tag: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header[0] = 0xc0 | tag;
  header[1] = 0xff;
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

/** The same in chunks of 2^power bytes. */
export function partialPacket(tag: number, body: Uint8Array, power: number): Buffer {
  const parts: Uint8Array[] = [Uint8Array.of(0xc0 | tag)];
  let at = 0;
  for (; body.length - at > 2 ** power; at += 2 ** power) {
    parts.push(Uint8Array.of(0xe0 | power), body.subarray(at, at + 2 ** power));
  }
  const last = Buffer.alloc(5, 0xff);
  last.writeUInt32BE(body.length - at, 1);
  return Buffer.concat([...parts, last, body.subarray(at)]);
}

/** An old header with two bytes of length. */
export function oldPacket(tag: number, body: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(0x81 | (tag << 2), body.length >> 8, body.length), body]);
}

export function zip(content: Uint8Array): Buffer {
  return packet(8, Buffer.concat([Uint8Array.of(1), deflateRawSync(content)]));
}

export function zlib(content: Uint8Array): Buffer {
  return packet(8, Buffer.concat([Uint8Array.of(2), deflateSync(content)]));
}

export function literal(content: Uint8Array, mode = 'b'): Buffer {
  return packet(11, Buffer.concat([Buffer.from(`${mode}\0\0\0\0\0`, 'latin1'), content]));
}

export function subpacket(type: number, body: Uint8Array, isCritical = false): Buffer {
  const length = body.length + 1;
  return Buffer.concat([Uint8Array.of(length, type | (isCritical ? 0x80 : 0)), body]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const HASHES = new Map([
  [1, 'md5'],
  [2, 'sha1'],
  [8, 'sha256'],
  [10, 'sha512'],
]);

export interface SignatureOptions {
  readonly type?: number;
  readonly hash?: number;
  readonly created?: number;
  /** Subpackets beyond creation time and issuer. */
  readonly hashed?: readonly Uint8Array[];
  readonly unhashed?: readonly Uint8Array[];
}

/** An RSA key of a test with the packets it makes. Small, because GnuPG takes small ones and they are quick. */
export class TestKey {
  readonly created: number;
  readonly body: Buffer;
  readonly fingerprint: Buffer;
  readonly #privateKey: KeyObject;

  constructor(created: number, modulusLength = 1024) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
    this.created = created;
    this.#privateKey = privateKey;
    this.body = Buffer.concat([
      Uint8Array.of(4),
      uint32(created),
      Uint8Array.of(1),
      integer(Buffer.from(n, 'base64url')),
      integer(Buffer.from(e, 'base64url')),
    ]);
    this.fingerprint = createHash('sha1').update(this.hashInput).digest();
  }

  get hashInput(): Buffer {
    return Buffer.concat([Uint8Array.of(0x99, this.body.length >> 8, this.body.length), this.body]);
  }

  get keyId(): Buffer {
    return this.fingerprint.subarray(12);
  }

  /** A version 4 signature over `data`. */
  signature(data: Uint8Array, options: SignatureOptions = {}): Buffer {
    return packet(2, this.signatureBody(data, options));
  }

  signatureBody(data: Uint8Array, options: SignatureOptions = {}): Buffer {
    const { type = 0, hash = 8, created = this.created + 60, hashed = [], unhashed } = options;
    const area = Buffer.concat([subpacket(2, uint32(created)), ...hashed]);
    const head = Buffer.concat([
      Uint8Array.of(4, type, 1, hash, area.length >> 8, area.length),
      area,
    ]);
    const trailer = Buffer.concat([head, Uint8Array.of(4, 0xff), uint32(head.length)]);
    const rest = Buffer.concat(unhashed ?? [subpacket(16, this.keyId)]);
    return Buffer.concat([
      ...[head, Uint8Array.of(rest.length >> 8, rest.length), rest, Buffer.alloc(2)],
      this.#arithmetic(hash, Buffer.concat([data, trailer])),
    ]);
  }

  /** A version 3 signature over `data`, as Red Hat makes them. */
  signature3(
    data: Uint8Array,
    { type = 0, hash = 8, created = this.created + 60 }: SignatureOptions = {},
  ): Buffer {
    const hashed = Buffer.concat([Uint8Array.of(type), uint32(created)]);
    return packet(
      2,
      Buffer.concat([
        ...[Uint8Array.of(3, 5), hashed, this.keyId, Uint8Array.of(1, hash), Buffer.alloc(2)],
        this.#arithmetic(hash, Buffer.concat([data, hashed])),
      ]),
    );
  }

  onePass(hash = 8): Buffer {
    return packet(4, Buffer.concat([Uint8Array.of(3, 0, hash, 1), this.keyId, Uint8Array.of(1)]));
  }

  /** One-pass header, literal, signature. */
  message(content: Uint8Array, options: SignatureOptions = {}): Buffer {
    const { hash = 8 } = options;
    return Buffer.concat([this.onePass(hash), literal(content), this.signature(content, options)]);
  }

  /** The public key with one user ID, certified with `options`. */
  certificate(
    options: SignatureOptions = {},
    extra: readonly Uint8Array[] = [],
    userId: Uint8Array = Buffer.from('test <test@fixtures.example>'),
  ): Buffer {
    return Buffer.concat([
      packet(6, this.body),
      ...extra,
      packet(13, userId),
      this.signature(this.userIdInput(userId), { type: 0x13, ...options }),
    ]);
  }

  userIdInput(userId: Uint8Array): Buffer {
    return Buffer.concat([this.hashInput, Uint8Array.of(0xb4), uint32(userId.length), userId]);
  }

  #arithmetic(hash: number, data: Uint8Array): Buffer {
    const name = HASHES.get(hash);
    if (name === undefined) throw new Error(`no hash ${hash} in tests`);
    return integer(sign(name, data, this.#privateKey));
  }
}

/** RFC 4880 §3.2: one signature in 256 begins with a zero byte, which a number has none of. */
function integer(bytes: Uint8Array): Buffer {
  const value = bytes.subarray(
    Math.max(
      0,
      bytes.findIndex((byte) => byte !== 0),
    ),
  );
  const bits = value.length * 8 - Math.clz32(value[0] ?? 0) + 24;
  return Buffer.concat([Uint8Array.of(bits >> 8, bits), value]);
}

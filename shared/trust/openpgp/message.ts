import { SignatureError } from '../signature-error.ts';
import { armoredBlocks, isArmored, readCleartext } from './armor.ts';
import { MAX_NESTING, UnpackBudget } from './compression.ts';
import { FieldReader, malformed, type Packet, PacketReader, TAG } from './packets.ts';
import { readSignaturePacket, type SignaturePacket } from './signature-packet.ts';

/** A message with exactly one signature to judge; nothing is verified yet. */
export interface SignedMessage {
  readonly signature: SignaturePacket;
  /** The bytes the signature is about. */
  readonly signed: Uint8Array;
  /** The content as GnuPG gives it out; differs from `signed` in line ends of texts only. */
  readonly untrustedContent: Uint8Array;
}

/**
 * Reads a signed message that carries its content, in the shapes GnuPG verifies: one-pass headers, literal, signatures;
 * signatures before the literal; cleartext; armored or not; compressed, also within compressed data. Throws
 * `SignatureError` "openpgp-invalid" for damaged data and anything after the message, and "openpgp-signature-count" when
 * not exactly one signature would be reported.
 */
export function readSignedMessage(bytes: Uint8Array): SignedMessage {
  const reader = new MessageReader();
  if (!isArmored(bytes)) {
    reader.read(bytes, 0);
  } else {
    const cleartext = readCleartext(bytes);
    if (cleartext === undefined) reader.read(dearmored(bytes), 0);
    else reader.readCleartext(cleartext);
  }
  return reader.onlySignature();
}

function dearmored(bytes: Uint8Array): Uint8Array {
  const blocks = [...armoredBlocks(bytes, () => true)].map((block) => block.bytes);
  if (blocks.length === 0) throw malformed('neither packets nor armor');
  return Buffer.concat(blocks);
}

/** What stands in one level of a message, in order. GnuPG judges by this sequence what is signed by whom. */
type Item =
  | { readonly kind: 'one-pass'; readonly hashAlgorithm: number }
  | { readonly kind: 'content' }
  | { readonly kind: 'signature'; readonly signature: SignaturePacket }
  | { readonly kind: 'key material' };

interface Content {
  readonly signed: Uint8Array;
  readonly given: Uint8Array;
}

class MessageReader {
  readonly #budget = new UnpackBudget();
  readonly #reported: { signature: SignaturePacket; hashAlgorithms: readonly number[] }[] = [];
  #content: Content | undefined;
  #hasSignatures = false;
  #hasDetached = false;

  /** Reads one level of packets. */
  read(bytes: Uint8Array, depth: number): void {
    if (depth > MAX_NESTING) throw malformed(`more than ${MAX_NESTING} levels of compression`);
    const items: Item[] = [];
    let packets = new PacketReader(bytes);
    let isEmpty = true;
    for (let packet = packets.next(); packet !== undefined; packet = packets.next()) {
      if (packet.tag !== TAG.reserved && packet.tag !== TAG.trust) isEmpty = false;
      if (packet.tag === TAG.compressed) {
        // Of a compressed packet GnuPG ignores the length: the data say themselves where they end.
        const packed = packet.isPartial ? packet.body : packets.from(packet.body);
        const { content, rest } = this.#budget.unpack(packed);
        this.read(content, depth + 1);
        if (!packet.isPartial) packets = new PacketReader(rest);
        else if (rest.length > 0) packets = new PacketReader(Buffer.concat([rest, packets.rest()]));
        continue;
      }
      const item = this.#item(packet);
      const isOrphan = item?.kind === 'key material' && items.length === 0;
      if (item !== undefined && !isOrphan) items.push(item);
    }
    if (isEmpty) throw malformed('no packets where some were announced');
    this.#report(items);
  }

  readCleartext({
    content,
    signed,
    hashAlgorithms,
    signatures,
  }: NonNullable<ReturnType<typeof readCleartext>>): void {
    this.#content = { signed, given: content };
    const packets = new PacketReader(signatures);
    for (let packet = packets.next(); packet !== undefined; packet = packets.next()) {
      if (packet.tag !== TAG.signature) throw malformed('more than signatures after a cleartext');
      this.#hasSignatures = true;
      this.#reported.push({ signature: readSignaturePacket(packet.body), hashAlgorithms });
    }
  }

  onlySignature(): SignedMessage {
    const [first] = this.#reported;
    if (!this.#hasSignatures) throw malformed('no signature found');
    const isOne = this.#reported.length === 1 && !this.#hasDetached;
    if (!isOne || first === undefined || this.#content === undefined) {
      const found = this.#hasDetached ? 'one without content' : this.#reported.length;
      throw new SignatureError(
        'openpgp-signature-count',
        `OpenPGP data: expected exactly one signature with its content, found ${found}`,
      );
    }
    if (!first.hashAlgorithms.includes(first.signature.hashAlgorithm)) {
      throw malformed('a signature made with another hash than the message announces');
    }
    const { signed, given } = this.#content;
    return { signature: first.signature, signed, untrustedContent: given };
  }

  /** Undefined for a packet that does not count in the sequence. */
  #item({ tag, body, isPartial }: Packet): Item | undefined {
    switch (tag) {
      case TAG.signature:
        this.#hasSignatures = true;
        return { kind: 'signature', signature: readSignaturePacket(body) };
      case TAG.onePass:
        return { kind: 'one-pass', hashAlgorithm: readOnePass(body) };
      case TAG.literal:
        if (this.#content !== undefined) throw malformed('more than one message');
        this.#content = readLiteral(body, isPartial);
        return { kind: 'content' };
      case TAG.userId:
      case TAG.userAttribute:
      case TAG.publicSubkey:
        return { kind: 'key material' };
      case TAG.marker:
        if (Buffer.from(body).toString('latin1') !== 'PGP') throw malformed('a marker of its own');
        return undefined;
      case TAG.reserved:
      case TAG.trust:
      case TAG.oldComment:
      case TAG.comment:
        return undefined;
      case TAG.modificationDetection:
        if (body.length !== 20) throw malformed('a detection code of another length than 20');
        return undefined;
      default:
        if (KNOWN.has(tag)) throw malformed(`a packet of type ${tag} in a signed message`);
        return undefined;
    }
  }

  /** Tells which signatures GnuPG would report for one level; an ambiguous sequence has none. */
  #report(items: readonly Item[]): void {
    const signatures: SignaturePacket[] = [];
    const onePass: number[] = [];
    let shape = '';
    for (const item of items) {
      shape += item.kind[0];
      if (item.kind === 'signature') signatures.push(item.signature);
      if (item.kind === 'one-pass') onePass.push(item.hashAlgorithm);
    }
    const [, headers = '', trailers = ''] = STANDARD.exec(shape) ?? [];
    const isStandard = headers !== '' && headers.length === trailers.length;
    const isOldStyle = !isStandard && OLD_STYLE.test(shape);
    if (DETACHED.test(shape)) this.#hasDetached = true;
    if (!isStandard && !isOldStyle) return;
    const hashAlgorithms = isStandard
      ? onePass
      : signatures.map(({ hashAlgorithm }) => hashAlgorithm);
    const reported = isOldStyle ? sameKind(signatures) : signatures;
    for (const signature of reported) this.#reported.push({ signature, hashAlgorithms });
  }
}

/**
 * One-pass headers, content, as many signatures, whatever follows; and what PGP 2 wrote, signatures before the content
 * and nothing else.
 */
const STANDARD = /^(o+)c(s+)/;
const OLD_STYLE = /^s+c$/;
/** Signatures without content: GnuPG looks for it elsewhere, and finds nothing. */
const DETACHED = /^s+$/;

/** Of an old-style message with signatures of several kinds GnuPG looks at the first one alone. */
function sameKind(signatures: readonly SignaturePacket[]): readonly SignaturePacket[] {
  const [first] = signatures;
  const isMixed = signatures.some(
    ({ type, hashAlgorithm }) => type !== first?.type || hashAlgorithm !== first.hashAlgorithm,
  );
  return isMixed ? signatures.slice(0, 1) : signatures;
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(TAG));

/** RFC 4880 §5.4: only which hash it announces matters. */
function readOnePass(body: Uint8Array): number {
  if (body.length < 13 || body[0] !== 3) throw malformed('a one-pass header that cannot be read');
  return body[2] ?? 0;
}

/** RFC 4880 §5.9. Name and date mean nothing; of a text carriage returns are cut when it is given out. */
function readLiteral(body: Uint8Array, isPartial: boolean): Content {
  if (!isPartial && body.length < 6) throw malformed('a literal packet that is too short');
  const fields = new FieldReader(body);
  const mode = fields.number(1);
  fields.bytes(fields.number(1));
  fields.bytes(4);
  const signed = fields.rest();
  const isText = mode === 0x74 || mode === 0x75; // t, u
  return { signed, given: isText ? signed.filter((byte) => byte !== 0x0d) : signed };
}

/** Subpacket types that decide something here (RFC 4880 §5.2.3.1; 33: issuer fingerprint). */
export const SUBPACKET = {
  created: 2,
  expires: 3,
  exportable: 4,
  keyExpires: 9,
  revocationKey: 12,
  issuer: 16,
  notation: 20,
  keyFlags: 27,
  embeddedSignature: 32,
  issuerFingerprint: 33,
} as const;

/** Types GnuPG says it understands when they are marked critical; a notation never, it knows none by name. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  ...[2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 21, 22, 23, 24, 25, 26, 27, 29, 30, 32, 33],
]);

/** Least length of a body that GnuPG takes for one of that type. */
const LEAST_BYTES: ReadonlyMap<number, number> = new Map([
  [SUBPACKET.created, 4],
  [SUBPACKET.expires, 4],
  [SUBPACKET.exportable, 1],
  [SUBPACKET.keyExpires, 4],
  [SUBPACKET.revocationKey, 22],
  [SUBPACKET.issuer, 8],
  [SUBPACKET.embeddedSignature, 1],
  [SUBPACKET.issuerFingerprint, 21],
]);

export interface Subpacket {
  readonly type: number;
  readonly isCritical: boolean;
  readonly body: Uint8Array;
}

/** One area of subpackets, hashed or not (RFC 4880 §5.2.3.1). */
export interface SubpacketArea {
  readonly subpackets: readonly Subpacket[];
  /** Something critical in it is not understood, or what is critical cannot be told: no good signature then. */
  readonly hasUnknownCritical: boolean;
}

export const NO_SUBPACKETS: SubpacketArea = { subpackets: [], hasUnknownCritical: false };

/** Reads an area as GnuPG does: what follows a subpacket that does not fit is not looked at. */
export function readSubpackets(area: Uint8Array): SubpacketArea {
  const subpackets: Subpacket[] = [];
  let at = 0;
  while (at < area.length) {
    let length = area[at++] ?? 0;
    if (length === 255) {
      length = 0;
      for (let read = 0; read < 4; read++) length = length * 256 + (area[at++] ?? 0);
    } else if (length >= 192) {
      length = (length - 192) * 256 + (area[at++] ?? 0) + 192;
    }
    const type = area[at];
    if (type === undefined || length === 0 || at + length > area.length) {
      return { subpackets, hasUnknownCritical: true };
    }
    const body = area.subarray(at + 1, at + length);
    subpackets.push({ type: type & 0x7f, isCritical: (type & 0x80) !== 0, body });
    at += length;
  }
  const hasUnknownCritical = subpackets.some(
    ({ type, isCritical }) => isCritical && !UNDERSTOOD.has(type),
  );
  return { subpackets, hasUnknownCritical };
}

/** Body of the first subpacket of a type; undefined when there is none or it is too short. */
export function firstSubpacket(area: SubpacketArea, type: number): Uint8Array | undefined {
  const body = area.subpackets.find((subpacket) => subpacket.type === type)?.body;
  return body !== undefined && body.length >= (LEAST_BYTES.get(type) ?? 0) ? body : undefined;
}

/** Bodies of all subpackets of a type that are long enough. */
export function allSubpackets(area: SubpacketArea, type: number): readonly Uint8Array[] {
  const least = LEAST_BYTES.get(type) ?? 0;
  return area.subpackets
    .filter((subpacket) => subpacket.type === type && subpacket.body.length >= least)
    .map(({ body }) => body);
}

import { PolicyFormatError, passBitmap } from './bitmap.ts';
import type { BytesReader } from './bytes-reader.ts';

/** Versions from which symbols say more: security/selinux/include/security.h of Linux. */
const VALIDATETRANS_VERSION = 19;
const BOUNDARY_VERSION = 24;
const OBJECT_DEFAULTS_VERSION = 27;
const DEFAULT_TYPE_VERSION = 28;
const CONSTRAINT_NAMES_VERSION = 29;

const EXPRESSION_OF_NAMES = 5;
const IS_PRIMARY = 1;
const MAX_NAME_LENGTH = 4096;

/**
 * Names of types and attributes by their values: what stands before them in the file (common permissions, classes,
 * roles) is passed over. The order of members is that of `*_read` in security/selinux/ss/policydb.c of Linux.
 */
export function readTypeNames(reader: BytesReader, version: number): ReadonlyMap<number, string> {
  readTable(reader, () => passCommon(reader));
  readTable(reader, () => passClass(reader, version));
  readTable(reader, () => passRole(reader, version));
  const names = new Map<number, string>();
  readTable(reader, () => readType(reader, version, names));
  return names;
}

function readTable(reader: BytesReader, readSymbol: () => void): void {
  reader.skip(4);
  const count = reader.u32();
  // A count beyond the file ends with it: every symbol takes bytes.
  for (let index = 0; index < count; index++) readSymbol();
}

function passName(reader: BytesReader, length: number): void {
  assertLength(reader, length);
  reader.skip(length);
}

function assertLength({ offset }: BytesReader, length: number): void {
  if (length > 0 && length <= MAX_NAME_LENGTH) return;
  throw new PolicyFormatError(`a name of ${length} bytes starts at byte ${offset}`);
}

function passPermissions(reader: BytesReader, count: number): void {
  for (let index = 0; index < count; index++) {
    const length = reader.u32();
    reader.skip(4);
    passName(reader, length);
  }
}

function passCommon(reader: BytesReader): void {
  const length = reader.u32();
  reader.skip(8);
  const permissions = reader.u32();
  passName(reader, length);
  passPermissions(reader, permissions);
}

function passClass(reader: BytesReader, version: number): void {
  const length = reader.u32();
  const commonLength = reader.u32();
  reader.skip(8);
  const permissions = reader.u32();
  const constraints = reader.u32();
  passName(reader, length);
  if (commonLength > 0) passName(reader, commonLength);
  passPermissions(reader, permissions);
  passConstraints(reader, constraints, version);
  if (version >= VALIDATETRANS_VERSION) passConstraints(reader, reader.u32(), version);
  if (version >= OBJECT_DEFAULTS_VERSION) reader.skip(12);
  if (version >= DEFAULT_TYPE_VERSION) reader.skip(4);
}

function passConstraints(reader: BytesReader, count: number, version: number): void {
  for (let index = 0; index < count; index++) {
    reader.skip(4);
    const expressions = reader.u32();
    for (let each = 0; each < expressions; each++) passExpression(reader, version);
  }
}

function passExpression(reader: BytesReader, version: number): void {
  const kind = reader.u32();
  reader.skip(8);
  if (kind !== EXPRESSION_OF_NAMES) return;
  passBitmap(reader);
  if (version < CONSTRAINT_NAMES_VERSION) return;
  passBitmap(reader);
  passBitmap(reader);
  reader.skip(4);
}

function passRole(reader: BytesReader, version: number): void {
  const length = reader.u32();
  reader.skip(version >= BOUNDARY_VERSION ? 8 : 4);
  passName(reader, length);
  passBitmap(reader);
  passBitmap(reader);
}

/** An alias has the value of its type; the type's own name is the primary one. */
function readType(reader: BytesReader, version: number, names: Map<number, string>): void {
  const length = reader.u32();
  const value = reader.u32();
  const properties = reader.u32();
  if (version >= BOUNDARY_VERSION) reader.skip(4);
  assertLength(reader, length);
  const name = reader.text(length);
  if ((properties & IS_PRIMARY) !== 0) names.set(value, name);
}

import { PolicyFormatError, passBitmap, readBitmap } from './bitmap.ts';
import { BytesReader, EndOfBytes } from './bytes-reader.ts';
import { readTypeNames } from './policy-symbols.ts';

/** What is read of a policy as the kernel loads it: the front of `policy.NN`. */
export interface PolicyFile {
  readonly version: number;
  readonly isMls: boolean;
  /** What becomes of classes and permissions that the policy does not know. */
  readonly unknown: 'allow' | 'deny' | 'reject';
  /** Types that are not enforced, sorted; undefined where this version has none or has them in a way not known here. */
  readonly permissive: readonly string[] | undefined;
}

const MAGIC = 0xf97cff8c;
const IDENTIFIER = 'SE Linux';
const CONFIG_MLS = 1;
const CONFIG_REJECT_UNKNOWN = 2;
const CONFIG_ALLOW_UNKNOWN = 4;
/** Versions from which there is something: security/selinux/include/security.h of Linux. */
const MIN_VERSION = 15;
const CAPABILITIES_VERSION = 22;
const PERMISSIVE_VERSION = 23;
const NEVERAUDIT_VERSION = 35;
/** The last whose front is known. */
const MAX_VERSION = 35;
const MAX_SYMBOL_TABLES = 8;

/** Reads the front of a binary policy, as `policydb_read` of Linux does (security/selinux/ss/policydb.c). Throws `PolicyFormatError`. */
export function readPolicyFile(bytes: Buffer): PolicyFile {
  try {
    return read(new BytesReader(bytes));
  } catch (error) {
    if (error instanceof EndOfBytes) throw new PolicyFormatError(error.message, { cause: error });
    throw error;
  }
}

function read(reader: BytesReader): PolicyFile {
  const magic = reader.u32();
  if (magic !== MAGIC) {
    throw new PolicyFormatError(`expected the magic 0x${hex(MAGIC)}, found 0x${hex(magic)}`);
  }
  const length = reader.u32();
  if (length !== IDENTIFIER.length || reader.text(length) !== IDENTIFIER) {
    throw new PolicyFormatError(`expected the identifier "${IDENTIFIER}"`);
  }
  const version = reader.u32();
  if (version < MIN_VERSION) throw new PolicyFormatError(`version ${version} is none`);
  const config = reader.u32();
  const tables = reader.u32();
  reader.skip(4);
  const about = {
    version,
    isMls: (config & CONFIG_MLS) !== 0,
    unknown:
      (config & CONFIG_REJECT_UNKNOWN) !== 0
        ? ('reject' as const)
        : (config & CONFIG_ALLOW_UNKNOWN) !== 0
          ? ('allow' as const)
          : ('deny' as const),
  };
  if (version > MAX_VERSION) return { ...about, permissive: undefined };
  if (version >= CAPABILITIES_VERSION) passBitmap(reader);
  if (version < PERMISSIVE_VERSION) return { ...about, permissive: undefined };
  const permissive = readBitmap(reader);
  if (version >= NEVERAUDIT_VERSION) passBitmap(reader);
  if (permissive.length === 0) return { ...about, permissive: [] };
  if (tables > MAX_SYMBOL_TABLES) {
    throw new PolicyFormatError(`expected ${MAX_SYMBOL_TABLES} symbol tables, found ${tables}`);
  }
  const names = readTypeNames(reader, version);
  return { ...about, permissive: permissive.map((value) => nameOf(names, value)).sort() };
}

/** A bit's number is the type's value. */
function nameOf(names: ReadonlyMap<number, string>, value: number): string {
  const name = names.get(value);
  if (name === undefined) throw new PolicyFormatError(`permissive type ${value} has no name`);
  return name;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

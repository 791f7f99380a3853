/** What a policy made by `policyOf` says. */
export interface PolicyParts {
  readonly version?: number;
  /** Bits of the header: 1 MLS, 2 reject unknown, 4 allow unknown. */
  readonly config?: number;
  /** Types in the order of their values, the first has 1. */
  readonly types?: readonly string[];
  readonly permissive?: readonly string[];
  /** Beyond what is read: another policy with the same front. */
  readonly rest?: string;
}

/** The front of a binary policy of at least version 24 as the kernel writes it (`policydb_write`): up to its types. */
export function policyOf(parts: PolicyParts = {}): Buffer {
  const { version = 33, config = 5, types = ['init_t', 'sshd_t', 'httpd_t'], rest = '' } = parts;
  const permissive = (parts.permissive ?? []).map((name) => types.indexOf(name) + 1);
  const none = Buffer.concat([u32(0), u32(0)]);
  return Buffer.concat([
    u32(0xf97cff8c),
    text('SE Linux'),
    u32(version),
    u32(config),
    u32(8),
    u32(9),
    bitmap([0]),
    bitmap(permissive),
    ...(version >= 35 ? [bitmap([])] : []),
    none,
    none,
    none,
    u32(types.length),
    u32(types.length),
    ...types.map((name, index) =>
      Buffer.concat([u32(name.length), u32(index + 1), u32(1), u32(0), Buffer.from(name)]),
    ),
    Buffer.from(rest),
  ]);
}

/** What the kernel says in `/sys/fs/selinux/status`. */
export function statusOf(
  sequence: number,
  parts: { readonly enforcing?: boolean; readonly policyload?: number } = {},
): Buffer {
  const { enforcing = true, policyload = 1 } = parts;
  return Buffer.concat([1, sequence, Number(enforcing), policyload, 0].map(u32));
}

function bitmap(bits: readonly number[]): Buffer {
  const maps = Map.groupBy(bits, (bit) => Math.floor(bit / 64) * 64);
  const highest = Math.max(-64, ...maps.keys()) + 64;
  return Buffer.concat([
    u32(64),
    u32(highest),
    u32(maps.size),
    ...[...maps].map(([start, members]) => {
      const map = Buffer.alloc(8);
      map.writeBigUInt64LE(members.reduce((sum, bit) => sum | (1n << BigInt(bit - start)), 0n));
      return Buffer.concat([u32(start), map]);
    }),
  ]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([u32(value.length), Buffer.from(value)]);
}

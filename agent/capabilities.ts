/** Names of capabilities by their number in linux/capability.h, without `CAP_`. */
export const CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
];

/** What CRI-O gives a container that asks for nothing (crio.conf(5), default_capabilities). */
export const CRIO_CAPABILITIES: ReadonlySet<string> = new Set([
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'KILL',
]);

/** What podman gives a container that asks for nothing (containers.conf(5), default_capabilities). */
export const PODMAN_CAPABILITIES: ReadonlySet<string> = new Set([
  ...CRIO_CAPABILITIES,
  'SETFCAP',
  'SYS_CHROOT',
]);

/** Names of the bits that are set, in order of their numbers; one that has no name yet by its number. */
export function capabilityNames(bits: bigint): readonly string[] {
  const names: string[] = [];
  for (let bit = 0, rest = bits; rest > 0n; bit++, rest >>= 1n) {
    if ((rest & 1n) === 1n) names.push(CAPABILITIES[bit] ?? `${bit}`);
  }
  return names;
}

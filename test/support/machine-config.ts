/** What a MachineConfig of a test says beside its files. */
export interface MachineConfigMembers {
  readonly fips?: boolean;
  readonly kernelArguments?: readonly string[];
}

/** A unit in the words of Ignition. */
export interface UnitOfMachineConfig {
  readonly name: string;
  readonly enabled?: boolean;
  readonly mask?: boolean;
  readonly contents?: string;
  readonly dropins?: readonly { readonly name: string; readonly contents?: string }[];
}

/** A rendered MachineConfig that writes these files with mode 0644, in the words of the operator. */
export function machineConfigOf(
  files: Readonly<Record<string, string>>,
  members: MachineConfigMembers = {},
  units: readonly UnitOfMachineConfig[] = [],
): string {
  const entries = Object.entries(files).map(([path, text]) => ({
    path,
    mode: 0o644,
    overwrite: true,
    contents: {
      source: `data:text/plain;charset=utf-8;base64,${Buffer.from(text).toString('base64')}`,
    },
  }));
  return JSON.stringify({
    kind: 'MachineConfig',
    metadata: { name: 'rendered-worker-1' },
    spec: {
      config: {
        ignition: { version: '3.4.0' },
        storage: { files: entries },
        systemd: { units },
      },
      ...members,
    },
  });
}

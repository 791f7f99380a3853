/** What a profile decides and rules ask for: the tailored values of XCCDF, typed. */
export interface ProfileValues {
  /** `intent`: FIPS is asked for where the node itself or its MachineConfig does. `required`: always. */
  readonly fips: 'intent' | 'required';
  /** Namespaces whose pods may have the rights of the node; `*` stands for any text: `openshift-*`. */
  readonly privilegedNamespaces: readonly string[];
  /** podman containers, by name, that may have the rights of the node; `*` stands for any text. */
  readonly privilegedContainers: readonly string[];
  /** Hosts, or prefixes of repositories, that images may come from; empty: nobody said which. */
  readonly allowedRegistries: readonly string[];
  /** Mirrors that are approved, as `allowedRegistries`; empty: nobody said which. */
  readonly allowedMirrors: readonly string[];
  /** SELinux booleans that are on though the stock policy has them off. */
  readonly selinuxBooleansOn: readonly string[];
  /** Types that may run as daemons without a domain of their own: paths of their programs. */
  readonly unconfinedPrograms: readonly string[];
  /** Values that a sysctl may have, by its name with dots: `kernel.dmesg_restrict` to `['1']`. */
  readonly sysctls: Readonly<Record<string, readonly string[]>>;
  /** Arguments that the kernel should be booted with: `page_poison=1`. */
  readonly kernelArguments: readonly string[];
}

/** Where no profile speaks: what an untouched OpenShift node satisfies. */
export const DEFAULT_VALUES: ProfileValues = {
  fips: 'intent',
  privilegedNamespaces: ['openshift', 'openshift-*', 'kube-system', 'kube-public', 'nodeseal'],
  privilegedContainers: [],
  allowedRegistries: [],
  allowedMirrors: [],
  selinuxBooleansOn: ['container_use_cephfs', 'virt_use_samba'],
  unconfinedPrograms: [],
  sysctls: {},
  kernelArguments: [],
};

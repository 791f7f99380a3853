import type { Host } from './host.ts';
import { commandOf } from './service-command.ts';
import {
  CRIO_SERVICE,
  readServiceEnvironment,
  type ServiceEnvironment,
} from './service-environment.ts';

/** Variables that CRI-O reads in place of flags, and the flags that go before them: cri-o internal/criocli/criocli.go. */
const FLAGS: ReadonlyMap<string, CrioVariable> = new Map([
  ['config', 'CONTAINER_CONFIG'],
  ['c', 'CONTAINER_CONFIG'],
  ['config-dir', 'CONTAINER_CONFIG_DIR'],
  ['d', 'CONTAINER_CONFIG_DIR'],
  ['imagestore', 'CONTAINER_IMAGESTORE'],
  ['insecure-registry', 'CONTAINER_INSECURE_REGISTRY'],
  ['privileged-seccomp-profile', 'CONTAINER_PRIVILEGED_SECCOMP_PROFILE'],
  ['root', 'CONTAINER_ROOT'],
  ['r', 'CONTAINER_ROOT'],
  ['runroot', 'CONTAINER_RUNROOT'],
  ['seccomp-profile', 'CONTAINER_SECCOMP_PROFILE'],
  ['selinux', 'CONTAINER_SELINUX'],
  ['signature-policy', 'CONTAINER_SIGNATURE_POLICY'],
  ['signature-policy-dir', 'CONTAINER_SIGNATURE_POLICY_DIR'],
  ['storage-driver', 'CONTAINER_STORAGE_DRIVER'],
  ['s', 'CONTAINER_STORAGE_DRIVER'],
  ['storage-opt', 'CONTAINER_STORAGE_OPT'],
]);
export type CrioVariable =
  | 'CONTAINER_CONFIG'
  | 'CONTAINER_CONFIG_DIR'
  | 'CONTAINER_IMAGESTORE'
  | 'CONTAINER_INSECURE_REGISTRY'
  | 'CONTAINER_PRIVILEGED_SECCOMP_PROFILE'
  | 'CONTAINER_ROOT'
  | 'CONTAINER_RUNROOT'
  | 'CONTAINER_SECCOMP_PROFILE'
  | 'CONTAINER_SELINUX'
  | 'CONTAINER_SIGNATURE_POLICY'
  | 'CONTAINER_SIGNATURE_POLICY_DIR'
  | 'CONTAINER_STORAGE_DRIVER'
  | 'CONTAINER_STORAGE_OPT';

/** Without a value of its own it is `true`, whatever word follows. */
const SWITCH: CrioVariable = 'CONTAINER_SELINUX';
/** Given again they add to what was given. */
const LISTS: ReadonlySet<CrioVariable> = new Set([
  'CONTAINER_INSECURE_REGISTRY',
  'CONTAINER_STORAGE_OPT',
]);

/** The environment of CRI-O's service; a flag stands in it as the variable it overrules. Never throws for a state of the node. */
export async function readCrioService(host: Host): Promise<ServiceEnvironment> {
  const environment = await readServiceEnvironment(host, CRIO_SERVICE);
  const flags = flagsIn(commandOf(environment));
  if (flags.size === 0) return environment;
  const undecided = new Map(environment.undecided);
  for (const name of flags.keys()) undecided.delete(name);
  return { ...environment, variables: new Map([...environment.variables, ...flags]), undecided };
}

/** `--name=value` or `--name value`, with one dash or two, as Go reads them. */
function flagsIn(words: readonly string[]): ReadonlyMap<CrioVariable, string> {
  const flags = new Map<CrioVariable, string>();
  for (const [index, word] of words.entries()) {
    const [, name = '', given] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const variable = FLAGS.get(name);
    if (variable === undefined) continue;
    const value = given ?? (variable === SWITCH ? 'true' : (words[index + 1] ?? ''));
    const before = LISTS.has(variable) ? flags.get(variable) : undefined;
    flags.set(variable, before === undefined ? value : `${before},${value}`);
  }
  return flags;
}

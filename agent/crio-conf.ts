import { messageOf } from '../shared/errors.ts';
import { type Host, HostError } from './host.ts';
import { parseToml, TomlFileError, type TomlTable, tomlAt } from './toml.ts';

/** crio.conf(5): the main file, then every file of the drop-in folder in order of its name. */
const CONFIG_PATH = '/etc/crio/crio.conf';
const DROP_INS_PATH = '/etc/crio/crio.conf.d';
/** What CRI-O uses when `signature_policy_dir` is not set. */
const POLICY_FOLDER = '/etc/crio/policies';

/** What CRI-O's configuration says of policies and stores; undefined where it leaves the default. */
export interface CrioConfig {
  /** Files read, in order; empty when CRI-O is not configured here. */
  readonly files: readonly string[];
  /** `signature_policy`: CRI-O's own policy.json instead of the system's. */
  readonly signaturePolicy: string | undefined;
  /** `signature_policy_dir`: policies of namespaces. */
  readonly signaturePolicyFolder: string;
  readonly root: string | undefined;
  readonly runRoot: string | undefined;
  readonly storageDriver: string | undefined;
  readonly imageStore: string | undefined;
  /** Files that could not be read or are no TOML: CRI-O would not start with them. */
  readonly problems: readonly string[];
}

/** Reads CRI-O's configuration as it would at its next start. Never throws for a state of the node. */
export async function readCrioConfig(host: Host): Promise<CrioConfig> {
  const files: string[] = [];
  const problems: string[] = [];
  const tables: TomlTable[] = [];
  for (const path of await configPaths(host, problems)) {
    try {
      const text = await host.readText(path);
      if (text === undefined) continue;
      files.push(path);
      tables.push(parseToml(text, path));
    } catch (error) {
      problems.push(expected(error));
    }
  }
  // The last file that sets a key decides, also when it sets it back to nothing.
  const last = (...keys: readonly string[]): string | undefined =>
    tables.map((table) => tomlAt(table, ...keys)).findLast((value) => typeof value === 'string') ||
    undefined;
  return {
    files,
    signaturePolicy: last('crio', 'image', 'signature_policy'),
    signaturePolicyFolder: last('crio', 'image', 'signature_policy_dir') ?? POLICY_FOLDER,
    root: last('crio', 'root'),
    runRoot: last('crio', 'runroot'),
    storageDriver: last('crio', 'storage_driver'),
    imageStore: last('crio', 'imagestore'),
    problems,
  };
}

async function configPaths(host: Host, problems: string[]): Promise<readonly string[]> {
  try {
    const names = (await host.list(DROP_INS_PATH)) ?? [];
    return [CONFIG_PATH, ...names.map((name) => `${DROP_INS_PATH}/${name}`)];
  } catch (error) {
    problems.push(expected(error));
    return [CONFIG_PATH];
  }
}

/** The message of an error that is a state of the node; anything else goes on. */
function expected(error: unknown): string {
  if (error instanceof HostError || error instanceof TomlFileError) return messageOf(error);
  throw error;
}

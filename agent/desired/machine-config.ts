import { IgnitionContentError, ignitionContent } from '../../shared/ignition/content.ts';
import { isDeeper } from '../../shared/json-depth.ts';
import { memoryPerHost } from '../content-memory.ts';
import { textOf } from '../file-text.ts';
import type { Host } from '../host.ts';
import { JsonMember } from '../json-member.ts';
import { MachineConfigError } from './machine-config-error.ts';
import {
  contentsBy,
  DEFAULT_MODE,
  digestBy,
  type FileEntry,
  type MachineConfigFile,
  type MachineConfigOwner,
} from './machine-config-file.ts';
import { type MachineConfigUnit, unitFiles, unitsOf } from './machine-config-units.ts';

export const MACHINE_CONFIG_FOLDER: string = '/etc/machine-config-daemon';
/** What the daemon applied last on a node of a hosted control plane. */
export const HYPERSHIFT_CONFIG: string = '/etc/mcd-currentconfig.json';
/** Where the daemon keeps what it applied last; HyperShift uses the others and may leave the first one empty. */
const PATHS = [
  `${MACHINE_CONFIG_FOLDER}/currentconfig`,
  HYPERSHIFT_CONFIG,
  '/etc/mcs-machine-config-content.json',
];
const LIMIT_BYTES = 16 * 1024 * 1024;
/** Objects of Kubernetes are some 20 deep. */
const MAX_DEPTH = 256;
/** Kubernetes allows no longer one; it stands in every report. */
const MAX_NAME_LENGTH = 253;

/** Files the machine-config-daemon leaves out of its own validation: certificate sync rewrites them. */
const REFRESHED_ELSEWHERE: ReadonlySet<string> = new Set([
  '/etc/kubernetes/kubelet-ca.crt',
  '/etc/kubernetes/static-pod-resources/configmaps/cloud-config/ca-bundle.pem',
  '/etc/mco/internal-registry-pull-secret.json',
]);

/** What the machine-config-daemon applied to this node last. It may hold secrets: contents never leave the node. */
export interface MachineConfig {
  /** The file it was read from. */
  readonly path: string;
  /** `metadata.name`: `rendered-<pool>-<hash>`. */
  readonly name: string;
  readonly fips: boolean;
  readonly kernelArguments: readonly string[];
  /** By path on the node: storage files, units and drop-ins. */
  readonly files: ReadonlyMap<string, MachineConfigFile>;
  readonly units: readonly MachineConfigUnit[];
  /** `sha256:…` of its spec: the operator names a rendered one by what is in it, so that one name has one digest. */
  digest(): string;
}

const memoryOf = memoryPerHost({
  make: (bytes, path) => {
    const text = textOf(bytes, path);
    return text.trim() === '' ? undefined : parseMachineConfig(path, text);
  },
  limitBytes: LIMIT_BYTES,
  maxFiles: PATHS.length,
});

/**
 * The MachineConfig of this node; undefined where none is kept (no OpenShift, or an empty file). As long as the
 * file does not change it is the same object, so that what was decoded once is not decoded again.
 */
export async function readMachineConfig(host: Host): Promise<MachineConfig | undefined> {
  for (const path of PATHS) {
    const config = await memoryOf(host).of(path);
    if (config !== undefined) return config;
  }
  return undefined;
}

/** Reads a rendered MachineConfig with an Ignition configuration of spec 2.2 or 3.0 to 3.5. */
export function parseMachineConfig(path: string, text: string): MachineConfig {
  const root = new JsonMember(
    parseJson(path, text),
    (message) => new MachineConfigError('ERR_MACHINE_CONFIG_VALUE', path, message),
  );
  const spec = root.at('spec');
  const config = spec.at('config');
  const version = config.at('ignition', 'version').text() ?? '';
  if (config.value !== undefined && !/^(2\.2|3\.[0-5])\./.test(version)) {
    throw config.at('ignition', 'version').error('expected Ignition 2.2 or 3.0 to 3.5');
  }
  return {
    path,
    name: root.at('metadata', 'name').text()?.slice(0, MAX_NAME_LENGTH) ?? path,
    fips: spec.at('fips').boolean() ?? false,
    kernelArguments: spec
      .at('kernelArguments')
      .list()
      .map((item) => item.text() ?? ''),
    files: new Map([...storageFiles(path, config), ...unitFiles(config)]),
    units: unitsOf(config),
    ...digestBy(() => JSON.stringify(spec.value ?? null)),
  };
}

/** In order: of two entries for one path the later one wins, as Ignition 2 has it. */
function storageFiles(machineConfig: string, config: JsonMember): readonly FileEntry[] {
  return config
    .at('storage', 'files')
    .list()
    .flatMap((file): readonly FileEntry[] => {
      const path = file.at('path').text();
      if (path === undefined || !path.startsWith('/')) {
        throw file.at('path').error('expected an absolute path');
      }
      if (REFRESHED_ELSEWHERE.has(path)) return [];
      const mode = file.at('mode').number() ?? DEFAULT_MODE;
      if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
        throw file.at('mode').error('expected permission bits, 0 to 4095');
      }
      const owners = { ...ownerIn(file, 'user'), ...ownerIn(file, 'group') };
      return [[path, { mode, ...owners, ...contentsBy(() => contentOf(machineConfig, file)) }]];
    });
}

/** A name goes by the node's own passwd and group; nothing said is root, as the daemon and Ignition have it. */
function ownerIn<Name extends 'user' | 'group'>(
  file: JsonMember,
  name: Name,
): { readonly [_ in Name]?: MachineConfigOwner } {
  const id = file.at(name, 'id').number();
  if (id !== undefined && (!Number.isInteger(id) || id < 0)) {
    throw file.at(name, 'id').error('expected an id, 0 or more');
  }
  const owner = id ?? (file.at(name, 'name').text() || undefined);
  const picked: { [_ in Name]?: MachineConfigOwner } = {};
  if (owner !== undefined) picked[name] = owner;
  return picked;
}

function contentOf(machineConfig: string, file: JsonMember): Buffer {
  const append = file.at('append');
  if (append.value === true || append.list().length > 0) {
    throw append.error('the machine-config-operator does not append, and neither do we');
  }
  const source = file.at('contents', 'source');
  const url = source.text();
  if (url === undefined || url === '') return Buffer.alloc(0);
  const compression = file.at('contents', 'compression');
  try {
    return ignitionContent(url, compression.text());
  } catch (cause) {
    if (!(cause instanceof IgnitionContentError)) throw cause;
    if (cause.code === 'ERR_IGNITION_COMPRESSION') throw compression.error(cause.message);
    const message = `${source.place}: ${cause.message}`;
    throw new MachineConfigError('ERR_MACHINE_CONFIG_CONTENT', machineConfig, message, { cause });
  }
}

function parseJson(path: string, text: string): unknown {
  if (isDeeper(text, MAX_DEPTH)) {
    throw new MachineConfigError('ERR_MACHINE_CONFIG_SYNTAX', path, 'expected less deep nesting');
  }
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the file, which may hold secrets.
    throw new MachineConfigError('ERR_MACHINE_CONFIG_SYNTAX', path, 'expected JSON');
  }
}

import { gunzipSync } from 'node:zlib';
import { messageOf } from '../../shared/errors.ts';
import type { Host } from '../host.ts';
import { JsonMember } from '../json-member.ts';
import { DataUrlError, decodeDataUrl } from './data-url.ts';
import { MachineConfigError } from './machine-config-error.ts';

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
/** Longest content of one file after inflating; what is larger is no configuration. */
const CONTENT_LIMIT_BYTES = 8 * 1024 * 1024;
const DEFAULT_MODE = 0o644;

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
}

export interface MachineConfigFile {
  /** Permission bits. */
  readonly mode: number;
  /** Decodes the content; throws `MachineConfigError` when it does not decode. */
  read(): Buffer;
}

/** The MachineConfig of this node; undefined where none is kept (no OpenShift, or an empty file). */
export async function readMachineConfig(host: Host): Promise<MachineConfig | undefined> {
  for (const path of PATHS) {
    const text = await host.readText(path, LIMIT_BYTES);
    if (text !== undefined && text.trim() !== '') return parseMachineConfig(path, text);
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
    name: root.at('metadata', 'name').text() ?? path,
    fips: spec.at('fips').boolean() ?? false,
    kernelArguments: spec
      .at('kernelArguments')
      .list()
      .map((item) => item.text() ?? ''),
    files: new Map([...storageFiles(path, config), ...unitFiles(config)]),
  };
}

type Entry = readonly [path: string, file: MachineConfigFile];

/** In order: of two entries for one path the later one wins, as Ignition 2 has it. */
function storageFiles(machineConfig: string, config: JsonMember): readonly Entry[] {
  return config
    .at('storage', 'files')
    .list()
    .flatMap((file): readonly Entry[] => {
      const path = file.at('path').text();
      if (path === undefined || !path.startsWith('/')) {
        throw file.at('path').error('expected an absolute path');
      }
      if (REFRESHED_ELSEWHERE.has(path)) return [];
      const mode = file.at('mode').number() ?? DEFAULT_MODE;
      if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
        throw file.at('mode').error('expected permission bits, 0 to 4095');
      }
      return [[path, { mode, read: () => contentOf(machineConfig, file) }]];
    });
}

const UNITS = '/etc/systemd/system';

/** A unit without contents is one of the operating system that is only enabled or extended. */
function unitFiles(config: JsonMember): readonly Entry[] {
  return config
    .at('systemd', 'units')
    .list()
    .flatMap((unit) => {
      const name = unitName(unit);
      const own = textFile(`${UNITS}/${name}`, unit);
      const dropIns = unit
        .at('dropins')
        .list()
        .flatMap((dropIn) => textFile(`${UNITS}/${name}.d/${unitName(dropIn)}`, dropIn));
      return unit.at('mask').boolean() === true ? dropIns : [...own, ...dropIns];
    });
}

function unitName(member: JsonMember): string {
  const name = member.at('name').text() ?? '';
  if (!/^[^/]+$/.test(name)) throw member.at('name').error('expected a file name');
  return name;
}

function textFile(path: string, member: JsonMember): readonly Entry[] {
  const contents = member.at('contents').text();
  if (contents === undefined) return [];
  return [[path, { mode: DEFAULT_MODE, read: () => Buffer.from(contents, 'utf8') }]];
}

function contentOf(machineConfig: string, file: JsonMember): Buffer {
  const append = file.at('append');
  if (append.value === true || append.list().length > 0) {
    throw append.error('the machine-config-operator does not append, and neither do we');
  }
  const source = file.at('contents', 'source');
  const url = source.text();
  if (url === undefined || url === '') return Buffer.alloc(0);
  const compression = file.at('contents', 'compression').text() ?? '';
  const contentError = (what: string, cause?: unknown): MachineConfigError => {
    const message = `${source.place}: ${what}`;
    return new MachineConfigError('ERR_MACHINE_CONFIG_CONTENT', machineConfig, message, { cause });
  };
  try {
    const bytes = decodeDataUrl(url);
    if (compression === '' && bytes.length <= CONTENT_LIMIT_BYTES) return bytes;
    if (compression === '') throw contentError(`larger than ${CONTENT_LIMIT_BYTES} bytes`);
    if (compression === 'gzip') return gunzipSync(bytes, { maxOutputLength: CONTENT_LIMIT_BYTES });
  } catch (cause) {
    if (cause instanceof MachineConfigError) throw cause;
    const what = cause instanceof DataUrlError ? cause.message : `not gzip (${messageOf(cause)})`;
    throw contentError(what, cause);
  }
  throw file.at('contents', 'compression').error('expected "" or gzip');
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the file, which may hold secrets.
    throw new MachineConfigError('ERR_MACHINE_CONFIG_SYNTAX', path, 'expected JSON');
  }
}

import { posix } from 'node:path';
import { messageOf } from '../shared/errors.ts';
import { parseYaml, YamlError, type YamlValue } from '../shared/trust/yaml.ts';
import { ContentError } from './content-error.ts';
import { walkedFiles } from './folder-files.ts';
import type { Host } from './host.ts';
import { readServiceCommand, type ServiceCommand } from './service-command.ts';

export const KUBELET_CONFIG: string = '/etc/kubernetes/kubelet.conf';
const UNIT = 'kubelet.service';

/** A KubeletConfiguration that kubelet could not read either. */
export class KubeletConfigError extends ContentError<'ERR_KUBELET_SYNTAX'> {}

/** Value of a setting and what decides it: a file, or a flag of the unit. */
export interface KubeletSetting<T> {
  readonly from: string;
  readonly value: T;
}

/** What kubelet is told; a setting that nobody sets is undefined and has kubelet's default. */
export interface KubeletConfig {
  readonly seccompDefault: boolean | undefined;
  readonly anonymous: KubeletSetting<boolean> | undefined;
  readonly authorizationMode: KubeletSetting<string> | undefined;
  readonly readOnlyPort: KubeletSetting<number> | undefined;
  readonly tlsMinVersion: KubeletSetting<string> | undefined;
  readonly tlsCipherSuites: KubeletSetting<readonly string[]> | undefined;
}

/**
 * The configuration of kubelet: KubeletConfiguration in YAML or JSON, the drop-ins of `--config-dir` in order of
 * their names, folders in it too, then flags, which overrule both. Undefined where there is no kubelet. Throws
 * `KubeletConfigError` and `HostError`.
 */
export async function readKubeletConfig(host: Host): Promise<KubeletConfig | undefined> {
  const command = await readServiceCommand(host, UNIT);
  const unread = command?.environment.unread;
  if (unread !== undefined) throw unread;
  const flags = flagsOf(command?.words ?? []);
  const main = flags.get('config')?.value ?? KUBELET_CONFIG;
  const path = main.startsWith('/') ? main : KUBELET_CONFIG;
  const text = await host.readText(path);
  if (text === undefined) return undefined;
  const isGiven = flags.has('config') || !runsKubelet(command);
  const documents = [
    ...(isGiven ? [read(path, text)] : []),
    ...(await readDropIns(host, flags.get('config-dir')?.value ?? '')),
  ];
  return isGiven ? configOf(documents, flags) : laxUnlessSet(configOf(documents, flags));
}

/** True where the command is wholly known and is that of kubelet: then what it does not name is not read. */
function runsKubelet(command: ServiceCommand | undefined): boolean {
  if (command === undefined) return false;
  const { words, environment } = command;
  const isKnown = environment.problems.length === 0 && environment.undecided.size === 0;
  return isKnown && words.some((word) => posix.basename(word) === 'kubelet');
}

/** As kubelet's own `applyLegacyDefaults` has it for a start without a file. */
function laxUnlessSet(config: KubeletConfig): KubeletConfig {
  const from = `${UNIT} without --config`;
  return {
    ...config,
    anonymous: config.anonymous ?? { from, value: true },
    authorizationMode: config.authorizationMode ?? { from, value: 'AlwaysAllow' },
    readOnlyPort: config.readOnlyPort ?? { from, value: 10255 },
  };
}

async function readDropIns(host: Host, folder: string): Promise<readonly KubeletDocument[]> {
  if (!folder.startsWith('/')) return [];
  // Through a link in its place kubelet does not go, unless a slash at the end asks for it.
  const isLink = !folder.endsWith('/') && (await host.lstat(folder))?.kind === 'link';
  if (isLink) return [];
  const documents: KubeletDocument[] = [];
  for (const path of await walkedFiles(host, posix.resolve(folder))) {
    if (!path.endsWith('.conf')) continue;
    const text = await host.readText(path);
    if (text !== undefined) documents.push(read(path, text));
  }
  return documents;
}

type Flags = ReadonlyMap<string, KubeletSetting<string>>;

/** Flags of the command, `--name=value` or `--name value`, with `_` for `-` too; a switch without a value is `true`. */
function flagsOf(words: readonly string[]): Flags {
  const flags = new Map<string, KubeletSetting<string>>();
  for (const [index, word] of words.entries()) {
    const [, written, value] = /^--?([a-z][a-z0-9_-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const next = words[index + 1];
    if (written === undefined) continue;
    const name = written.replaceAll('_', '-');
    const follows = next === undefined || next.startsWith('-') ? 'true' : next;
    flags.set(name, { from: `--${name} of ${UNIT}`, value: value ?? follows });
  }
  return flags;
}

interface KubeletDocument {
  readonly path: string;
  readonly root: YamlValue | undefined;
}

function read(path: string, text: string): KubeletDocument {
  return { path, root: understood(path, () => parseYaml(text)) };
}

function understood<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    if (!(cause instanceof YamlError)) throw cause;
    throw new KubeletConfigError('ERR_KUBELET_SYNTAX', path, messageOf(cause), { cause });
  }
}

function configOf(documents: readonly KubeletDocument[], flags: Flags): KubeletConfig {
  /** What the last document that has the member says. */
  const member = <T>(
    names: readonly string[],
    as: (value: YamlValue) => T | undefined,
  ): KubeletSetting<T> | undefined => {
    for (const { path, root } of documents.toReversed()) {
      const value = understood(path, () => {
        const found = names.reduce<YamlValue | undefined>(
          (at, name) => (at === undefined || at.isNull ? undefined : at.fields().get(name)),
          root,
        );
        return found === undefined || found.isNull ? undefined : as(found);
      });
      if (value !== undefined) return { from: path, value };
    }
    return undefined;
  };
  const flag = <T>(name: string, as: (text: string) => T): KubeletSetting<T> | undefined => {
    const found = flags.get(name);
    return found && { from: found.from, value: as(found.value) };
  };
  const isTrue = (text: string): boolean => /^(?:1|t|true)$/i.test(text);
  const list = (text: string): readonly string[] => text.split(',').map((item) => item.trim());
  const seccompDefault =
    flag('seccomp-default', isTrue) ?? member(['seccompDefault'], (value) => value.boolean());
  return {
    seccompDefault: seccompDefault?.value,
    anonymous:
      flag('anonymous-auth', isTrue) ??
      member(['authentication', 'anonymous', 'enabled'], (value) => value.boolean()),
    authorizationMode:
      flag('authorization-mode', (text) => text) ??
      member(['authorization', 'mode'], (value) => value.text() || undefined),
    readOnlyPort: flag('read-only-port', Number) ?? member(['readOnlyPort'], port),
    tlsMinVersion:
      flag('tls-min-version', (text) => text) ??
      member(['tlsMinVersion'], (value) => value.text() || undefined),
    tlsCipherSuites: flag('tls-cipher-suites', list) ?? member(['tlsCipherSuites'], suites),
  };
}

function port(value: YamlValue): number {
  const number = Number(value.text());
  if (!Number.isInteger(number)) throw value.error('expected a whole number');
  return number;
}

/** An empty list leaves the default, as one that is not there. */
function suites(value: YamlValue): readonly string[] | undefined {
  const names = value.items().map((item) => item.text() ?? '');
  return names.length === 0 ? undefined : names;
}

import { messageOf } from '../shared/errors.ts';
import { parseYaml, YamlError, type YamlValue } from '../shared/trust/yaml.ts';
import { ContentError } from './content-error.ts';
import type { Host } from './host.ts';
import { readServiceUnit } from './unit-files.ts';

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
 * their names, then flags, which overrule both. Undefined where there is no kubelet. Throws `KubeletConfigError`.
 */
export async function readKubeletConfig(host: Host): Promise<KubeletConfig | undefined> {
  const flags = await readFlags(host);
  const main = flags.get('config')?.value ?? KUBELET_CONFIG;
  const path = main.startsWith('/') ? main : KUBELET_CONFIG;
  const text = await host.readText(path);
  if (text === undefined) return undefined;
  const documents = [read(path, text)];
  const folder = flags.get('config-dir')?.value;
  for (const name of (folder?.startsWith('/') && (await host.list(folder))) || []) {
    const dropIn = `${folder}/${name}`;
    const more = name.endsWith('.conf') ? await host.readText(dropIn) : undefined;
    if (more !== undefined) documents.push(read(dropIn, more));
  }
  return configOf(documents, flags);
}

type Flags = ReadonlyMap<string, KubeletSetting<string>>;

/** Flags of the command, `--name=value` or `--name value`; a switch without a value is `true`. */
async function readFlags(host: Host): Promise<Flags> {
  const unit = await readServiceUnit(host, UNIT);
  const flags = new Map<string, KubeletSetting<string>>();
  const command = unit?.command ?? [];
  for (const [index, word] of command.entries()) {
    const [, name, value] = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const next = command[index + 1];
    if (name === undefined) continue;
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

import { messageOf } from '../shared/errors.ts';
import { parseYaml, YamlError } from '../shared/trust/yaml.ts';
import { ContentError } from './content-error.ts';
import type { Host } from './host.ts';

export const KUBELET_CONFIG: string = '/etc/kubernetes/kubelet.conf';

/** A KubeletConfiguration that kubelet could not read either. */
export class KubeletConfigError extends ContentError<'ERR_KUBELET_SYNTAX'> {}

export interface KubeletConfig {
  readonly seccompDefault: boolean | undefined;
}

/** The KubeletConfiguration of this node, YAML or JSON; undefined where there is no kubelet. */
export async function readKubeletConfig(host: Host): Promise<KubeletConfig | undefined> {
  const text = await host.readText(KUBELET_CONFIG);
  if (text === undefined) return undefined;
  try {
    const members = parseYaml(text)?.fields();
    return { seccompDefault: members?.get('seccompDefault')?.boolean() };
  } catch (cause) {
    if (!(cause instanceof YamlError)) throw cause;
    throw new KubeletConfigError('ERR_KUBELET_SYNTAX', KUBELET_CONFIG, messageOf(cause), { cause });
  }
}

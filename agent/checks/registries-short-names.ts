import { SHORT_NAME_MODES } from '../../shared/trust/registries-conf-file.ts';
import type { Statement } from '../check.ts';
import { crioText, readCrioConfig } from '../crio-config.ts';
import type { Host } from '../host.ts';
import type { ProfileValues } from '../profile-values.ts';
import type { NodeRegistriesConf } from '../registries-conf.ts';
import { notRead } from './registries-lookaside.ts';
import { isCovered } from './registries-places.ts';

/** Registries where everybody can publish under a name of his own. */
const PUBLIC_HOSTS: ReadonlySet<string> = new Set([
  ...['docker.io', 'registry-1.docker.io', 'index.docker.io', 'quay.io', 'ghcr.io', 'gcr.io'],
  ...['public.ecr.aws', 'registry.gitlab.com', 'registry.fedoraproject.org'],
  ...['registry.centos.org', 'mcr.microsoft.com', 'registry.k8s.io'],
]);

/**
 * What the rule `registries.short-names` says: `ubi9` means the same image whoever answers first. CRI-O goes by its own
 * mode where it has one.
 */
export async function shortNames(
  host: Host,
  { path, conf }: NodeRegistriesConf,
  { allowedRegistries }: ProfileValues,
): Promise<Statement> {
  if (conf === undefined) return notRead(path);
  const config = await readCrioConfig(host);
  const setting = config && crioText(config, 'crio', 'image', 'short_name_mode');
  const crioMode = SHORT_NAME_MODES.find((mode) => mode === setting?.value);
  const mode = crioMode ?? conf.shortNameMode;
  const hosts = conf.unqualifiedSearchRegistries;
  const observed = { mode, crio: setting?.value ?? null, hosts: hosts.join(' ') };
  if (mode !== 'permissive') {
    const by = crioMode === undefined ? path : (setting?.path ?? path);
    const message = `short names are ${mode === 'disabled' ? 'refused' : 'never guessed'} (${mode} in ${by})`;
    return { result: 'pass', message, observed };
  }
  const isTrusted = (name: string): boolean =>
    allowedRegistries.length > 0 ? isCovered(allowedRegistries, name) : !PUBLIC_HOSTS.has(name);
  const open = hosts.find((name) => !isTrusted(name));
  if (open !== undefined) {
    const message = `a short name that no alias knows is looked for at ${open}, where others can publish`;
    return { result: 'fail', reason: 'public-host', message, observed };
  }
  const message =
    hosts.length === 0
      ? 'short names lead to no registry'
      : `short names are looked for at ${hosts.join(', ')} alone`;
  return { result: 'pass', message, observed };
}

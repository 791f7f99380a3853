import type { SettingsFormat } from './settings.ts';

/**
 * What a file is read as when it changed. Of files whose values are `shown` an event says them; of others it names
 * the settings alone, because a value may be a secret: an address of a proxy with its password, a header, a key.
 */
export type FileFormat =
  | { readonly kind: 'policy' }
  | { readonly kind: 'keys' }
  | { readonly kind: 'settings'; readonly format: SettingsFormat; readonly shown: boolean };

const settings = (format: SettingsFormat, shown: boolean): FileFormat => ({
  kind: 'settings',
  format,
  shown,
});

/** The first that fits counts. */
const FORMATS: readonly (readonly [path: RegExp, format: FileFormat])[] = [
  [/^(?:\/etc|\/usr\/share|\/root\/\.config)\/containers\/policy\.json$/, { kind: 'policy' }],
  [/^\/etc\/crio\/policies\/[^/]+\.json$/, { kind: 'policy' }],
  [/\/containers\/registries\.d\/[^/]+\.yaml$/, settings('yaml', true)],
  [/\/containers\/registries\.conf$/, settings('toml', true)],
  [/\/containers\/registries\.conf\.d\/[^/]+\.conf$/, settings('toml', true)],
  [/\/containers\/storage\.conf$/, settings('toml', true)],
  [/\/containers\/containers\.conf(?:\.d\/[^/]+\.conf)?$/, settings('toml', false)],
  [/^\/etc\/crio\/crio\.conf(?:\.d\/.+)?$/, settings('toml', false)],
  [/^\/etc\/kubernetes\/kubelet\.conf$/, settings('yaml', false)],
  [/^\/etc\/kubernetes\/manifests\/[^/]+\.(?:yaml|json)$/, settings('yaml', false)],
  [/^\/etc\/cni\/net\.d\/[^/]+\.(?:conf|conflist|json)$/, settings('yaml', false)],
  [/^\/etc\/selinux\/config$/, settings('lines', true)],
  [/^\/etc\/sysctl\.d\/[^/]+\.conf$/, settings('lines', true)],
  [/^\/etc\/pki\/(?:rpm-gpg|sigstore|ca-trust\/source\/anchors)\//, { kind: 'keys' }],
  [/^\/etc\/containers\/certs\.d\/.+\.(?:crt|cert)$/, { kind: 'keys' }],
];

/** How to read this file; undefined for one of which a change is told without what it means. */
export function formatOf(path: string): FileFormat | undefined {
  return FORMATS.find(([pattern]) => pattern.test(path))?.[1];
}

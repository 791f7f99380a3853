import type { Json } from '../shared/canonical.ts';
import type { Items } from '../shared/report.ts';
import type { NodePolicy, NodeTrust, PolicyFile } from './trust.ts';

/**
 * The section `trust` of a report, and what `trust show` prints. Items: `policy` (with all its scopes),
 * `registriesD` and one `registriesD <scope>` for each scope, `registriesConf`, `key <path>`, `crioPolicy`, `namespacePolicy <path>`.
 */
export function describeTrust(trust: NodeTrust): Items {
  const { policy, registriesD, crio } = trust;
  const items = new Map<string, Json>([['policy', describePolicy(policy)]]);
  const { registries, ...folder } = registriesD;
  const { conf, ...main } = trust.registriesConf;
  items.set('registriesD', {
    ...plain(folder),
    default: registries?.defaultDocker === undefined ? undefined : plain(registries.defaultDocker),
    warnings: registries?.warnings.map(plain),
  });
  for (const [scope, section] of registries?.docker ?? []) {
    items.set(`registriesD ${scope}`, { scope, ...plain(section) });
  }
  items.set('registriesConf', {
    ...plain(main),
    registries: [...(conf?.registries.values() ?? [])].map(plain),
  });
  for (const { bytes: _, ...file } of trust.keyFiles.values()) {
    items.set(`key ${file.path}`, plain(file));
  }
  const { signaturePolicy, namespacePolicies } = crio;
  if (signaturePolicy !== undefined)
    items.set('crioPolicy', plain(withoutContent(signaturePolicy)));
  for (const file of namespacePolicies) {
    items.set(`namespacePolicy ${file.path}`, plain(withoutContent(file)));
  }
  return items;
}

function describePolicy({ policy, ...file }: NodePolicy): Json {
  if (policy === undefined) return plain(file);
  const scopes = [...policy.transports].flatMap(([transport, scopes]) =>
    [...scopes].map(([scope, requirements]) => ({ transport, scope, requirements })),
  );
  return { ...plain(file), default: policy.default.map(plain), scopes: scopes.map(plain) };
}

function withoutContent({ policy: _, ...file }: PolicyFile): object {
  return file;
}

function plain(value: object): { readonly [name: string]: Json } {
  return value as { readonly [name: string]: Json }; // plain data of our own types: no Map, no function, no bytes
}

import { counted } from '../../shared/counted.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import { parseReference, type Reference } from '../../shared/trust/reference.ts';
import { lookupRegistriesD, type RegistriesD } from '../../shared/trust/registries-d.ts';
import type { RegistriesDSection } from '../../shared/trust/registries-d-file.ts';
import { findScope } from '../../shared/trust/scope.ts';
import type { Statement } from '../check.ts';
import type { DesiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';

/** Scopes of Red Hat, and the hosts that serve their signatures. */
const RED_HAT_SCOPE = /^registry\.(?:access\.redhat\.com|redhat\.io)(?:\/|$)/;
const RED_HAT_REGISTRIES = ['registry.access.redhat.com', 'registry.redhat.io'];
const RED_HAT_HOSTS: ReadonlySet<string> = new Set([
  'access.redhat.com',
  'registry.redhat.io',
  'registry.access.redhat.com',
]);

/** What the rule `registries.lookaside-urls` says of every address signatures are read from. */
export async function lookasideUrls(
  host: Host,
  { registriesD, policy: { policy, path: policyPath } }: NodeTrust,
  desired: DesiredState,
): Promise<Statement | readonly Statement[]> {
  const { registries, path: folder } = registriesD;
  if (policy === undefined) {
    const hasNone = registries?.docker.size === 0 && registries.defaultDocker === undefined;
    return hasNone ? noAddress(folder) : notRead(policyPath);
  }
  if (!asksForSimpleSignatures(policy)) {
    const message =
      'no scope of the policy asks for simple signatures, so no address of them is used';
    return { result: 'notapplicable', reason: 'no-signed-scope', message };
  }
  if (registries === undefined) return notRead(folder);
  const sections = [
    ...(registries.defaultDocker ? [['default-docker', registries.defaultDocker] as const] : []),
    ...registries.docker,
  ];
  const read = sections.flatMap(([scope, section]) => {
    const url = section.lookaside ?? section.sigstore;
    return url === undefined ? [] : [{ scope, section, url }];
  });
  const missing = missingOfRedHat(policy, registries, folder);
  if (read.length === 0 && missing.length === 0) {
    return noAddress(folder);
  }
  const elsewhere = await redHatElsewhere(host, policy, registries, { folder, desired });
  const faults: Statement[] = [...missing, ...elsewhere];
  for (const { scope, section, url } of read) {
    const fault = addressFault(scope, url);
    if (fault === undefined) continue;
    const isApproved =
      (fault.reason === 'other-host' || fault.reason === 'file') &&
      (await isRolledOut(host, desired, folder, section));
    if (!isApproved) faults.push({ subject: scope, ...fault, observed: { url: printable(url) } });
  }
  if (faults.length > 0) return faults;
  const those = counted(read.length, 'address of signatures is', 'addresses of signatures are');
  const message = `${those} https, or approved files of the node`;
  return { result: 'pass', message, observed: { addresses: read.length } };
}

function addressFault(scope: string, url: string): Statement | undefined {
  const address = URL.parse(url);
  const shown = printable(url);
  if (address === null || !['https:', 'http:', 'file:'].includes(address.protocol)) {
    const message = `signatures of ${scope} are looked for at ${shown}, expected an https address`;
    return { result: 'fail', reason: 'scheme', message };
  }
  if (address.protocol === 'http:') {
    const message = `signatures of ${scope} are fetched without TLS from ${shown}`;
    return { result: 'fail', reason: 'http', message };
  }
  if (address.protocol === 'file:' && !RED_HAT_SCOPE.test(scope)) {
    const message = `signatures of ${scope} are read from ${shown}, and nobody rolled that out`;
    return { result: 'fail', reason: 'file', message };
  }
  if (!RED_HAT_SCOPE.test(scope) || RED_HAT_HOSTS.has(address.hostname)) return undefined;
  const message = `signatures of ${scope} are fetched from ${shown}, which is not Red Hat’s`;
  return { result: 'fail', reason: 'other-host', message };
}

function asksForSimpleSignatures(policy: Policy): boolean {
  const scopes = [...(policy.transports.get('docker')?.values() ?? [])];
  return [policy.default, ...scopes].flat().some(({ type }) => type === 'signedBy');
}

/** Without an address for Red Hat's signatures those that the policy asks for are not found. */
function missingOfRedHat(
  policy: Policy,
  registries: RegistriesD,
  folder: string,
): readonly Statement[] {
  return signedOfRedHat(policy).flatMap(({ registry, image }): readonly Statement[] => {
    const isBelow = [...registries.docker.keys()].some((key) => key.startsWith(`${registry}/`));
    if (isBelow) return [];
    if (lookupRegistriesD(registries, image).lookaside.file !== undefined) return [];
    const message = `the policy asks for signatures of ${registry}, and ${folder} has no address of them`;
    return [{ subject: registry, result: 'fail', reason: 'missing', message }];
  });
}

/** Red Hat's signatures where nobody names a place for them but a section for other images, or for all, does. */
async function redHatElsewhere(
  host: Host,
  policy: Policy,
  registries: RegistriesD,
  { folder, desired }: { readonly folder: string; readonly desired: DesiredState },
): Promise<readonly Statement[]> {
  const faults: Statement[] = [];
  for (const { registry: subject, image } of signedOfRedHat(policy)) {
    const { base, scope, file } = lookupRegistriesD(registries, image).lookaside;
    // A section of its own is judged as one.
    if (scope === undefined || file === undefined || RED_HAT_SCOPE.test(scope)) continue;
    const fault = addressFault(subject, base);
    if (fault?.reason !== 'other-host') continue;
    if (await isRolledOut(host, desired, folder, { file })) continue;
    faults.push({ subject, ...fault, observed: { url: printable(base), scope } });
  }
  return faults;
}

interface RedHatImage {
  readonly registry: string;
  /** Some image of the registry. */
  readonly image: Reference;
}

/** Registries of Red Hat whose images have to have simple signatures. */
function signedOfRedHat(policy: Policy): readonly RedHatImage[] {
  const images = RED_HAT_REGISTRIES.map((registry) => ({
    registry,
    image: parseReference(`${registry}/any/image`),
  }));
  return images.filter(({ image }) => {
    const { requirements } = findScope(policy, 'docker', image.name);
    return requirements.some(({ type }) => type === 'signedBy');
  });
}

/** A mirror of Red Hat's signatures, or a folder of them, is right where it was rolled out or came with the system. */
async function isRolledOut(
  host: Host,
  desired: DesiredState,
  folder: string,
  { file }: Pick<RegistriesDSection, 'file'>,
): Promise<boolean> {
  const inspected = await inspectFile(host, desired, `${folder}/${file}`);
  return inspected.class === 'managed' || inspected.class === 'vendor';
}

/** An address without the password somebody may have written into it. */
function printable(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//…@');
}

function noAddress(folder: string): Statement {
  const message = `${folder} names no address of signatures`;
  return { result: 'notapplicable', reason: 'no-lookaside', message };
}

/** The statement of a rule about a file that another rule calls unreadable or wrong. */
export function notRead(path: string): Statement {
  const message = `${path} could not be read, so nothing can be said of what it decides`;
  return { result: 'unknown', reason: 'not-read', message };
}

import type { RegistriesDSection } from '../../shared/trust/registries-d-file.ts';
import type { Statement } from '../check.ts';
import type { DesiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';

/** Scopes of Red Hat, and the hosts that serve their signatures. */
const RED_HAT_SCOPE = /^registry\.(?:access\.redhat\.com|redhat\.io)(?:\/|$)/;
const RED_HAT_HOSTS: ReadonlySet<string> = new Set([
  'access.redhat.com',
  'registry.redhat.io',
  'registry.access.redhat.com',
]);

/** What the rule `registries.lookaside-urls` says of every address signatures are read from. */
export async function lookasideUrls(
  host: Host,
  { registriesD }: NodeTrust,
  desired: DesiredState,
): Promise<Statement | readonly Statement[]> {
  const { registries, path: folder } = registriesD;
  if (registries === undefined) return notRead(folder);
  const sections = [
    ...(registries.defaultDocker ? [['default-docker', registries.defaultDocker] as const] : []),
    ...registries.docker,
  ];
  const read = sections.flatMap(([scope, section]) => {
    const url = section.lookaside ?? section.sigstore;
    return url === undefined ? [] : [{ scope, section, url }];
  });
  if (read.length === 0) {
    const message = `${folder} names no address of signatures`;
    return { result: 'notapplicable', reason: 'no-lookaside', message };
  }
  const faults: Statement[] = [];
  for (const { scope, section, url } of read) {
    const fault = addressFault(scope, url);
    if (fault === undefined) continue;
    const isApproved =
      fault.reason === 'other-host' && (await isManaged(host, desired, folder, section));
    if (!isApproved) faults.push({ subject: scope, ...fault, observed: { url: printable(url) } });
  }
  if (faults.length > 0) return faults;
  const message = `${read.length} addresses of signatures are https, or files of the node`;
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
  if (!RED_HAT_SCOPE.test(scope) || RED_HAT_HOSTS.has(address.hostname)) return undefined;
  const message = `signatures of ${scope} are fetched from ${shown}, which is not Red Hat’s`;
  return { result: 'fail', reason: 'other-host', message };
}

/** A mirror of Red Hat's signatures is right where it was rolled out. */
async function isManaged(
  host: Host,
  desired: DesiredState,
  folder: string,
  { file }: RegistriesDSection,
): Promise<boolean> {
  return (await inspectFile(host, desired, `${folder}/${file}`)).class === 'managed';
}

/** An address without the password somebody may have written into it. */
function printable(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//…@');
}

/** The statement of a rule about a file that another rule calls unreadable or wrong. */
export function notRead(path: string): Statement {
  const message = `${path} could not be read, so nothing can be said of its addresses`;
  return { result: 'unknown', reason: 'not-read', message };
}

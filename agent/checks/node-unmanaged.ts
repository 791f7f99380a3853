import { counted } from '../../shared/counted.ts';
import { type Statement, whereReadable } from '../check.ts';
import type { DesiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import { canTellVendor, tooManyIn } from '../survey.ts';
import { isTrustPath } from '../trust-places.ts';
import { watchedFiles, watchedFolders } from '../watched-places.ts';
import { duringUpdate, unlessKnown } from './drift.ts';

/**
 * What the platform itself writes on a node while it runs, known to no MachineConfig: static pods of the control plane
 * by its installer, addresses and names of the node by its services, and what FIPS mode makes of crypto policies.
 */
const OF_THE_PLATFORM: readonly RegExp[] = [
  /^\/etc\/kubernetes\/manifests\/(?:etcd|kube-apiserver|kube-controller-manager|kube-scheduler|openshift-kube-scheduler|kube-apiserver-startup-monitor)-pod\.yaml$/,
  /^\/etc\/systemd\/system\/(?:kubelet|crio)\.service\.d\/20-nodenet\.conf$/,
  /^\/etc\/systemd\/system\/kubelet\.service\.d\/20-(?:aws-node-name|aws-providerid|openstack-node-name)\.conf$/,
  /^\/etc\/crypto-policies\/(?:config|state\/.+|back-ends\/.+)$/,
];

/** Files in watched places that nobody is known to have brought; those of the trust configuration are another rule's. */
export async function unmanagedFiles(
  host: Host,
  desired: DesiredState,
): Promise<Statement | readonly Statement[]> {
  const untold = unlessKnown(desired);
  if (untold !== undefined) return untold;
  if (!(await canTellVendor(host, desired))) {
    const message =
      'nothing here tells which files the operating system brought, and no baseline says which were accepted';
    return { result: 'notchecked', reason: 'no-baseline', message };
  }
  const managed = new Set(desired.paths);
  const found: Statement[] = [];
  let [known, platform] = [0, 0];
  const { files, problems } = await placesOf(host);
  for (const subject of files) {
    known++;
    const statement = managed.has(subject) ? undefined : await unmanaged(host, desired, subject);
    if (statement === undefined) continue;
    if (OF_THE_PLATFORM.some((pattern) => pattern.test(subject))) platform++;
    else found.push(duringUpdate(statement, desired));
  }
  if (problems.length + found.length > 0) return [...problems, ...found];
  const message = `none of ${counted(known, 'file')} where the node is configured is unknown, ${platform} of them written by the platform as it runs`;
  return { result: 'pass', message, observed: { unmanaged: 0, platform } };
}

/** The files there are, and a statement for each folder whose files cannot be told. */
async function placesOf(
  host: Host,
): Promise<{ readonly files: readonly string[]; readonly problems: readonly Statement[] }> {
  const problems: Statement[] = [];
  const files = new Set<string>();
  for (const path of watchedFiles) {
    if ((await whereReadable(host.lstat(path))) !== undefined) files.add(path);
  }
  for (const folder of await watchedFolders(host)) {
    if (folder.namesOnly) continue;
    const { path: subject, problem, tooMany } = folder;
    if (problem !== undefined) {
      const { reason, message } = problem;
      problems.push({ subject, result: 'error', reason, message });
    }
    if (tooMany !== undefined) {
      const observed = { files: tooMany };
      const message = tooManyIn(folder);
      problems.push({ subject, result: 'fail', reason: 'too-many', message, observed });
    }
    for (const path of folder.files) if (!isTrustPath(path)) files.add(path);
  }
  return { files: [...files], problems };
}

async function unmanaged(
  host: Host,
  desired: DesiredState,
  subject: string,
): Promise<Statement | undefined> {
  const { sha256, class: kind, reason = 'unknown' } = await inspectFile(host, desired, subject);
  if (kind === 'vendor' || kind === 'managed') return undefined;
  const observed = { sha256 };
  if (kind === 'unknown') {
    const message = `${subject} is managed by nobody known, and cannot be read here (${reason})`;
    return { subject, result: 'error', reason, message, observed };
  }
  const isModified = kind === 'vendor-modified';
  const what = isModified ? 'was changed since the operating system brought it' : 'is there';
  const message = `${subject} ${what}, and neither MachineConfig nor baseline knows it`;
  return {
    subject,
    result: 'fail',
    reason: isModified ? 'vendor-modified' : 'unmanaged',
    message,
    observed,
  };
}

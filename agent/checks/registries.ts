import { counted } from '../../shared/counted.ts';
import type { Finding } from '../../shared/findings.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { type DesiredState, desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import { inspectFile } from '../files.ts';
import { type Host, isReadingReason } from '../host.ts';
import { tooManyIn } from '../survey.ts';
import { type NodeTrust, readNodeTrust } from '../trust.ts';
import { REGISTRIES_D, trustFolders, trustWatches } from '../trust-places.ts';
import { policiesIn } from '../trust-policies.ts';
import { readOsRelease } from '../versions.ts';
import { driftOf, duringUpdate, unlessKnown } from './drift.ts';
import { withMeaning } from './drift-meaning.ts';
import { allowedEffective } from './registries-allowed.ts';
import { policyCoherence } from './registries-coherence.ts';
import { insecureRegistries } from './registries-insecure.ts';
import { lookasideUrls } from './registries-lookaside.ts';
import { mirrors } from './registries-mirrors.ts';
import { shortNames } from './registries-short-names.ts';
import * as rules from './rules/registries.ts';

/** Where signatures are looked for, and that nobody put a file of his own beside the managed ones. */
export const registries: Check = {
  id: 'registries',
  title: 'Signatures are looked for where they should be',
  rules: [
    rules.lookasideValid,
    rules.lookasideManaged,
    rules.lookasideUrls,
    rules.policyCoherence,
    rules.insecure,
    rules.unmanagedFiles,
    rules.allowedEffective,
    rules.shortNames,
    rules.mirrors,
  ],
  watches: [...trustWatches, MACHINE_CONFIG_FOLDER],
  run,
};

async function run(
  { host, baseline, values }: CheckContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const trust = await readNodeTrust(host);
  const policies = policiesIn(trust);
  const desired = await desiredState(host, baseline);
  const { registriesConf: conf } = trust;
  signal.throwIfAborted();
  return [
    ...(await ask(rules.lookasideValid, () => lookasideValid(host, trust))),
    ...(await ask(rules.lookasideManaged, () => lookasideManaged(host, desired))),
    ...(await ask(rules.lookasideUrls, () => lookasideUrls(host, trust, desired))),
    ...(await ask(rules.policyCoherence, async () => policyCoherence(trust))),
    ...(await ask(rules.insecure, () => insecureRegistries(host, trust))),
    ...(await ask(rules.unmanagedFiles, () => unmanagedFiles(host, desired))),
    ...(await ask(rules.allowedEffective, async () => allowedEffective(policies, conf, values))),
    ...(await ask(rules.shortNames, () => shortNames(host, conf, values))),
    ...(await ask(rules.mirrors, async () => mirrors(conf, values))),
  ];
}

async function lookasideValid(
  host: Host,
  { registriesD }: NodeTrust,
): Promise<Statement | readonly Statement[]> {
  const { path: folder, problem, files, registries: parsed } = registriesD;
  if (problem !== undefined) {
    const { reason, message, path, line, column } = problem;
    const place = { path, ...(line && { line }), ...(column && { column }) };
    if (isReadingReason(reason)) return { result: 'error', reason, message, observed: place };
    const what = `${message}; every pull fails`;
    return { result: 'fail', severity: 'critical', reason, message: what, observed: place };
  }
  if ((await host.stat(folder)) === undefined) {
    const message = `${folder} does not exist, so no place of signatures is configured`;
    return { result: 'notapplicable', reason: 'no-registries-d', message };
  }
  const warnings = parsed?.warnings ?? [];
  if (warnings.length === 0) {
    const message = `${folder} is read whole`;
    return { result: 'pass', message, observed: { files: files.length } };
  }
  return warnings.map(({ file, path, message }): Statement => {
    const subject = `${folder}/${file}`;
    return {
      subject: path === '' ? subject : `${subject} ${path}`,
      result: 'fail',
      severity: 'medium',
      reason: path === '' ? 'ignored-file' : 'ignored-member',
      message: `${subject}: ${path === '' ? '' : `${path} `}${message}`,
    };
  });
}

async function lookasideManaged(
  host: Host,
  desired: DesiredState,
): Promise<Statement | readonly Statement[]> {
  if (desired.problem !== undefined) throw desired.problem;
  const paths = desired.paths.filter((path) => path.startsWith(`${REGISTRIES_D}/`));
  if (paths.length === 0) {
    const message = `no MachineConfig and no baseline says what ${REGISTRIES_D} should hold`;
    return { result: 'notchecked', reason: 'no-oracle', message };
  }
  const differing: Statement[] = [];
  for (const path of paths) {
    // A content of the MachineConfig that does not decode is an error that names it.
    const want = desired.file(path);
    const drift = driftOf(await inspectFile(host, desired, path));
    if (drift === undefined || drift.result === 'pass') continue;
    const told = await withMeaning(host, path, want, drift);
    differing.push({ subject: path, ...duringUpdate(told, desired) });
  }
  if (differing.length > 0) return differing;
  const message = `${counted(paths.length, 'file')} of ${REGISTRIES_D}, each as rolled out`;
  return { result: 'pass', message, observed: { files: paths.length } };
}

/** Files that packages bring on a system without its own copy of /etc; what is in them is not judged here. */
const PACKAGED: readonly RegExp[] = [
  /^\/etc\/containers\/registries\.d\/(?:default|registry\.access\.redhat\.com|registry\.redhat\.io)\.yaml$/,
  /^\/etc\/containers\/registries\.conf\.d\/\d\d\d-(?:rhel-)?shortnames(?:-overrides)?\.conf$/,
  /^\/etc\/containers\/certs\.d\/registry(?:\.access)?\.redhat\.(?:com|io)\/redhat-ca\.crt$/,
  /^\/etc\/crio\/crio\.conf\.d\/10-crio\.conf$/,
];

async function unmanagedFiles(
  host: Host,
  desired: DesiredState,
): Promise<Statement | readonly Statement[]> {
  const untold = unlessKnown(desired);
  if (untold !== undefined) return untold;
  const release = await whereReadable(readOsRelease(host));
  const isImage = release?.get('VARIANT_ID') === 'coreos';
  const managed = new Set(desired.paths);
  const found: Statement[] = [];
  let count = 0;
  for (const folder of await trustFolders(host)) {
    const { path, files, problem, tooMany } = folder;
    if (problem !== undefined) {
      const { reason, message } = problem;
      found.push({ subject: path, result: 'error', reason, message });
    }
    if (tooMany !== undefined) {
      const observed = { files: tooMany };
      const message = tooManyIn(folder);
      found.push({ subject: path, result: 'fail', reason: 'too-many', message, observed });
    }
    count += files.length;
    for (const subject of files.filter((path) => !managed.has(path))) {
      const file = await inspectFile(host, desired, subject);
      if (file.class === 'vendor') continue;
      if (!isImage && PACKAGED.some((pattern) => pattern.test(subject))) continue;
      const isModified = file.class === 'vendor-modified';
      const what = isModified ? 'was changed since the operating system brought it' : 'is there';
      const statement: Statement = {
        subject,
        result: 'fail',
        reason: isModified ? 'vendor-modified' : 'unmanaged',
        message: `${subject} ${what}, and neither MachineConfig nor baseline knows it`,
        observed: { sha256: file.sha256 },
      };
      found.push(duringUpdate(statement, desired));
    }
  }
  if (found.length > 0) return found;
  const message = `none of ${counted(count, 'file')} in folders of the trust configuration is unknown`;
  return { result: 'pass', message, observed: { unmanaged: 0 } };
}

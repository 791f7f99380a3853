import { sha256 } from '../../shared/canonical.ts';
import { ask, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { acceptedOf } from '../desired/baseline.ts';
import { type DesiredState, desiredState } from '../desired/desired.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import { driftOf } from './drift.ts';
import { localhostProfiles as rule } from './rules/seccomp.ts';
import { judgeProfile } from './seccomp-profile.ts';

/** Where kubelet looks for `localhostProfile` of a pod, and operators put theirs. */
export const LOCALHOST_PROFILES: string = '/var/lib/kubelet/seccomp';
/** Operators use `operator/<namespace>/<profile>`. */
const MAX_DEPTH = 5;
const MAX_FILES = 1000;

/** What the rule `seccomp.localhost-profiles` says, one statement a file. */
export async function localhostProfiles(
  context: CheckContext,
  signal: AbortSignal,
): Promise<readonly Statement[]> {
  const { host, baseline } = context;
  const { files, beyond } = await filesBelow(host, signal);
  if (files.length === 0 && beyond === undefined) {
    const message = `there is no profile in ${LOCALHOST_PROFILES}`;
    return [{ result: 'notapplicable', reason: 'no-profiles', message }];
  }
  const desired = await desiredState(host, baseline);
  const statements: Statement[] = [];
  for (const subject of files) {
    signal.throwIfAborted();
    const found = await ask(rule, () => judgeFile(context, desired, subject));
    statements.push(...found.map((statement) => ({ ...statement, subject })));
  }
  if (beyond !== undefined) {
    const message = `${beyond} was not looked at: more than ${MAX_FILES} files or ${MAX_DEPTH} folders deep`;
    statements.push({ subject: beyond, result: 'error', reason: 'too-many', message });
  }
  return statements;
}

async function judgeFile(
  { host, baseline }: CheckContext,
  desired: DesiredState,
  path: string,
): Promise<Statement> {
  const bytes = await host.readBytes(path);
  if (bytes === undefined) {
    const message = `${path} is a link that leads nowhere, expected a profile`;
    return { result: 'fail', reason: 'missing', message };
  }
  const seen = { sha256: sha256(bytes) };
  const judged = judgeProfile(path, bytes, seen);
  if (judged.result !== 'pass') return judged;
  const drift = desired.file(path) && driftOf(await inspectFile(host, desired, path));
  if (drift !== undefined) return drift.result === 'pass' ? judged : drift;
  if (baseline === undefined) {
    const message = `no MachineConfig and no baseline says whether ${path} is the profile it should be`;
    return {
      result: 'notchecked',
      reason: 'no-oracle',
      message,
      observed: judged.observed ?? seen,
    };
  }
  const accepted = acceptedOf(baseline, { ruleId: rule.id, subject: path });
  if (accepted?.['sha256'] === seen.sha256) return judged;
  const isNew = accepted === undefined;
  return {
    result: 'fail',
    reason: isNew ? 'new' : 'changed',
    message: isNew
      ? `${path} is no profile of the baseline`
      : `${path} has another content than the baseline accepted`,
    observed: judged.observed ?? seen,
    ...(isNew ? {} : { expected: { sha256: accepted['sha256'] ?? null } }),
  };
}

/** Every path that is no folder, sorted; `beyond` is the first place that is too far to look. */
async function filesBelow(
  host: Host,
  signal: AbortSignal,
): Promise<{ readonly files: readonly string[]; readonly beyond: string | undefined }> {
  const files: string[] = [];
  const folders: { readonly path: string; readonly depth: number }[] = [
    { path: LOCALHOST_PROFILES, depth: 0 },
  ];
  let beyond: string | undefined;
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    signal.throwIfAborted();
    const { path, depth } = folder;
    if (depth > MAX_DEPTH) {
      beyond ??= path;
      continue;
    }
    for (const name of (await host.list(path)) ?? []) {
      const below = `${path}/${name}`;
      // On CoreOS the folder of the operator is a link to its own place.
      if ((await kindOf(host, below)) === 'folder') folders.push({ path: below, depth: depth + 1 });
      else if (files.length >= MAX_FILES) return { files: files.sort(), beyond: below };
      else files.push(below);
    }
  }
  return { files: files.sort(), beyond };
}

/** A link in a circle is a file here: reading it says what it is. */
async function kindOf(host: Host, path: string): Promise<string | undefined> {
  const own = (await host.lstat(path))?.kind;
  return own === 'link' ? (await whereReadable(host.stat(path)))?.kind : own;
}

import type { Check, CheckContext } from '../../agent/check.ts';
import type { Baseline } from '../../agent/desired/baseline.ts';
import { openHost } from '../../agent/host.ts';
import { DEFAULT_VALUES, type ProfileValues } from '../../agent/profile-values.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Finding } from '../../shared/findings.ts';

/** Folders and files as `t.testdir` takes them. */
export interface Tree {
  readonly [name: string]: string | Buffer | Tree;
}

interface Folder {
  [name: string]: string | Buffer | Folder;
}

/** A tree of files by their absolute paths on the node; undefined leaves a file out. */
export function treeOf(files: Readonly<Record<string, string | Buffer | undefined>>): Tree {
  const root: Folder = {};
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue;
    const names = path.split('/').filter((name) => name !== '');
    const last = names.pop() ?? '';
    folderAt(root, names)[last] = content;
  }
  return root;
}

function folderAt(root: Folder, names: readonly string[]): Folder {
  let folder = root;
  for (const name of names) {
    const here = folder[name];
    const next = typeof here === 'object' && !Buffer.isBuffer(here) ? here : {};
    folder[name] = next;
    folder = next;
  }
  return folder;
}

/** What a check is run with on the node whose files lie under `root`. */
export function contextAt(
  root: string,
  baseline?: Baseline,
  values: Partial<ProfileValues> = {},
): CheckContext {
  return {
    host: openHost(root),
    clock: systemClock,
    baseline,
    values: { ...DEFAULT_VALUES, ...values },
  };
}

/** What a check says of the node under `root`, one line a finding: `<rule> <result> [<reason>] [@ <subject>]`. */
export async function say(
  check: Check,
  root: string,
  baseline?: Baseline,
  values: Partial<ProfileValues> = {},
): Promise<readonly string[]> {
  const findings = await check.run(contextAt(root, baseline, values), AbortSignal.timeout(20_000));
  return findings.map(lineOf);
}

/** The line of one finding in `say`. */
export function lineOf({ ruleId, result, reason, subject }: Finding): string {
  const words = [ruleId, result, ...(reason === undefined ? [] : [reason])];
  return [...words, ...(subject === undefined ? [] : ['@', subject])].join(' ');
}

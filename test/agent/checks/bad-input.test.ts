import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import t from 'tap';
import { fips } from '../../../agent/checks/fips.ts';
import { node } from '../../../agent/checks/node.ts';
import { registries } from '../../../agent/checks/registries.ts';
import { runtime } from '../../../agent/checks/runtime.ts';
import { seccomp } from '../../../agent/checks/seccomp.ts';
import { selinux } from '../../../agent/checks/selinux.ts';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { desiredState } from '../../../agent/desired/desired.ts';
import { acceptableFiles, surveyFiles } from '../../../agent/survey.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { PERMISSIONS, RULES_OF_FILES } from '../../support/rules-of-files.ts';
import {
  CRIO,
  ENTRY,
  LOCALHOST,
  NAMESPACE,
  NODE,
  REGISTRY,
  SELINUX_POLICY,
} from '../../support/sound-node.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

const CHECKS = [selinux, fips, seccomp, runtime, trustPolicy, registries, node];
/** What a profile asks for, so that no rule is without a question. */
const VALUES = {
  sysctls: { 'kernel.dmesg_restrict': ['1'] },
  kernelArguments: ['fips=1'],
  allowedRegistries: ['quay.io', 'registry.redhat.io', 'registry.access.redhat.com'],
  allowedMirrors: ['m.test'],
};
interface Kind {
  readonly make: (path: string) => void;
  /** Reason of the error where the file cannot be read at all. */
  readonly reason?: string;
  /** Only for files in a language with brackets. */
  readonly isNested?: true;
}

const DEPTH = 20_000;
const BRACKETS =
  /crio|registries\.conf|seccomp|kubelet|annotations|policy\.json|quay\.yaml|currentconfig|config\.json|storage\.conf/;
const KINDS: Readonly<Record<string, Kind>> = {
  absent: { make: () => {} },
  empty: { make: (path) => writeFileSync(path, '') },
  binary: { make: (path) => writeFileSync(path, Buffer.from([0, 1, 0xfe, 0xff, 0x0a, 0x80])) },
  'one endless line': { make: (path) => writeFileSync(path, 'x'.repeat(1_000_000)) },
  'nested deeply in lists': {
    make: (path) => writeFileSync(path, `a = ${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`),
    isNested: true,
  },
  'nested deeply in objects': {
    make: (path) => writeFileSync(path, '{"a":'.repeat(DEPTH)),
    isNested: true,
  },
  'a folder': { make: (path) => mkdirSync(path), reason: 'not-a-file' },
  'a fifo': { make: (path) => execFileSync('mkfifo', [path]), reason: 'not-a-file' },
  'a sparse file of 50 MB': {
    make: (path) => {
      writeFileSync(path, '');
      truncateSync(path, 50_000_000);
    },
    reason: 'too-large',
  },
  'a link to itself': {
    make: (path) => symlinkSync(basename(path), path),
    reason: 'link-loop',
  },
};

/** It looks at every file of the folders that configure the node, whatever it is. */
const EVERYWHERE = ['node.unmanaged-files'];

/** Answers that follow from another rule's error, and rules that judge a file by its kind. */
const CONSEQUENCES: readonly RegExp[] = [
  / unknown (?:no-policy|not-read)(?: @|$)/,
  / not-a-folder(?: @|$)/,
  /^trust\.policy-managed fail link$/,
  // Whatever it is that stands there, it is not what tells the version.
  /^runtime\.cgroup-version error not-visible$/,
  /^node\.file-permissions fail (?:link|not-a-file) /,
  /^fips\.crypto-policy-applied fail back-end$/,
  /^node\.mco-drift fail (?:missing|dangling-link|link) /,
  /^seccomp\.localhost-profiles notapplicable no-profiles$/,
];
const isRoot = process.getuid?.() === 0;
const FOLDERS = new Set(
  [ENTRY, CRIO, REGISTRY, SELINUX_POLICY, NAMESPACE, LOCALHOST].map((path) => dirname(path)),
);

/** What was accepted of this node: its keys, and the files that no MachineConfig brings. */
const accepted = contextAt(t.testdir(treeOf(NODE)));
const baseline = captureBaseline({
  findings: await trustPolicy.run(accepted, AbortSignal.timeout(10_000)),
  files: acceptableFiles(
    await surveyFiles(accepted.host, await desiredState(accepted.host, undefined)),
  ),
  acceptedAt: '2026-01-01T00:00:00Z',
  acceptedBy: 'admin',
});

const inOrder = await sayAll(t.testdir(treeOf(NODE)));

t.test('on a node in order every rule that can look passes', async (t) => {
  t.strictSame(
    inOrder.filter((line) => !/ pass( @|$)/.test(line)),
    ['selinux.file-labels notchecked no-xattr'],
  );
});

for (const [path, rules] of Object.entries(RULES_OF_FILES)) {
  t.test(`${path} touches only its own rules, however bad it is`, async (t) => {
    const root = t.testdir(treeOf(NODE));
    const file = root + path;
    renameSync(file, `${root}/kept`);
    for (const [kind, { make, reason, isNested }] of Object.entries(KINDS)) {
      if (isNested && !BRACKETS.test(path)) continue;
      make(file);
      for (const line of changes(inOrder, await sayAll(root))) {
        const isOwn = [...rules, ...EVERYWHERE].some((rule) => line.startsWith(`${rule} `));
        t.ok(isOwn && isRight(path, line, reason), `${kind}: ${line}`);
      }
      rmSync(file, { recursive: true, force: true });
    }
    if (alwaysPrivileged === false) {
      renameSync(`${root}/kept`, file);
      chmodSync(file, 0o000);
      for (const line of changes(inOrder, await asNobody(() => sayAll(root)))) {
        const isOwn = [...rules, ...EVERYWHERE].some((rule) => line.startsWith(`${rule} `));
        t.ok(isOwn && isRight(path, line, 'permission'), `unreadable: ${line}`);
      }
      chmodSync(file, 0o755);
    }
    t.ok(rules.every((rule) => inOrder.some((line) => line.startsWith(rule))));
  });
}

/** A file that cannot be read at all is an error with its reason, or what follows from one. */
function isRight(path: string, line: string, reason: string | undefined): boolean {
  if (reason === undefined || FOLDERS.has(path)) return true;
  if (CONSEQUENCES.some((one) => one.test(line))) return true;
  return line.split(' ').slice(1, 3).join(' ') === `error ${reason}`;
}

async function sayAll(root: string): Promise<readonly string[]> {
  const spoken = CHECKS.map((check) => say(check, root, baseline, VALUES));
  const lines = (await Promise.all(spoken)).flat();
  // Files of tests belong to whoever runs them.
  return isRoot ? lines : lines.filter((line) => !line.startsWith(PERMISSIONS));
}

function changes(before: readonly string[], after: readonly string[]): readonly string[] {
  return after.filter((line) => !before.includes(line));
}

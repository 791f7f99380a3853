import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../../agent/config.ts';
import { startAgent } from '../../../agent/daemon.ts';
import type { FindingItem } from '../../../shared/api.ts';
import { parseConfig } from '../../../shared/config.ts';
import type { RuleResult } from '../../../shared/findings.ts';
import { runCli } from '../../cli/fake-io.ts';
import { keptLog, type RunningAggregator, runAggregator } from '../../support/aggregator.ts';
import { until } from '../../support/link-node.ts';
import { PERMISSIONS, RULES_OF_FILES } from '../../support/rules-of-files.ts';
import { imageId, pulled } from '../../support/signed-images.ts';
import { NODE, SECRET } from '../../support/sound-node.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';

t.setTimeout(120_000);

const STORE = '/var/lib/containers/storage/overlay-images';
const MANIFEST = `${STORE}/${imageId('app')}/manifest`;
const KERNEL = {
  '/proc/sys/kernel/modules_disabled': '0\n',
  '/sys/kernel/security/lockdown': '[none] integrity confidentiality\n',
};
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  ...(NODE as Readonly<Record<string, string | Buffer>>),
  ...KERNEL,
  ...storeFiles([pulled({ seed: 'app', names: ['quay.io/team/app:v1'] })]),
};
/** The rules that look at each file; of some the default profile asks nothing, or only that they are there. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  ...RULES_OF_FILES,
  [SECRET]: [],
  '/proc/sys/kernel/dmesg_restrict': [],
  '/sys/fs/cgroup/cgroup.controllers': [],
  '/proc/sys/kernel/modules_disabled': ['lockdown.modules-disabled'],
  '/sys/kernel/security/lockdown': ['lockdown.mode'],
  [`${STORE}/images.json`]: ['images.store-readable', 'images.signature-valid'],
  [MANIFEST]: ['images.content-consistent', 'images.signature-valid'],
};

/** What can stand at the place of a file, made there from what it held. */
interface Kind {
  readonly name: string;
  readonly make: (path: string, held: string | Uint8Array) => void;
  /** Of what no file can be. */
  readonly isNever?: true;
}

/** Any three that follow on one another have one that no file can be. Some formats allow some: `check` is the judge. */
const KINDS: readonly Kind[] = [
  { name: 'a folder', make: (path) => mkdirSync(path), isNever: true },
  { name: '10 MB', make: (path) => sparse(path, 10_000_000) },
  { name: 'cut off', make: (path, held) => writeFileSync(path, held.slice(0, held.length / 2)) },
  { name: 'a fifo', make: (path) => execFileSync('mkfifo', [path]), isNever: true },
  { name: 'binary', make: (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1, 0x80])) },
  { name: 'brackets', make: (path) => writeFileSync(path, '{"a": ['.repeat(9_000)) },
  { name: 'a link to itself', make: (path) => symlinkSync(basename(path), path), isNever: true },
  { name: 'no bytes', make: (path) => writeFileSync(path, '') },
  {
    name: 'CRLF',
    make: (path, held) => writeFileSync(path, textOf(held).replaceAll('\n', '\r\n')),
  },
  { name: 'a link to a folder', make: (path) => symlinkSync('.', path), isNever: true },
  { name: 'a BOM', make: (path, held) => writeFileSync(path, `\ufeff${textOf(held)}`) },
  { name: 'all twice', make: (path, held) => writeFileSync(path, textOf(held).repeat(2)) },
];

/** Files that send no events, or lie where nothing is watched: they are seen when the agent is asked. */
const UNWATCHED = /^\/(?:proc|sys|run)\/|\/manifest$|\.mcdorig$|passwd$|os-release$/;
/** Answers about many files: one bad file among them changes the answer, and they are not told by its name. */
const OF_MANY = new Set([PERMISSIONS, 'node.mco-drift', 'node.unmanaged-files']);
/** What follows from the trust configuration, and what the agent says of itself. */
const FOLLOWS = /^(?:images|agent|exceptions)\./;

/** Each file is bad in so many ways, one after the other; all pairs are in `test/agent/checks/bad-input.test.ts`. */
const ROUNDS = 2;

const PATHS = Object.keys(RULES).filter((path) => FILES[path] !== undefined);
const CASES = [
  {
    name: 'what an administrator writes, seen by watching',
    paths: PATHS.filter((path) => !UNWATCHED.test(path)),
    isAsked: false,
  },
  {
    name: 'what the kernel and runtimes show, seen when asked',
    paths: PATHS.filter((path) => UNWATCHED.test(path)),
    isAsked: true,
  },
];

for (const { name, paths, isAsked } of CASES) {
  t.test(name, async (t) => {
    const folder = t.testdir({ root: {}, token: '' });
    const root = writeFiles(join(folder, 'root'), FILES);
    await using aggregator = await runAggregator(join(folder, 'aggregator'));
    await using agent = await agentIn(folder, aggregator);
    const look = async (): Promise<void> => {
      if (isAsked) await aggregator.post('/v1/nodes/node-1/rescan');
    };
    const before = await agreed(aggregator, root, look);
    t.ok(before.size > 50, `${before.size} findings`);

    for (const [number, group] of apart(paths).entries()) {
      const rules = new Set(group.flatMap((path) => RULES[path] ?? []));
      // Whole files come back as they were, with the time that they had.
      const kept = group.map((path, index) => {
        const place = join(folder, `${number}-${index}`);
        renameSync(join(root, path), place);
        return { place, path };
      });
      for (let round = 0; round < ROUNDS; round++) {
        const placed = group.map((path, index) => {
          const kind = KINDS[(round + index + number) % KINDS.length] as Kind;
          const at = join(root, path);
          rmSync(at, { recursive: true, force: true });
          kind.make(at, FILES[path] ?? '');
          return { path, kind };
        });
        const now = await agreed(aggregator, root, look);
        for (const { path, kind } of placed) {
          if (kind.isNever) t.ok(tellsOf(now, path), `${path}: ${kind.name}`);
        }
        const others = (said: Said): readonly string[] =>
          [...said.values()].flatMap(({ ruleId, result, subject }) =>
            rules.has(ruleId) || OF_MANY.has(ruleId) || FOLLOWS.test(ruleId)
              ? []
              : [`${ruleId} ${result} ${subject}`],
          );
        t.strictSame(others(now), others(before), `round ${round} of ${group[0]}: the others`);
      }
      for (const { place, path } of kept) {
        rmSync(join(root, path), { recursive: true, force: true });
        renameSync(place, join(root, path));
      }
      const after = await agreed(aggregator, root, look);
      t.strictSame([...after.keys()], [...before.keys()], `${group[0]}: right again`);
    }
    t.same(
      agent.log.lines.filter((line) => !line.startsWith('connected')),
      [],
    );
  });
}

/** Findings by the whole of what they say. */
type Said = ReadonlyMap<string, Pick<RuleResult, 'ruleId' | 'result' | 'subject' | 'message'>>;

/** What the aggregator has of the node, when it is what `check` says of the same files. */
async function agreed(
  aggregator: RunningAggregator,
  root: string,
  look: () => Promise<void>,
): Promise<Said> {
  const { stdout } = await runCli(['check', '--host-root', root, '-o', 'json'], {
    nowMs: Date.now(),
  });
  const expected = said(JSON.parse(stdout).items);
  await look();
  const endMs = performance.now() + 15_000;
  let reported: Said = new Map();
  await until(async () => {
    const { body } = await aggregator.get('/v1/findings?limit=5000');
    reported = said((body as { items: readonly FindingItem[] }).items);
    const isSo = [...reported.keys()].join('\n') === [...expected.keys()].join('\n');
    return isSo || performance.now() > endMs;
  }, 150);
  t.strictSame([...reported.keys()], [...expected.keys()], 'as check says it');
  return reported;
}

function said(findings: readonly RuleResult[]): Said {
  const ofNode = findings.filter(({ ruleId }) => !/^(?:agent|exceptions)\./.test(ruleId));
  const lines = ofNode.map((one) => {
    const { ruleId, result, reason, subject, message } = one;
    // Only the running agent has looked before.
    const text = ruleId === 'selinux.uninterrupted' ? '' : message;
    return [[ruleId, result, reason, subject, text].join(' '), one] as const;
  });
  return new Map(lines.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A rule of the file says that it could not look, or that something is wrong, and where. */
function tellsOf(now: Said, path: string): boolean {
  const rules = RULES[path] ?? [];
  if (rules.length === 0) return true;
  return [...now.values()].some(
    ({ ruleId, result, subject, message }) =>
      rules.includes(ruleId) &&
      ['error', 'fail', 'unknown'].includes(result) &&
      `${subject} ${message}`.includes(path),
  );
}

/** Files in groups in which no two have a rule in common: what one says hides nothing of another. */
function apart(paths: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  for (const path of paths) {
    const own = (RULES[path] ?? []).filter((rule) => !OF_MANY.has(rule));
    const hasNone = (other: string): boolean => !RULES[other]?.some((rule) => own.includes(rule));
    const group = groups.find((one) => one.every(hasNone));
    if (group === undefined) groups.push([path]);
    else group.push(path);
  }
  return groups;
}

function sparse(path: string, bytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
}

function textOf(held: string | Uint8Array): string {
  return Buffer.from(held).toString('latin1');
}

async function agentIn(
  folder: string,
  { url, agentToken }: RunningAggregator,
): Promise<AsyncDisposable & { readonly log: ReturnType<typeof keptLog> }> {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, agentToken);
  const log = keptLog();
  const agent = await startAgent(
    {
      ...parseConfig('', 'test', configSchema),
      hostRoot: join(folder, 'root'),
      stateDir: join(folder, 'state'),
      nodeName: 'node-1',
      aggregator: { url, tokenFile, allowPlain: false },
    },
    { log },
  );
  return { log, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
}

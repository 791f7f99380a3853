import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import {
  type Baseline,
  BaselineError,
  captureBaseline,
  saveBaseline,
} from '../../agent/desired/baseline.ts';
import { API_VERSION } from '../../shared/api.ts';
import { canonicalJson, type Json } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { counted } from '../../shared/counted.ts';
import { ensureFolder } from '../../shared/folder.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Command, Invocation, OptionSpec } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { fileError } from '../files.ts';
import { openHostRoot } from '../host-root.ts';
import type { Io } from '../io.ts';
import { baselinePath, observeNode, readBaseline } from '../node-state.ts';
import { HOST_ROOT_OPTION, outputOption, STATE_DIR_OPTION } from '../options.ts';
import { type Style, styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';

/** One thing that is not as it was accepted. */
interface Difference {
  /** `file` by path, `rule` by its key. */
  readonly what: 'file' | 'rule';
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly accepted: Json;
  readonly now: Json;
}

const BY_OPTION: OptionSpec = {
  flags: '--by <name>',
  description: 'who accepts it; default: who called sudo, else the user',
};
const OPTIONS: readonly OptionSpec[] = [
  HOST_ROOT_OPTION,
  STATE_DIR_OPTION,
  outputOption(DOCUMENT_FORMATS),
];

export const capture: Command = {
  description: `Accepts the state of this node for the first time: what its rules observe, and the hashes of the files of its trust
configuration. From then on a difference is drift. Written to the agent's own folder; the node itself is not changed.`,
  arguments: [],
  options: [...OPTIONS, BY_OPTION],
  examples: [{ line: 'sudo nodeseal baseline capture', meaning: 'this is how it should be' }],
  async run(invocation, io) {
    const path = baselinePath(invocation);
    const before = await readBaseline(path);
    if (before !== undefined) {
      throw usageError('this node has a baseline already', {
        why: `${path}: accepted ${before.acceptedAt} by ${before.acceptedBy}`,
        next: 'nodeseal baseline show, then: nodeseal baseline accept',
      });
    }
    return await acceptState(path, before, invocation, io);
  },
};

export const accept: Command = {
  description: `Accepts the state of this node as it is now in place of what was accepted before, and says what that changes.`,
  arguments: [],
  options: [...OPTIONS, BY_OPTION],
  examples: [
    { line: 'sudo nodeseal baseline accept --by alice', meaning: 'after a change that was meant' },
  ],
  async run(invocation, io) {
    const path = baselinePath(invocation);
    const before = await readReplaceable(path, io);
    return await acceptState(path, before, invocation, io);
  },
};

export const show: Command = {
  description: `Shows what was accepted on this node, by whom and when, and what differs from it now. Exit code 1: something differs.`,
  arguments: [],
  options: OPTIONS,
  examples: [
    { line: 'sudo nodeseal baseline show', meaning: 'what changed since it was accepted' },
    { line: 'sudo nodeseal baseline show -o json', meaning: 'with every accepted value' },
  ],
  async run(invocation, io) {
    const path = baselinePath(invocation);
    const baseline = await readBaseline(path);
    if (baseline === undefined) {
      throw new CliError('ERR_CLI_NOT_FOUND', 'this node has no baseline', {
        why: `there is no ${path}`,
        next: 'nodeseal baseline capture',
      });
    }
    const now = await stateNow(invocation, 'nobody', io);
    const differences = compare(baseline, now);
    write({ path, baseline, differences }, invocation, io);
    return differences.length === 0 ? EXIT.clean : EXIT.findings;
  },
};

/** A baseline that was damaged can be replaced: that is what its error asks for. */
async function readReplaceable(path: string, io: Io): Promise<Baseline | undefined> {
  try {
    return await readBaseline(path);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'ERR_CLI_INPUT') throw error;
    io.stderr.write(
      `note: replaces a baseline that could not be used: ${safeText(error.why ?? '')}\n`,
    );
    return undefined;
  }
}

async function acceptState(
  path: string,
  before: Baseline | undefined,
  invocation: Invocation,
  io: Io,
): Promise<ExitCode> {
  const baseline = await stateNow(invocation, acceptor(invocation, io), io);
  try {
    await ensureFolder(dirname(path));
    await saveBaseline(path, baseline);
  } catch (cause) {
    const what = `cannot write the baseline ${path}`;
    if (cause instanceof BaselineError) throw fileError(cause.cause, what);
    throw fileError(cause, what);
  }
  const differences = before === undefined ? [] : compare(before, baseline);
  write({ path, baseline, differences }, invocation, io);
  return EXIT.clean;
}

async function stateNow(invocation: Invocation, acceptedBy: string, io: Io): Promise<Baseline> {
  const host = await openHostRoot(invocation.value('host-root') ?? '/');
  const state = await observeNode(host, io);
  return captureBaseline({
    ...state,
    acceptedAt: rfc3339(io.nowMs()),
    acceptedBy,
  });
}

/** Who accepts: as said, else who called sudo, else the user of this process, also one without a name. */
function acceptor(invocation: Invocation, { env }: Io): string {
  return invocation.value('by') ?? (env['SUDO_USER'] || env['USER'] || userName());
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}

function compare(accepted: Baseline, now: Baseline): readonly Difference[] {
  const files = compareAll('file', accepted.files, now.files);
  return [...files, ...compareAll('rule', accepted.observed, now.observed)];
}

function compareAll(
  what: Difference['what'],
  accepted: Readonly<Record<string, object>>,
  now: Readonly<Record<string, object>>,
): readonly Difference[] {
  const names = [...new Set([...Object.keys(accepted), ...Object.keys(now)])].sort();
  return names.flatMap((name) => {
    const [old, current] = [jsonOf(accepted[name]), jsonOf(now[name])];
    if (canonicalJson(old) === canonicalJson(current)) return [];
    const change = old === null ? 'added' : current === null ? 'removed' : 'changed';
    return [{ what, name, change, accepted: old, now: current }];
  });
}

/** Members of a baseline are flat: text, numbers, booleans. */
function jsonOf(value: object | undefined): Json {
  return value === undefined ? null : ({ ...value } as Json);
}

interface Answer {
  readonly path: string;
  readonly baseline: Baseline;
  readonly differences: readonly Difference[];
}

function write(answer: Answer, invocation: Invocation, io: Io): void {
  const style = styleOf(io, invocation.value('color'));
  const document = { apiVersion: API_VERSION, kind: 'Baseline', ...answer };
  io.stdout.write(
    documentText(document, invocation.value('output'), () => peopleText(answer, style)),
  );
}

const MARKS = { added: '+', removed: '-', changed: '~' } as const;

function peopleText({ path, baseline, differences }: Answer, style: Style): string {
  const { acceptedAt, acceptedBy, digest, observed, files } = baseline;
  const lines = [
    `Baseline:  ${path}`,
    `Accepted:  ${acceptedAt} by ${acceptedBy}`,
    `Digest:    ${digest}`,
    `Holds:     ${counted(Object.keys(observed).length, 'observation')}, ${counted(Object.keys(files).length, 'file')}`,
    ...differences.flatMap(({ what, name, change, accepted, now }) => [
      `${MARKS[change]} ${what} ${name}: ${change}`,
      ...(accepted === null ? [] : [`    - ${canonicalJson(accepted)}`]),
      ...(now === null ? [] : [`    + ${canonicalJson(now)}`]),
    ]),
  ];
  const tones = { '+': 'good', '-': 'bad', '~': 'warn' } as const;
  return lines
    .map((line) => {
      const mark = line.trimStart()[0] ?? '';
      const tone = mark === '+' || mark === '-' || mark === '~' ? tones[mark] : undefined;
      return `${style.paint(safeText(line), tone)}\n`;
    })
    .join('');
}

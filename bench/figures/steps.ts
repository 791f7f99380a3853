import { join, relative } from 'node:path';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { judgesMissing } from '../../test/differential/world.ts';
import { noHostRoots } from '../../test/support/host-root.ts';
import { whyNoStore } from '../../test/support/image-store.ts';
import { sharedDir } from '../../test/support/shared.ts';

/** What whoever runs it may choose. */
export interface Choices {
  /** Of the long runs. */
  readonly minutes: number;
  readonly seed: number;
  /** Of the simulated fleet. */
  readonly nodes: number;
  /** Small sizes, to see that a step works; no figure. */
  readonly isShort: boolean;
}

/** One program from the package's folder and its words. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** The same run once more under a profiler, when a figure of the step falls short. */
export interface Profiling {
  readonly kind: 'processor' | 'memory';
  /** How paths begin. Processor: of the files that called what counts. Memory: of a file that the processes loaded. */
  readonly of: readonly string[];
  readonly command: Command;
}

/** Its figures have ids that begin with its name. */
export interface Step {
  readonly name: string;
  readonly commands: (choices: Choices) => readonly Command[];
  /** Why it cannot run on this machine. */
  readonly whyNot?: () => string | false | undefined;
  /** Programs whose versions belong to the figures. */
  readonly peers?: readonly string[];
  readonly hasSeed?: true;
  readonly profiling?: Profiling;
  /** After so many minutes it is ended; 20 where nothing is said. */
  readonly limitMinutes?: (choices: Choices) => number;
}

function step(
  name: string,
  file: string,
  more: Partial<Step> & { readonly full?: string; readonly short?: string } = {},
): Step {
  const { full = '', short = '', ...rest } = more;
  return {
    name,
    commands: ({ isShort }) => [{ file, args: words(isShort ? short : full) }],
    ...rest,
  };
}

function words(text: string): readonly string[] {
  return text.split(' ').filter(Boolean);
}

function profiled(kind: Profiling['kind'], of: string, line: string): Profiling {
  const [file = '', ...args] = words(line);
  return { kind, of: words(of), command: { file, args } };
}

/** Without what fills the store before. */
const ANSWERING =
  'aggregator/api aggregator/web aggregator/store/sqlite-reads aggregator/store/sqlite-items';

const hostRoots = (): string | false => noHostRoots;
const conformanceTables = (): string | false =>
  sharedDir() === undefined ? 'needs the conformance tables of ../shared' : false;

/** What the product does, and the steps that measure it, in the order of the page. */
export const CAPABILITIES: readonly { readonly title: string; readonly steps: readonly Step[] }[] =
  [
    {
      title: 'Trust: policies and signatures',
      steps: [
        {
          name: 'conformance',
          commands: () => {
            const root = join(relative(PACKAGE_FOLDER, sharedDir() ?? ''), 'conformance');
            const args = ['--cases', `${root}/cases`, '--root', root];
            return [{ file: 'test/conformance/run.ts', args }];
          },
          whyNot: conformanceTables,
        },
        {
          name: 'differential',
          commands: ({ seed, isShort }) => [
            {
              file: 'test/differential/run.ts',
              args: words(`--count ${isShort ? 50 : 10_000} --seed ${seed}`),
            },
          ],
          ...{ whyNot: judgesMissing, peers: ['skopeo', 'gpg'], hasSeed: true },
          limitMinutes: () => 60,
        },
        step('verify', 'bench/verify.ts', {
          ...{ short: '--rounds 2 --round-ms 50', peers: ['gpg', 'gpgv', 'skopeo', 'openpgp'] },
        }),
        step('policy', 'bench/policy.ts'),
        {
          name: 'fuzz',
          commands: ({ minutes, seed, isShort }) => [
            {
              file: 'test/fuzz/run.ts',
              args: words(`--seconds ${isShort ? 10 : minutes * 60} --seed ${seed}`),
            },
          ],
          ...{ whyNot: conformanceTables, hasSeed: true },
          limitMinutes: ({ minutes }) => minutes + 15,
        },
      ],
    },
    {
      title: 'Images on the node',
      steps: [
        step('images', 'bench/images.ts', {
          ...{ short: '--images 6 --rounds 2 --sample 1', whyNot: whyNoStore, peers: ['skopeo'] },
          profiling: profiled('processor', 'agent/', 'bench/images.ts --rounds 3 --sample 1'),
        }),
        step('image-memory', 'bench/image-memory.ts', {
          ...{ short: '--images 6 --runs 1', whyNot: whyNoStore },
          // The stores are made first.
          limitMinutes: () => 40,
          profiling: profiled(
            'memory',
            'agent/daemon',
            'bench/image-memory.ts --images 200 --runs 1',
          ),
        }),
        step('pull', 'bench/pull-to-report.ts', {
          ...{ short: '--pulls 2', whyNot: whyNoStore, peers: ['skopeo'] },
          profiling: profiled('processor', 'agent/', 'bench/pull-to-report.ts --pulls 10'),
        }),
        step('stores', 'test/stores/run.ts', {
          full: '--images 6 --driver overlay --key rsa4096 --question stored,pull,policies',
          short: '--images 6 --driver overlay --key rsa4096 --records plain --question stored',
          ...{ whyNot: whyNoStore, peers: ['skopeo'] },
        }),
      ],
    },
    {
      title: 'Checks, and an agent at rest',
      steps: [
        step('checks', 'bench/checks.ts', {
          ...{ short: '--rounds 2', whyNot: hostRoots, peers: ['aide', 'oscap'] },
          profiling: profiled('processor', 'agent/', 'bench/checks.ts --rounds 0'),
        }),
        step('idle', 'bench/idle.ts', {
          ...{ short: '--seconds 2 --agents 2', whyNot: hostRoots },
          profiling: profiled('memory', 'agent/daemon', 'bench/idle.ts --agents 1 --seconds 30'),
        }),
        step('change', 'bench/change-to-finding.ts', {
          ...{ short: '--edits 4', whyNot: hostRoots },
          profiling: profiled('processor', 'agent/', 'bench/change-to-finding.ts --edits 10'),
        }),
      ],
    },
    {
      title: 'The link and the aggregator',
      steps: [
        step('ingest', 'bench/ingest.ts', {
          short: '--seconds 1 --runs 1',
          profiling: profiled('processor', 'aggregator/', 'bench/ingest.ts --runs 1'),
        }),
        step('resync', 'bench/resync.ts', {
          ...{ full: '--nodes 2000', short: '--nodes 100' },
          profiling: profiled('processor', 'aggregator/', 'bench/resync.ts --nodes 1000'),
        }),
        step('queries', 'bench/queries.ts', {
          short: '--nodes 200 --requests 30',
          profiling: profiled('processor', ANSWERING, 'bench/queries.ts'),
        }),
        {
          name: 'sockets',
          commands: ({ isShort }) =>
            ['--agents 10000', '--agents 5000 --certificates'].map((line) => ({
              file: 'bench/sockets.ts',
              args: words(isShort ? `${line.replace('000', '0')} --seconds 2` : line),
            })),
          profiling: profiled(
            'memory',
            'aggregator/daemon',
            'bench/sockets.ts --agents 5000 --certificates --seconds 5',
          ),
        },
        {
          name: 'fleet',
          commands: ({ nodes, seed, isShort }) => [
            {
              file: 'test/fleet/run.ts',
              args: words(
                isShort
                  ? `--nodes 50 --seconds 5 --seed ${seed}`
                  : `--nodes ${nodes} --seed ${seed}`,
              ),
            },
          ],
          hasSeed: true,
          limitMinutes: () => 30,
          // Of the aggregator that is stopped: the one that is killed writes none.
          profiling: profiled('processor', 'aggregator/', 'test/fleet/run.ts --nodes 1000'),
        },
        {
          name: 'fault',
          commands: ({ minutes, seed, isShort }) => [
            {
              file: 'test/fault/run.ts',
              args: words(`--minutes ${isShort ? 0.2 : minutes} --seed ${seed}`),
            },
          ],
          hasSeed: true,
          limitMinutes: ({ minutes }) => minutes + 15,
        },
      ],
    },
    {
      title: 'People and programs that ask',
      steps: [
        step('simulation', 'bench/simulation.ts', { short: '--nodes 20 --images 5 --runs 1' }),
        step('page', 'bench/page.ts', {
          ...{ short: '--nodes 200 --requests 10 --loads 2', peers: ['chromium'] },
          profiling: profiled('processor', ANSWERING, 'bench/page.ts --loads 1'),
        }),
        step('cli-start', 'bench/cli-start.ts', {
          short: '--rounds 3',
          profiling: profiled('processor', 'cli/', 'bench/cli-start.ts --rounds 5'),
        }),
        step('cli-findings', 'bench/cli-findings.ts', {
          short: '--nodes 100',
          profiling: profiled('memory', 'cli/main', 'bench/cli-findings.ts --nodes 1000'),
        }),
        step('exports', 'bench/exports.ts', { short: '--nodes 100' }),
      ],
    },
  ];

/** Every step, in the order of the page. */
export const STEPS: readonly Step[] = CAPABILITIES.flatMap(({ steps }) => steps);

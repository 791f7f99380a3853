import type { OptionSpec } from './command.ts';
import { FORMATS } from './output/format.ts';

/** Understood by every command. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--color <when>',
    description: 'colour: auto, always or never',
    choices: ['auto', 'always', 'never'],
    default: 'auto',
  },
  { flags: '-q, --quiet', description: 'print nothing on stdout; the exit code is the answer' },
  { flags: '-v, --verbose', description: 'say on stderr what is asked and how long it took' },
];

/** `-o` with the formats a command has. */
export function outputOption(formats: readonly string[] = FORMATS): OptionSpec {
  return {
    flags: '-o, --output <format>',
    description: `output: ${formats.join(', ')}`,
    choices: formats,
    default: 'table',
  };
}

export const HOST_ROOT_OPTION: OptionSpec = {
  flags: '--host-root <dir>',
  description: "where the node's files are: / on the node itself, /host in a debug pod",
  default: '/',
};

/** The same where a command is about the fleet as well: without a default, so that it is known whether it was given. */
export const LOCAL_ROOT_OPTION: OptionSpec = {
  flags: '--host-root <dir>',
  description: 'this node: where its files are, / by default, /host in a debug pod',
};

export const ALL_NODES_OPTION: OptionSpec = {
  flags: '--all-nodes',
  description: 'every node of the fleet, as the aggregator knows it',
};

export const NODE_OPTION: OptionSpec = {
  flags: '--node <name>',
  description: 'this node of the fleet alone',
};

export const POOL_OPTION: OptionSpec = {
  flags: '--pool <name>',
  description: 'the nodes of this pool alone',
};

export const STATE_DIR_OPTION: OptionSpec = {
  flags: '--state-dir <dir>',
  description: "folder of the agent's own state, with the baseline; default below the host root",
};

export const PROFILE_OPTION: OptionSpec = {
  flags: '--profile <profile>',
  description:
    'openshift-default, openshift-strict, stig, rhel-host, or the path of a file; default: by the kind of node',
};

/** Which aggregator is asked, and as whom. */
export function serverOptions(timeout: string): readonly OptionSpec[] {
  return [
    { flags: '--context <context>', description: 'context of the configuration file to use' },
    { flags: '--server <url>', description: 'address of the aggregator, in place of a context' },
    { flags: '--token-file <file>', description: 'file that holds the token' },
    { flags: '--ca-file <file>', description: 'certificates the server is verified by (PEM)' },
    {
      flags: '--plain-http',
      description: 'send the token over plain HTTP to another machine than this one',
    },
    {
      flags: '--timeout <duration>',
      description: 'give up after: 500ms, 30s, 2m',
      default: timeout,
    },
  ];
}

export const SERVER_OPTIONS: readonly OptionSpec[] = serverOptions('30s');

/** Flags that may stand before the verb and take a value, so that the verb can be found behind them. */
export const LEADING_VALUE_FLAGS: ReadonlySet<string> = new Set([
  '-o',
  '--output',
  '-l',
  '--selector',
  '--field-selector',
  '--sort-by',
  '--since',
  '--limit',
  '--fail-on',
  '--require-coverage',
  '--color',
  '--host-root',
  '--node',
  '--pool',
  '--baseline',
  '--at',
  '--as-of',
  '--section',
  '--state-dir',
  '--profile',
  '--exceptions',
  '--context',
  '--server',
  '--token-file',
  '--ca-file',
  '--timeout',
  '-f',
  '--file',
  '--as-of',
]);

export const NO_HEADERS_OPTION: OptionSpec = {
  flags: '--no-headers',
  description: 'leave out the column headers',
};

export const NO_GROUP_OPTION: OptionSpec = {
  flags: '--no-group',
  description: 'table: a row for each node, also where several say the same',
};

export const POLICY_OPTION: OptionSpec = {
  flags: '--policy <file>',
  description: 'the policy.json to judge by',
  required: true,
};

export const REGISTRIES_D_OPTION: OptionSpec = {
  flags: '--registries-d <dir>',
  description: 'folder that says where signatures are stored, containers-registries.d(5)',
};

export const LABEL_OPTION: OptionSpec = {
  flags: '-l, --selector <selector>',
  description: "only nodes with: pool=worker, state!=online, 'pool in (a,b)'",
};

/** Which items of a fleet are wanted. */
export const CHOICE_OPTIONS: readonly OptionSpec[] = [
  LABEL_OPTION,
  {
    flags: '--field-selector <selector>',
    description: 'only items with: severity=high,reason!=permission',
  },
  { flags: '--all', description: 'findings: also what passed and what does not apply' },
  {
    flags: '--since <time>',
    description:
      'events since 24h ago, or since 2026-11-21T12:00:00Z; findings, images, drift: what was not so then',
  },
];

export const REQUIRE_COVERAGE_OPTION: OptionSpec = {
  flags: '--require-coverage <percent>',
  description: 'exit 3 when a smaller share of the expected nodes reports: 100%',
};

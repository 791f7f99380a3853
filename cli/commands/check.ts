import type { Check } from '../../agent/check.ts';
import { checks } from '../../agent/checks/index.ts';
import type { Baseline } from '../../agent/desired/baseline.ts';
import type { ProfileInForce } from '../../agent/profile-choice.ts';
import { runChecks } from '../../agent/runner.ts';
import { API_VERSION, type CheckResultItem, type CheckResultList } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { ExportFormat } from '../../shared/exports/source.ts';
import { countResults, isAtLeast, SEVERITIES, type Severity } from '../../shared/results.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Command } from '../command.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { openHostRoot } from '../host-root.ts';
import type { Io } from '../io.ts';
import { FINDING_EXPORTS, localSource } from '../local-export.ts';
import { baselinePath, clockOf, readBaseline } from '../node-state.ts';
import {
  HOST_ROOT_OPTION,
  NO_HEADERS_OPTION,
  outputOption,
  PROFILE_OPTION,
  STATE_DIR_OPTION,
} from '../options.ts';
import { type Style, styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { byUrgency, countsText, FINDING_COLUMNS, findingLines } from '../output/finding.ts';
import { FORMATS, isFormat } from '../output/format.ts';
import { jsonText } from '../output/json.ts';
import { listText } from '../output/list.ts';
import { yamlText } from '../output/yaml.ts';
import { exceptionsOf, nodeName, profileInForce } from '../profile.ts';
import { selectRules } from '../rules.ts';

const PRESENTATION: Presentation<CheckResultItem> = {
  resource: 'finding',
  columns: FINDING_COLUMNS,
  nameOf: ({ ruleId, subject }) => (subject === undefined ? ruleId : `${ruleId}/${subject}`),
};

export const check: Command = {
  description: `Asks every rule of this node, once, without a server and without changing anything.

Exit code 1: a rule of at least the severity of --fail-on fails. Exit code 6: none fails, but such a rule could not
be decided (error, unknown): no data is not a pass.`,
  arguments: [],
  options: [
    HOST_ROOT_OPTION,
    STATE_DIR_OPTION,
    PROFILE_OPTION,
    {
      flags: '--exceptions <file>',
      description: 'failures that somebody vouches for until a day, as docs/configuration.md shows',
    },
    {
      flags: '--only <ids>',
      description: 'these checks or rules, separated by commas: selinux,trust.*',
      repeatable: true,
    },
    { flags: '--skip <ids>', description: 'all but these', repeatable: true },
    {
      flags: '--fail-on <severity>',
      description: 'exit 1 when a rule of this severity or above fails',
      choices: SEVERITIES,
      default: 'low',
    },
    outputOption([...FORMATS, ...FINDING_EXPORTS.map(({ id }) => id)]),
    NO_HEADERS_OPTION,
  ],
  examples: [
    { line: 'sudo nodeseal check', meaning: 'every rule on this node, failures first' },
    {
      line: 'nodeseal check --host-root /host --only selinux,fips',
      meaning: 'two checks, from a debug pod on the node',
    },
    {
      line: 'sudo nodeseal check --profile stig --exceptions exceptions.yaml',
      meaning: 'by a stricter profile, without the failures that are accepted for now',
    },
    {
      line: 'sudo nodeseal check -o junit > node.xml',
      meaning: 'for a pipeline; other tools have formats of theirs (docs/exports.md)',
    },
    {
      line: "nodeseal check -o json | jq '.summary'",
      meaning: 'how many rules passed, failed, could not be decided',
    },
  ],
  async run(invocation, io) {
    const host = await openHostRoot(invocation.value('host-root') ?? '/', io);
    const rules = selectRules(checks, invocation.list('only'), invocation.list('skip'));
    const baseline = await readableBaseline(baselinePath(invocation), io);
    const inForce = await profileInForce(host, invocation.value('profile'));
    const { profile } = inForce;
    const exceptions = await exceptionsOf(host, invocation.value('exceptions'), io);
    const { values } = profile;
    const context = { host, clock: clockOf(io), baseline, values, profile, exceptions };
    const results = await runChecks(withRules(checks, rules), context, {
      signal: io.signal,
      onCrash: (id, error) => {
        if (io.verbose) io.stderr.write(`${id}: ${error instanceof Error ? error.stack : error}\n`);
      },
    });
    const items = results
      .flatMap(({ results, durationMs }) => results.map((result) => ({ ...result, durationMs })))
      .filter(({ ruleId }) => rules.has(ruleId))
      .sort(byUrgency);
    const output = invocation.value('output') ?? 'table';
    const exported = FINDING_EXPORTS.find(({ id }) => id === output);
    if (exported !== undefined) {
      await writeExport(exported, await nodeName(host, io), items, io);
    } else {
      const style = styleOf(io, invocation.value('color'));
      write(items, inForce, output, !invocation.flag('no-headers'), io, style);
    }
    if (items.some(({ reason }) => reason === 'permission')) {
      io.stderr.write('note: not every file may be read: run it as root (sudo)\n');
    }
    return exitFor(items, severityOf(invocation.value('fail-on')));
  },
};

/** Who may not read the agent's folder still gets every rule but those that need the baseline, and is told. */
async function readableBaseline(path: string, io: Io): Promise<Baseline | undefined> {
  try {
    return await readBaseline(path);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'ERR_CLI_NOT_ALLOWED') throw error;
    io.stderr.write(`note: without the baseline: ${safeText(error.why ?? '')}\n`);
    return undefined;
  }
}

function withRules(all: readonly Check[], rules: ReadonlySet<string>): readonly Check[] {
  return all.filter((check) => check.rules.some(({ id }) => rules.has(id)));
}

function write(
  items: readonly CheckResultItem[],
  inForce: ProfileInForce,
  output: string,
  headers: boolean,
  io: Io,
  style: Style,
): void {
  const summary = countResults(items.map(({ result }) => result));
  const list: CheckResultList = {
    apiVersion: API_VERSION,
    kind: 'CheckResultList',
    profile: inForce.profile.name,
    items,
    summary,
  };
  if (output === 'json') io.stdout.write(jsonText(list));
  else if (output === 'yaml') io.stdout.write(yamlText(list));
  else if (output !== 'table' && isFormat(output)) {
    io.stdout.write(listText(list, PRESENTATION, output, style, headers));
  } else {
    const lines = [
      ...findingLines(items, style),
      countsText(summary),
      safeText(profileText(inForce)),
    ];
    io.stdout.write(lines.map((line) => `${line}\n`).join(''));
    const [first] = items;
    if (io.stderr.isTerminal && first !== undefined && summary.fail > 0) {
      io.stderr.write(`Next: nodeseal explain ${first.ruleId}\n`);
    }
  }
}

async function writeExport(
  format: ExportFormat,
  node: string,
  items: readonly CheckResultItem[],
  io: Io,
): Promise<void> {
  const source = localSource(node, items, rfc3339(io.nowMs()));
  for await (const text of format.write(source)) io.stdout.write(text);
}

function profileText({ profile: { name }, chosen }: ProfileInForce): string {
  return `Profile: ${name}${chosen === 'by-node' ? ', by the kind of node' : ''}`;
}

/** The exit code for some findings under `--fail-on`: a failure is told before what could not be decided. */
function exitFor(items: readonly CheckResultItem[], failOn: Severity): ExitCode {
  const results = items
    .filter(({ severity }) => isAtLeast(severity, failOn))
    .map(({ result }) => result);
  if (results.includes('fail')) return EXIT.findings;
  return results.includes('error') || results.includes('unknown') ? EXIT.partial : EXIT.clean;
}

function severityOf(text: string | undefined): Severity {
  return SEVERITIES.find((severity) => severity === text) ?? 'low';
}

import { safeText } from '../../shared/safe-text.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import { simulationResult } from '../../shared/simulation/result.ts';
import type { SimulationResult } from '../../shared/simulation.ts';
import type { Command, Invocation } from '../command.ts';
import { coverageExit, coverageText, readPercent } from '../coverage.ts';
import { usageError } from '../errors.ts';
import { combineExits, EXIT } from '../exit.ts';
import { refuseFleetFlags } from '../fleet-flags.ts';
import { IMAGE_LIBRARY_OPTION } from '../image-library.ts';
import type { Io } from '../io.ts';
import {
  LABEL_OPTION,
  NO_HEADERS_OPTION,
  outputOption,
  REQUIRE_COVERAGE_OPTION,
  SERVER_OPTIONS,
} from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { isFormat } from '../output/format.ts';
import { simulationText } from '../output/simulation.ts';
import { SOURCES_OPTION } from '../signature-sources.ts';
import { CANDIDATE_OPTIONS, candidateOf, namesCandidate } from '../simulate/candidate.ts';
import { simulationExit } from '../simulate/exit.ts';
import { askFleet } from '../simulate/fleet.ts';
import { askThisNode } from '../simulate/local.ts';
import { nodeNotes } from '../simulate/notes.ts';
import { askSnapshots, SNAPSHOT_OPTIONS, saveSnapshot } from '../simulate/snapshot.ts';

export const simulate: Command = {
  description: `Rehearses a policy: has every node judge every image of its store by a policy that is not in force yet, with the
signatures the node holds, beside what the policy in force says. Nothing is changed. Nodes that are not connected are judged
by what they reported last, as far as that can be done without their signatures, and named. With --host-root this node alone
is judged, with --from-snapshot the nodes that were saved, without an aggregator.

newly refused: allowed now, refused then. newly accepted, no longer verified: weaker then than now. undecided: nobody can
say, with the reason. Key files that the candidate names are read on the node.
Exit code 1: something would newly be refused. 6: nothing would that is known, but a node did not answer or something is
undecided. 3: less reports than --require-coverage asks for. 7: the candidate is not valid.`,
  arguments: [],
  options: [
    ...CANDIDATE_OPTIONS,
    {
      flags: '--host-root <dir>',
      description: "judge this node's store alone: / on the node itself, /host in a debug pod",
    },
    ...SNAPSHOT_OPTIONS,
    { flags: '--pool <pool>', description: 'ask the nodes of this pool alone' },
    LABEL_OPTION,
    REQUIRE_COVERAGE_OPTION,
    { flags: '--strict', description: 'what is unknown counts as refused' },
    { flags: '--only-running', description: 'only images that containers on the node are made of' },
    SOURCES_OPTION,
    IMAGE_LIBRARY_OPTION,
    outputOption(),
    NO_HEADERS_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    {
      line: 'nodeseal simulate --policy new-policy.json --pool worker',
      meaning: 'what would be refused on the nodes of a pool',
    },
    {
      line: 'sudo nodeseal simulate --policy new-policy.json --host-root /',
      meaning: 'what would be refused on this node',
    },
    {
      line: 'sudo nodeseal simulate --machine-config 99-worker-trust.yaml --only-running --strict --host-root /',
      meaning: 'the policy in a MachineConfig, on what runs here, the undecided counted as refused',
    },
    {
      line: 'sudo nodeseal simulate --built-in openshift-4.21 --host-root /host',
      meaning: 'what the policy that comes with an upgrade would say, from a debug pod',
    },
  ],
  async run(invocation, io) {
    const isLocal =
      invocation.value('host-root') !== undefined || invocation.values('from-snapshot').length > 0;
    refuseFlags(invocation, isLocal);
    const required = readPercent(invocation.value('require-coverage'));
    const isSaving = invocation.value('save-snapshot') !== undefined;
    const isSavingAlone = isSaving && !namesCandidate(invocation);
    const checked = isSavingAlone ? undefined : await candidateOf(invocation, io);
    if (isSaving) await saveSnapshot(invocation, io, checked?.policy);
    if (checked === undefined) return EXIT.clean;
    const result = isLocal
      ? await askHere(checked, invocation, io)
      : await askFleet(checked, invocation, io);
    const output = invocation.value('output') ?? 'table';
    const style = styleOf(io, invocation.value('color'));
    if (isFormat(output)) {
      io.stdout.write(simulationText(result, output, style, !invocation.flag('no-headers')));
    }
    for (const warning of checked.warnings) io.stderr.write(`note: ${safeText(warning)}\n`);
    for (const note of nodeNotes(result.nodes)) io.stderr.write(`note: ${note}\n`);
    const { coverage } = result;
    if (coverage !== undefined) io.stderr.write(`${coverageText(coverage)}\n`);
    return combineExits([coverageExit(coverage, required, io), simulationExit(result)]);
  },
};

/** Flags of what an agent's own configuration has. */
const OF_NODE = ['sources', 'image-library'] as const;

function refuseFlags(invocation: Invocation, isLocal: boolean): void {
  const isHere = invocation.value('host-root') !== undefined;
  if (isHere && invocation.values('from-snapshot').length > 0) {
    throw usageError('--host-root and --from-snapshot exclude each other');
  }
  if (!isHere && invocation.value('save-snapshot') !== undefined) {
    throw usageError('--save-snapshot is for this node alone', { next: 'add --host-root /' });
  }
  if (isLocal) {
    refuseFleetFlags(invocation, 'leave out --host-root', ['pool', 'selector']);
    return;
  }
  const wrong = OF_NODE.find((flag) => invocation.value(flag) !== undefined);
  if (wrong === undefined) return;
  throw usageError(`--${wrong} is for this node alone`, { next: 'add --host-root /' });
}

async function askHere(
  checked: CheckedCandidate,
  invocation: Invocation,
  io: Io,
): Promise<SimulationResult> {
  const isHere = invocation.value('host-root') !== undefined;
  const answers = isHere
    ? [await askThisNode(checked, invocation, io)]
    : await askSnapshots(checked, invocation, io);
  return simulationResult(checked, answers, {
    strict: invocation.flag('strict'),
    onlyRunning: invocation.flag('only-running'),
  });
}

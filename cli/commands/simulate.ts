import { simulationResult } from '../../shared/simulation/result.ts';
import type { Command } from '../command.ts';
import { usageError } from '../errors.ts';
import { IMAGE_LIBRARY_OPTION } from '../image-library.ts';
import { NO_HEADERS_OPTION, outputOption } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { isFormat } from '../output/format.ts';
import { safeText } from '../output/safe.ts';
import { simulationText } from '../output/simulation.ts';
import { SOURCES_OPTION } from '../signature-sources.ts';
import { CANDIDATE_OPTIONS, candidateOf } from '../simulate/candidate.ts';
import { simulationExit } from '../simulate/exit.ts';
import { askThisNode } from '../simulate/local.ts';

export const simulate: Command = {
  description: `Rehearses a policy: judges every image of this node's store by a policy that is not in force yet, with the
signatures the node holds, beside what the policy in force says. Nothing is changed.

newly refused: allowed now, refused then. newly accepted, no longer verified: weaker then than now. undecided: nobody can
say, with the reason. Key files that the candidate names are read on the node.
Exit code 1: something would newly be refused. 6: nothing would, but something is undecided. 7: the candidate is not valid.`,
  arguments: [],
  options: [
    ...CANDIDATE_OPTIONS,
    {
      flags: '--host-root <dir>',
      description: "judge this node's store alone: / on the node itself, /host in a debug pod",
    },
    { flags: '--strict', description: 'what is unknown counts as refused' },
    { flags: '--only-running', description: 'only images that containers on the node are made of' },
    SOURCES_OPTION,
    IMAGE_LIBRARY_OPTION,
    outputOption(),
    NO_HEADERS_OPTION,
  ],
  examples: [
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
    const checked = await candidateOf(invocation, io);
    if (invocation.value('host-root') === undefined) {
      throw usageError('no node is named', { next: 'for this one: --host-root /' });
    }
    const answers = [await askThisNode(checked, invocation, io)];
    const result = simulationResult(checked, answers, {
      strict: invocation.flag('strict'),
      onlyRunning: invocation.flag('only-running'),
    });
    const output = invocation.value('output') ?? 'table';
    const style = styleOf(io, invocation.value('color'));
    if (isFormat(output)) {
      io.stdout.write(simulationText(result, output, style, !invocation.flag('no-headers')));
    }
    for (const warning of checked.warnings) io.stderr.write(`note: ${safeText(warning)}\n`);
    for (const { node, gaps, notes } of result.nodes) {
      for (const text of [...gaps, ...notes]) {
        io.stderr.write(`note: ${safeText(`${node}: ${text}`)}\n`);
      }
    }
    return simulationExit(result);
  },
};

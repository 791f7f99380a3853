import { type NodeTrust, type PolicyFile, readNodeTrust } from '../../agent/trust.ts';
import { describeTrust } from '../../agent/trust-items.ts';
import { API_VERSION } from '../../shared/api.ts';
import { type ReportedTrust, readReportedTrust } from '../../shared/reported-trust.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Command, Invocation } from '../command.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { refuseFleetFlags } from '../fleet-flags.ts';
import { openHostRoot } from '../host-root.ts';
import type { Io } from '../io.ts';
import {
  ALL_NODES_OPTION,
  LOCAL_ROOT_OPTION,
  NO_HEADERS_OPTION,
  outputOption,
  REQUIRE_COVERAGE_OPTION,
  SERVER_OPTIONS,
} from '../options.ts';
import { styleOf } from '../output/colour.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { TRUST, trustText } from '../output/trust-table.ts';
import { trustRows } from '../trust-rows.ts';

export const trustShow: Command = {
  description: `Shows which images a node trusts and by whose signature, as 'podman image trust show', with every field: the policies in
force for root, CRI-O and namespaces, a row for each requirement of each scope, where registries.d says that signatures
are, mirrors and blocked registries, and entries that can hardly be meant.
Of this node; of a NODE or POOL, or with --all-nodes, as the aggregator knows them: nodes that come to the same
together, and what sets others apart from the majority of their pool.

Exit code 7: the policy or registries.d of this node is not valid, so that its tools refuse to use any image.
5: there is no such node or pool.`,
  arguments: [{ name: 'NODE|POOL', description: 'a node, or a pool (pool/NAME) of the fleet' }],
  options: [
    LOCAL_ROOT_OPTION,
    ALL_NODES_OPTION,
    outputOption(),
    NO_HEADERS_OPTION,
    REQUIRE_COVERAGE_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'nodeseal trust show', meaning: 'the policy of this node' },
    { line: 'nodeseal trust show --host-root /host -o json', meaning: 'every field of every rule' },
    { line: 'nodeseal trust show --all-nodes', meaning: 'who differs from the others of its pool' },
  ],
  async run(invocation, io) {
    const [name] = invocation.positional;
    const root = invocation.value('host-root');
    if (name === undefined && !invocation.flag('all-nodes')) {
      refuseFleetFlags(invocation, 'for the fleet: a NODE, a POOL or --all-nodes');
      return await showLocal(root ?? '/', invocation, io);
    }
    if (root !== undefined) throw usageError('--host-root is for this node, not for the fleet');
    if (name !== undefined && invocation.flag('all-nodes')) {
      throw usageError('--all-nodes and a name exclude each other');
    }
    const { showFleet } = await import('./trust-show-fleet.ts');
    return await showFleet(name, invocation, io);
  },
};

async function showLocal(root: string, invocation: Invocation, io: Io): Promise<ExitCode> {
  const found = await readNodeTrust(await openHostRoot(root, io));
  const trust = readReportedTrust(await describeTrust(found, io.nowMs()));
  const items = await trustRows(trust, io.nowMs());
  const { policy: _, ...policy } = found.policy;
  const { registries: __, ...registriesD } = found.registriesD;
  const { conf, ...registriesConf } = found.registriesConf;
  const list = {
    apiVersion: API_VERSION,
    kind: 'TrustList',
    policy,
    registriesD,
    registriesConf: { ...registriesConf, registries: [...(conf?.registries.values() ?? [])] },
    crio: withoutContent(found.crio),
    keyFiles: [...trust.keyFiles.values()],
    items,
  };
  const output = invocation.value('output') ?? 'table';
  const headers = !invocation.flag('no-headers');
  const style = styleOf(io, invocation.value('color'));
  if (output === 'table' || output === 'wide') {
    const text = trustText(trust, items, style, { wide: output === 'wide', headers });
    // Of a policy that cannot be used nothing is in force.
    if (trust.policies[0]?.policy !== undefined) io.stdout.write(text);
  } else if (isFormat(output)) {
    io.stdout.write(listText(list, TRUST, output, style, headers));
  }
  return reportProblems(trust, io);
}

/** What is in them stands among the items. */
function withoutContent({
  signaturePolicy,
  namespacePolicies,
  ...crio
}: NodeTrust['crio']): object {
  const bare = ({ policy: _, ...file }: PolicyFile): object => file;
  return {
    ...crio,
    ...(signaturePolicy === undefined ? {} : { signaturePolicy: bare(signaturePolicy) }),
    namespacePolicies: namespacePolicies.map(bare),
  };
}

function reportProblems({ policies, registriesDProblem }: ReportedTrust, io: Io): ExitCode {
  const problems = [policies[0]?.problem, registriesDProblem].filter((one) => one !== undefined);
  for (const { path = '', line, column, message } of problems) {
    const place = line === undefined ? path : `${path}:${line}:${column}`;
    io.stderr.write(`error: ${safeText(place)} cannot be used\n  why: ${safeText(message)}\n`);
  }
  return problems.length === 0 ? EXIT.clean : EXIT.inputInvalid;
}

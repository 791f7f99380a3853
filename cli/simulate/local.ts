import { readFacts } from '../../agent/facts.ts';
import type { Host } from '../../agent/host.ts';
import { rehearse } from '../../agent/images/rehearse.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import type { VerifyOptions } from '../../agent/images/verify-options.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import type { NodeAnswer } from '../../shared/simulation.ts';
import type { Invocation } from '../command.ts';
import { openHostRoot } from '../host-root.ts';
import { readImageLibrary } from '../image-library.ts';
import type { Io } from '../io.ts';
import { clockOf } from '../node-state.ts';
import { readSources } from '../signature-sources.ts';

/** The answer of the node whose files are here; nothing is changed, and no server asked unless `--sources` says so. */
export async function askThisNode(
  checked: CheckedCandidate,
  invocation: Invocation,
  io: Io,
): Promise<NodeAnswer> {
  const host = await openHostRoot(invocation.value('host-root') ?? '/');
  const options = localOptions(invocation, io);
  const trust = await readNodeTrust(host);
  const now = await verifyImages(host, trust, { ...options, release: false });
  return {
    node: await nodeNameOf(host),
    source: 'live',
    asOf: rfc3339(io.nowMs()),
    simulation: await rehearse(host, trust, checked, now, options),
  };
}

/** How images are judged without an aggregator, as the flags say. */
export function localOptions(invocation: Invocation, io: Io): LocalOptions {
  const sources = invocation.value('sources');
  return {
    ...(sources === undefined ? {} : { sources: readSources(sources) }),
    ...readImageLibrary(invocation.value('image-library')),
    clock: clockOf(io),
    signal: io.signal,
  };
}

type LocalOptions = Pick<VerifyOptions, 'sources' | 'signingSubkeys'> &
  Required<Pick<VerifyOptions, 'clock' | 'signal'>>;

export async function nodeNameOf(host: Host): Promise<string> {
  return (await readFacts(host)).hostname ?? 'this node';
}

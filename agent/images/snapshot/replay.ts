import type { Clock } from '../../../shared/clock.ts';
import type { ImageVerdict } from '../../../shared/images.ts';
import type { CheckedCandidate } from '../../../shared/simulation/candidate.ts';
import type { NodeSimulation } from '../../../shared/simulation.ts';
import type { Host } from '../../host.ts';
import { readConfFiles } from '../../registries-conf.ts';
import { type NodeTrust, type PolicyFile, readPolicyFile } from '../../trust.ts';
import type { TrustContent } from '../../trust-files.ts';
import { keyPathsOf, readKeyFiles } from '../../trust-keys.ts';
import { assess } from '../assess.ts';
import { folderOf, trustWith } from '../candidate-trust.ts';
import { DataReader } from '../data-reader.ts';
import { assignJudges, nodePolicyOf } from '../policy-judges.ts';
import { nodeSimulation, type Said } from '../rehearse.ts';
import { usersOf } from '../runtime.ts';
import { selectImages } from '../select.ts';
import { readImageStore } from '../store.ts';
import { VerdictCache } from '../verdict-cache.ts';
import type { VerifyOptions } from '../verify-options.ts';
import { RecordedHost } from './recorded-files.ts';
import type { NodeSnapshot, PolicyPlace } from './snapshot.ts';

export type ReplayOptions = Pick<VerifyOptions, 'sources' | 'signingSubkeys' | 'signal'> & {
  readonly clock: Clock;
};

/** As `rehearse`, of a node as a snapshot has it: by the same judge, at the present time. */
export async function rehearseSnapshot(
  snapshot: NodeSnapshot,
  checked: CheckedCandidate,
  options: ReplayOptions,
): Promise<NodeSimulation> {
  const host = new RecordedHost(snapshot.files);
  const trust = await trustOf(host, snapshot.trust);
  const changed = await trustWith(host, trust, checked);
  const now = await judgeAll(host, snapshot, trust, options);
  const after = await judgeAll(host, snapshot, changed, options);
  return nodeSimulation(trust, changed, now, after, checked);
}

async function judgeAll(
  host: Host,
  { storage, uses, gaps }: NodeSnapshot,
  trust: NodeTrust,
  options: ReplayOptions,
): Promise<Said> {
  const nowMs = options.clock.nowMs();
  const store = await readImageStore(host, storage);
  const { selected } = selectImages(store, []);
  const judged = assignJudges(store, selected, trust, usersOf(uses, []));
  const reader = await DataReader.open(host, store, nowMs);
  const pass = { host, store, reader, nowMs, isOffline: true };
  const { found } = await assess(judged, trust, options, { pass, cache: new VerdictCache() });
  return {
    verdicts: found.map((one) => unlessUnseen(one.judged.verdict, trust.keyFiles)),
    policyPath: nodePolicyOf(trust).path,
    faults: gaps.map((message) => ({ message })),
  };
}

/** No key changes these. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set(['policy-reject', 'no-signature']);

/** A key file that nobody looked for when the snapshot was taken may well be on the node. */
function unlessUnseen(
  verdict: ImageVerdict,
  keyFiles: ReadonlyMap<string, TrustContent>,
): ImageVerdict {
  if (verdict.verdict !== 'rejected' || WITHOUT_KEYS.has(verdict.reason ?? '')) return verdict;
  const unseen = verdict.requirements
    .flatMap(keyPathsOf)
    .map((path) => keyFiles.get(path)?.problem)
    .find((problem) => problem?.reason === 'not-visible');
  if (unseen === undefined) return verdict;
  return { ...verdict, verdict: 'unknown', reason: unseen.reason, message: unseen.message };
}

async function trustOf(host: Host, from: NodeSnapshot['trust']): Promise<NodeTrust> {
  const { policy, policyFolder, signaturePolicy, namespacePolicies } = from;
  const { registriesD, registriesConf } = from;
  const read = async (place: PolicyPlace): Promise<PolicyFile> =>
    place.problem === undefined
      ? await readPolicyFile(host, place.path)
      : { path: place.path, problem: place.problem };
  const own = signaturePolicy === undefined ? undefined : await read(signaturePolicy);
  const system = { ...(await read(policy)), origin: policy.origin };
  const spaces = [];
  for (const { namespace, ...place } of namespacePolicies) {
    spaces.push({ ...(await read(place)), ...(namespace === undefined ? {} : { namespace }) });
  }
  const policies = [system, own, ...spaces];
  const known = { ...registriesD, files: registriesD.files.map((path) => ({ path })) };
  const dropIns = registriesConf.files.filter((path) => path !== registriesConf.path);
  return {
    policy: system,
    registriesD: await folderOf(host, known, new Map(), false),
    registriesConf: await readConfFiles(host, registriesConf.path, dropIns),
    crio: {
      policyFolder,
      ...(own === undefined ? {} : { signaturePolicy: own }),
      namespacePolicies: spaces,
    },
    keyFiles: await readKeyFiles(
      host,
      policies.flatMap((file) => file?.policy ?? []),
    ),
  };
}

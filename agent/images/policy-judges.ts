import type { ImageUser } from '../../shared/images.ts';
import type { NamespacePolicy, NodeTrust, PolicyFile } from '../trust.ts';
import type { TrustContent } from '../trust-files.ts';
import { keyPathsIn } from '../trust-keys.ts';
import { judgedName } from './named-image.ts';
import type { ImageUse, ImageUsers } from './runtime.ts';
import type { SelectedImage } from './select.ts';
import type { ImageStore } from './store.ts';

/** A policy that judges images, and for whom. */
export interface PolicyJudge {
  readonly file: PolicyFile;
  /** Set when the policy is that of one namespace. */
  readonly namespace?: string;
  /** The users it speaks to, by image id. */
  readonly users: ReadonlyMap<string, readonly ImageUser[]>;
  /** All that its verdicts depend on beside the images, as one text: what it is by content, not by name. */
  readonly basis: string;
}

/** An image under one name before one judge. */
export interface JudgedImage extends SelectedImage {
  readonly judge: PolicyJudge;
  /** Image, name and judge as one text. */
  readonly key: string;
}

/** The policy that judges for the node as a whole: CRI-O's own when it has one, and with it the kubelet's. */
export function nodePolicyOf({ policy, crio }: NodeTrust): PolicyFile {
  return crio.signaturePolicy ?? policy;
}

/**
 * Who judges which image: the policy of the node all of them; the system's policy those of podman's containers, when
 * CRI-O has a policy of its own; that of a namespace those that its pods use, under the names they asked for.
 * `more`: what verdicts depend on beside policy and keys.
 */
export function assignJudges(
  store: ImageStore,
  selected: readonly SelectedImage[],
  trust: NodeTrust,
  { uses, byImage }: ImageUsers,
  ...more: readonly unknown[]
): readonly JudgedImage[] {
  const judgeOf = (file: PolicyFile, users: PolicyJudge['users'], namespace?: string) => ({
    file,
    users,
    basis: basisOf(file, trust.keyFiles, ...more),
    ...(namespace === undefined ? {} : { namespace }),
  });
  const spaces = [...byNamespace(uses)].flatMap(([namespace, here]) => {
    const file = policyFor(namespace, trust.crio.namespacePolicies);
    if (file === undefined) return [];
    const judge = judgeOf(file, usersIn(here), namespace);
    return namedBy(here, store, selected).map((one) => before(judge, one));
  });
  const { signaturePolicy: own } = trust.crio;
  if (own === undefined) {
    const judge = judgeOf(trust.policy, byImage);
    return [...selected.map((one) => before(judge, one)), ...spaces];
  }
  const pods = usersIn(uses.filter(({ user }) => user.pod !== undefined));
  const podman = usersIn(uses.filter(({ user }) => user.pod === undefined));
  const [crio, system] = [judgeOf(own, pods), judgeOf(trust.policy, podman)];
  const nodeWide = selected.flatMap((one): readonly JudgedImage[] => {
    const isPodman = podman.has(one.image.id);
    const isCrio = pods.has(one.image.id) || !isPodman;
    return [...(isCrio ? [before(crio, one)] : []), ...(isPodman ? [before(system, one)] : [])];
  });
  return [...nodeWide, ...spaces];
}

function before(judge: PolicyJudge, one: SelectedImage): JudgedImage {
  const { image, name } = one;
  const key = `${image.id} ${name ?? ''} ${judge.namespace ?? ''} ${judge.file.path}`;
  return { image, ...(name === undefined ? {} : { name }), judge, key };
}

/** Containers of pods by their namespace; CRI-O asks no policy about what holds a pod's namespaces together. */
function byNamespace(uses: readonly ImageUse[]): ReadonlyMap<string, readonly ImageUse[]> {
  const spaces = new Map<string, ImageUse[]>();
  for (const use of uses) {
    const { namespace } = use.user;
    if (namespace === undefined || use.isSandbox) continue;
    const known = spaces.get(namespace);
    if (known === undefined) spaces.set(namespace, [use]);
    else known.push(use);
  }
  return spaces;
}

/** A folder that cannot be listed may have a policy for any namespace. */
function policyFor(
  namespace: string,
  policies: readonly NamespacePolicy[],
): PolicyFile | undefined {
  return (
    policies.find((file) => file.namespace === namespace) ??
    policies.find((file) => file.namespace === undefined)
  );
}

function usersIn(uses: readonly ImageUse[]): PolicyJudge['users'] {
  const users = new Map<string, ImageUser[]>();
  for (const { image, user } of uses) {
    const known = users.get(image);
    if (known === undefined) users.set(image, [user]);
    else known.push(user);
  }
  return users;
}

/** The images of a namespace by the names it asked for; by all their own where a record does not say which. */
function namedBy(
  uses: readonly ImageUse[],
  store: ImageStore,
  selected: readonly SelectedImage[],
): readonly SelectedImage[] {
  const images = new Map(selected.toReversed().map(({ image }) => [image.id, image]));
  return [...Map.groupBy(uses, ({ image }) => image)].flatMap(([id, here]) => {
    const image = images.get(id);
    if (image === undefined) return [];
    const own = store.images.filter((one) => one.id === id).flatMap((one) => one.names);
    const names = here.flatMap(({ name }) => name ?? own.map(judgedName));
    if (names.length === 0) return [{ image }];
    return [...new Set(names)].map((name) => ({ image, name }));
  });
}

function basisOf(
  { path, sha256, policy, problem }: PolicyFile,
  keyFiles: ReadonlyMap<string, TrustContent>,
  ...more: readonly unknown[]
): string {
  const keys = policy === undefined ? [] : [...keyPathsIn(policy)];
  const contents = keys.map((key) => {
    const { sha256: content, problem: fault } = keyFiles.get(key) ?? {};
    return [key, content, fault?.message];
  });
  return JSON.stringify([path, sha256, problem?.message, contents, ...more]);
}

import { type Clock, systemClock } from '../../shared/clock.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { type Host, isReadingReason } from '../host.ts';
import type { HttpReader } from '../signatures/http.ts';
import { openSources } from '../signatures/index.ts';
import { networkFor } from '../signatures/network.ts';
import type { SourceId } from '../signatures/source.ts';
import type { NodeTrust } from '../trust.ts';
import { type Evaluator, inThisThread } from './evaluator.ts';
import { toImageVerdict } from './image-verdict.ts';
import { Judge } from './judge.ts';
import { type ImageUsers, readImageUsers } from './runtime.ts';
import { type SelectedImage, selectImages } from './select.ts';
import { readStorageConfig, type StorageConfig } from './storage-conf.ts';
import { type ImageStore, isUnchanged, readImageStore, type StoreFolder } from './store.ts';
import type { Trouble } from './trouble.ts';
import { VerdictCache } from './verdict-cache.ts';

export interface VerifyOptions {
  /**
   * Where signatures are taken from, asked in this order; default `store`, then `lookaside` as far as it is files of
   * the node. Servers are asked only when they are named here (`--sources`, `sources` of agent.yaml): `lookaside`
   * switches on lookasides over http(s), `registry` the registry, with the node's certificates and pull secret.
   *
   * The first source that satisfies the policy decides. Where none does, the image is refused for the reason of the
   * first source that had signatures at all, unless a later source could not be asked: then the answer is `unknown`
   * when the store has none. A server that does not answer is never a reason to refuse; content that the node's own
   * tools would not take is. `store` alone says what skopeo, podman and CRI-O say of the stored image; `lookaside`
   * alone what a pull of the same manifest would be told now, which an unreadable signature stops under any policy;
   * `registry` the same of the registry, and beside it `lookaside` is read as a part of that pull.
   */
  readonly sources?: readonly SourceId[];
  /** Names, image ids (12 digits of hex or more) or digests; absent or empty: every image of the store. */
  readonly references?: readonly string[];
  /** Asks servers; default: one that knows of no earlier failures. */
  readonly http?: HttpReader;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** What judges signatures; default: this thread. */
  readonly evaluator?: Evaluator;
  /** Verdicts of earlier passes; default: none are known. */
  readonly cache?: VerdictCache;
  /** Signing subkeys count, as since containers/image 5.37.0; default true. */
  readonly signingSubkeys?: boolean;
}

/** A part of the store that could not be read, so that images in it are not among the verdicts. */
export interface StoreFault {
  /** The node's path: a folder of images, or a configuration file. */
  readonly path: string;
  /** `records`, `record`, `config`, or a reason of reading: `permission`, `too-large`, … */
  readonly reason: string;
  readonly message: string;
}

/** A folder of images as it was found. */
export interface SearchedFolder {
  readonly path: string;
  readonly kind: StoreFolder['kind'];
  readonly isPresent: boolean;
  /** Records that could be read. */
  readonly images: number;
}

export interface ImageVerification {
  /** One for each image and name, in the order of the store; a nameless image has one as `<none>`. */
  readonly verdicts: readonly ImageVerdict[];
  readonly faults: readonly StoreFault[];
  /** The folders of images that were looked at, in the order of search. */
  readonly folders: readonly SearchedFolder[];
  /** References asked for that no image of the store has. */
  readonly notFound: readonly string[];
  /** Images judged anew in this pass; the others were known from earlier ones. */
  readonly evaluations: number;
}

const DEFAULT_SOURCES: readonly SourceId[] = ['store', 'lookaside'];
/** Images read and judged together. */
const BATCH = 64;
/** Times the store is read, if writers are at work in it. */
const PASSES = 3;

/**
 * Judges the images already on the node by the policy in force: each under each of its names, as CRI-O would when a
 * container is made of it. Only reads; never throws for a state of the node. Throws the signal's reason.
 */
export async function verifyImages(
  host: Host,
  trust: NodeTrust,
  options: VerifyOptions = {},
): Promise<ImageVerification> {
  const { references = [], cache = new VerdictCache() } = options;
  const config = await readStorageConfig(host);
  const known = new Map<string, Known>();
  let evaluations = 0;
  for (let pass = 1; ; pass++) {
    const store = await readImageStore(host, config);
    const { selected, notFound } = selectImages(store, references);
    // What a writer has not touched needs no second look.
    const changed = selected.filter((one) => known.get(keyOf(one))?.state !== stateOf(one));
    const users = await readImageUsers(host, config, store.driver);
    const judged = await judgeAll(changed, trust, options, { host, store, users, cache });
    evaluations += judged.evaluations;
    for (const [index, one] of changed.entries()) {
      const verdict = judged.verdicts[index];
      if (verdict !== undefined) known.set(keyOf(one), { state: stateOf(one), verdict });
    }
    const isSettled = await isUnchanged(host, store);
    if (!isSettled && pass < PASSES) continue;
    if (references.length === 0) cache.endPass();
    const doubtful = new Set(isSettled ? [] : changed);
    const verdicts = selected.flatMap((one) => {
      const verdict = known.get(keyOf(one))?.verdict;
      if (verdict === undefined) return [];
      return doubtful.has(one) ? [unlessChanging(verdict)] : [verdict];
    });
    const faults = faultsOf(config, store, users);
    const folders = store.folders.map(searched);
    return { verdicts, faults, folders, notFound, evaluations };
  }
}

interface Known {
  readonly state: string;
  readonly verdict: ImageVerdict;
}

interface Scene {
  readonly host: Host;
  readonly store: ImageStore;
  readonly users: ImageUsers;
  readonly cache: VerdictCache;
}

async function judgeAll(
  images: readonly SelectedImage[],
  trust: NodeTrust,
  options: VerifyOptions,
  { host, store, users, cache }: Scene,
): Promise<Pick<ImageVerification, 'verdicts' | 'evaluations'>> {
  const { policy } = trust.policy;
  const { sources = DEFAULT_SOURCES, evaluator = inThisThread, clock = systemClock } = options;
  const { signal = new AbortController().signal, signingSubkeys } = options;
  if (policy === undefined) {
    const verdicts = images.map((image) => withoutPolicy(image, trust, users));
    return { verdicts, evaluations: 0 };
  }
  const subkeys = signingSubkeys === undefined ? {} : { signingSubkeys };
  const judge = new Judge({
    host,
    store,
    basis: { policy, keyFiles: trust.keyFiles, ...subkeys },
    users: users.byImage,
    sources: openSources(sources, { host, trust, store, ...networkFor(host, options) }),
    evaluator,
    cache,
    nowMs: clock.nowMs(),
    signal,
  });
  const verdicts: ImageVerdict[] = [];
  for (let from = 0; from < images.length; from += BATCH) {
    signal.throwIfAborted();
    verdicts.push(...(await judge.judge(images.slice(from, from + BATCH))));
  }
  return { verdicts, evaluations: judge.evaluations };
}

/** Without a policy that can be read the node's tools refuse to work at all; that is no word on the image. */
function withoutPolicy(image: SelectedImage, trust: NodeTrust, users: ImageUsers): ImageVerdict {
  const { problem } = trust.policy;
  const outcome: Trouble = {
    verdict: 'unknown',
    reason: policyReason(problem?.reason),
    message: problem?.message ?? 'no policy could be read',
  };
  const attempt = { source: 'none', count: 0, outcome };
  return toImageVerdict(image, undefined, [attempt], users.byImage.get(image.image.id) ?? []);
}

function policyReason(reason = 'missing'): string {
  if (reason === 'missing') return 'policy-missing';
  return isReadingReason(reason) ? 'policy-unreadable' : 'policy-invalid';
}

/** Read beside a writer that never rested, damage may be a change half seen. */
function unlessChanging(verdict: ImageVerdict): ImageVerdict {
  if (verdict.verdict !== 'rejected') return verdict;
  const message = 'the store was being changed all the while it was read';
  return { ...verdict, verdict: 'unknown', reason: 'store-changing', message };
}

function keyOf({ image, name = '' }: SelectedImage): string {
  return `${image.id} ${name}`;
}

/** What a writer changes with an image's data. */
function stateOf({ image }: SelectedImage): string {
  const { digest, metadata, dataDigests, folder } = image;
  return JSON.stringify([folder, digest, metadata, ...dataDigests]);
}

function searched({ path, kind, identity, problem, records }: StoreFolder): SearchedFolder {
  const isPresent = identity !== '' || problem !== undefined;
  return { path, kind, isPresent, images: records.length };
}

function faultsOf(
  config: StorageConfig,
  store: ImageStore,
  users: ImageUsers,
): readonly StoreFault[] {
  const other = [...config.problems, ...users.problems];
  return [
    ...store.folders.flatMap(({ path, problem }) => (problem ? [{ path, ...problem }] : [])),
    ...store.folders.flatMap(({ path, damaged }) =>
      damaged.map(({ message }) => ({ path, reason: 'record', message })),
    ),
    ...other.map((message) => ({ path: store.root, reason: 'config', message })),
  ];
}

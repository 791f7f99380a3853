import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '../../shared/clock.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { type Host, isReadingReason } from '../host.ts';
import type { HttpReader } from '../signatures/http.ts';
import { openSources } from '../signatures/index.ts';
import { networkFor } from '../signatures/network.ts';
import type { SourceId } from '../signatures/source.ts';
import type { NodeTrust } from '../trust.ts';
import { type ImageContents, inspectContents } from './contents.ts';
import { DataReader } from './data-reader.ts';
import { type Evaluator, inThisThread } from './evaluator.ts';
import { toImageVerdict } from './image-verdict.ts';
import { Judge, type Judged } from './judge.ts';
import { inspectLayers, type LayerFault } from './layer-faults.ts';
import type { LayerFolder } from './layers.ts';
import { type Assessment, basisOf, keyOf, type Pass, PassMemory, stateOf } from './pass-memory.ts';
import type { ReleaseNote } from './release.ts';
import { markReleases } from './release-marks.ts';
import type { ReleaseSettings } from './release-signature.ts';
import { type ImageUsers, readImageUsers } from './runtime.ts';
import { type SelectedImage, selectImages } from './select.ts';
import { readStorageConfig, type StorageConfig } from './storage-conf.ts';
import { type ImageStore, isUnchanged, type StoreFolder } from './store.ts';
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
  /** Files read in earlier passes; default: none are known. */
  readonly memory?: PassMemory;
  /** Also hold manifests and configurations against their digests; default: false. */
  readonly contents?: boolean;
  /** How releases of OpenShift are verified beside the policy; `false`: images are not held against releases at all. */
  readonly release?: ReleaseSettings | false;
  /** Signing subkeys count, as since containers/image 5.37.0; default true. */
  readonly signingSubkeys?: boolean;
}

/** A part of the store that could not be read, so that images in it are not among the verdicts. */
export interface StoreFault {
  /** The node's path: a folder of images or of layers, or a configuration file. */
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
  /** One for each image whose layers are not there or not finished; none while the store is being changed. */
  readonly layerFaults: readonly LayerFault[];
  /** The folders of images that were looked at, in the order of search. */
  readonly folders: readonly SearchedFolder[];
  /** Release images that vouch for no other image, and why. */
  readonly releaseNotes: readonly ReleaseNote[];
  /** References asked for that no image of the store has. */
  readonly notFound: readonly string[];
  /** One for each image, in the same order; none when contents were not asked for. */
  readonly contents: readonly ImageContents[];
  /** The policy in force. */
  readonly policyPath: string;
  /** Names by which containers asked for an image, by image id. */
  readonly askedNames: ReadonlyMap<string, ReadonlySet<string>>;
  /** `additionalimagestores` of storage.conf. */
  readonly additionalStores: readonly string[];
  /** Images judged anew in this pass; the others were known from earlier ones. */
  readonly evaluations: number;
}

const DEFAULT_SOURCES: readonly SourceId[] = ['store', 'lookaside'];
/** Images read and judged together. */
const BATCH = 64;
/** Times the store is read, if writers are at work in it. */
const ROUNDS = 3;

/**
 * Judges the images already on the node by the policy in force: each under each of its names, as CRI-O would when a
 * container is made of it. Only reads; never throws for a state of the node. Throws the signal's reason.
 */
export async function verifyImages(
  host: Host,
  trust: NodeTrust,
  options: VerifyOptions = {},
): Promise<ImageVerification> {
  const { references = [], cache = new VerdictCache(), memory = new PassMemory() } = options;
  const { clock = systemClock, sources = DEFAULT_SOURCES, signingSubkeys, contents } = options;
  const basis = basisOf(trust, sources, signingSubkeys, contents);
  const config = await readStorageConfig(host);
  const known = new Map<string, Known>();
  let evaluations = 0;
  for (let round = 1; ; round++) {
    await setImmediate();
    const nowMs = clock.nowMs();
    const store = await memory.readStore(host, config, nowMs);
    const { selected, notFound } = selectImages(store, references);
    const users = await readImageUsers(host, config, store.driver);
    const reader = await DataReader.open(host, store, nowMs);
    const pass: Pass = { host, store, reader, nowMs, basis };
    // What a writer has not touched needs no second look.
    const changed = selected.filter((one) => {
      if (known.get(keyOf(one))?.state === stateOf(one)) return false;
      const assessment = memory.recall(pass, one, cache);
      if (assessment !== undefined) known.set(keyOf(one), knownAs(one, assessment, users));
      return assessment === undefined;
    });
    const assessed = await assess(changed, trust, options, { pass, users, cache });
    evaluations += assessed.evaluations;
    const layers = await memory.layers.read(host, store);
    const isSettled = await isUnchanged(host, store);
    for (const [index, one] of changed.entries()) {
      const found = assessed.found[index];
      if (found === undefined) continue;
      const { judged } = found;
      if (isSettled) memory.keep(pass, one, judged, found.contents);
      known.set(keyOf(one), { state: stateOf(one), ...found, verdict: judged.verdict });
    }
    if (!isSettled && round < ROUNDS) continue;
    if (references.length === 0) {
      cache.endPass();
      memory.endPass(selected);
    }
    const doubtful = new Set(isSettled ? [] : changed.map(keyOf));
    const assessments = selected.flatMap((one) => {
      const assessment = known.get(keyOf(one));
      if (assessment === undefined) return [];
      return [doubtful.has(keyOf(one)) ? unlessChanging(assessment) : assessment];
    });
    const verdicts = assessments.map(({ verdict }) => verdict);
    const releases = await markReleases(verdicts, isSettled, options, {
      ...{ host, store, layers, reader, memory: memory.releases, nowMs },
      judge: async (id) =>
        (await verifyImages(host, trust, { ...options, references: [id], release: false }))
          .verdicts,
    });
    return {
      verdicts: releases.verdicts,
      releaseNotes: releases.notes,
      contents: contentsOf(assessments),
      policyPath: trust.policy.path,
      askedNames: users.askedNames,
      additionalStores: config.additionalImageStores,
      faults: faultsOf(config, store, users, layers),
      // An image that was removed meanwhile has no layers, and is no longer there to miss them.
      layerFaults: isSettled ? inspectLayers(layers, selected) : [],
      folders: store.folders.map(searched),
      notFound,
      evaluations,
    };
  }
}

interface Known extends Assessment {
  readonly state: string;
}

function knownAs(one: SelectedImage, { verdict, contents }: Assessment, users: ImageUsers): Known {
  const pods = users.byImage.get(one.image.id) ?? [];
  return {
    state: stateOf(one),
    verdict: { ...verdict, pods },
    ...(contents === undefined ? {} : { contents }),
  };
}

interface Scene {
  readonly pass: Pass;
  readonly users: ImageUsers;
  readonly cache: VerdictCache;
}

interface Found {
  readonly judged: Judged;
  readonly contents?: ImageContents;
}

async function assess(
  images: readonly SelectedImage[],
  trust: NodeTrust,
  options: VerifyOptions,
  { pass, users, cache }: Scene,
): Promise<{ readonly found: readonly Found[]; readonly evaluations: number }> {
  const { reader, store, nowMs } = pass;
  const { policy } = trust.policy;
  const { sources = DEFAULT_SOURCES, evaluator = inThisThread } = options;
  const { signal = new AbortController().signal, signingSubkeys } = options;
  const subkeys = signingSubkeys === undefined ? {} : { signingSubkeys };
  const judge =
    policy === undefined
      ? undefined
      : new Judge({
          host: reader,
          store,
          basis: { policy, keyFiles: trust.keyFiles, ...subkeys },
          users: users.byImage,
          sources: openSources(sources, {
            host: reader,
            trust,
            store,
            ...networkFor(pass.host, options),
          }),
          evaluator,
          cache,
          nowMs,
          signal,
        });
  const found: Found[] = [];
  for (let from = 0; from < images.length; from += BATCH) {
    // The host is read at once: without it nothing else of this process has a turn while a large store is judged.
    await setImmediate();
    signal.throwIfAborted();
    const batch = images.slice(from, from + BATCH);
    const judged =
      (await judge?.judge(batch)) ?? batch.map((image) => withoutPolicy(image, trust, users));
    for (const [index, one] of judged.entries()) {
      const image = batch[index]?.image;
      if (options.contents !== true || image === undefined) found.push({ judged: one });
      else {
        found.push({ judged: one, contents: await inspectContents(reader, store, image) });
      }
    }
    reader.release();
  }
  return { found, evaluations: judge?.evaluations ?? 0 };
}

/** Without a policy that can be read the node's tools refuse to work at all; that is no word on the image. */
function withoutPolicy(image: SelectedImage, trust: NodeTrust, users: ImageUsers): Judged {
  const { problem } = trust.policy;
  const outcome: Trouble = {
    verdict: 'unknown',
    reason: policyReason(problem?.reason),
    message: problem?.message ?? 'no policy could be read',
  };
  const attempt = { source: 'none', count: 0, outcome };
  const pods = users.byImage.get(image.image.id) ?? [];
  const verdict = toImageVerdict(image, undefined, [attempt], pods);
  return { verdict, attempts: [attempt] };
}

function policyReason(reason = 'missing'): string {
  if (reason === 'missing') return 'policy-missing';
  return isReadingReason(reason) ? 'policy-unreadable' : 'policy-invalid';
}

/** Read beside a writer that never rested, damage may be a change half seen. */
function unlessChanging({ verdict, contents }: Assessment): Assessment {
  const message = 'the store was being changed all the while it was read';
  const { imageId } = verdict;
  return {
    verdict:
      verdict.verdict === 'rejected'
        ? { ...verdict, verdict: 'unknown', reason: 'store-changing', message }
        : verdict,
    ...(contents === undefined
      ? {}
      : {
          contents:
            contents.faults.length === 0
              ? contents
              : { imageId, compared: 0, faults: [], problem: message },
        }),
  };
}

function contentsOf(assessments: readonly Assessment[]): readonly ImageContents[] {
  const byImage = new Map(
    assessments.flatMap(({ contents }) =>
      contents === undefined ? [] : [[contents.imageId, contents]],
    ),
  );
  return [...byImage.values()];
}

function searched({ path, kind, identity, problem, records }: StoreFolder): SearchedFolder {
  const isPresent = identity !== '' || problem !== undefined;
  return { path, kind, isPresent, images: records.length };
}

function faultsOf(
  config: StorageConfig,
  store: ImageStore,
  users: ImageUsers,
  layers: readonly LayerFolder[],
): readonly StoreFault[] {
  const other = [...config.problems, ...users.problems];
  return [
    ...store.folders.flatMap(({ path, problem }) => (problem ? [{ path, ...problem }] : [])),
    ...store.folders.flatMap(({ path, damaged }) =>
      damaged.map(({ message }) => ({ path, reason: 'record', message })),
    ),
    // Where the images cannot be read either, one word is enough.
    ...layers.flatMap(({ path, problem }, index) =>
      problem && store.folders[index]?.problem === undefined ? [{ path, ...problem }] : [],
    ),
    ...layers.flatMap(({ path, damaged }) =>
      damaged.map((message) => ({ path, reason: 'record', message })),
    ),
    ...other.map((message) => ({ path: store.root, reason: 'config', message })),
  ];
}

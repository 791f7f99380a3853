import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../shared/clock.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';
import { assess } from './assess.ts';
import type { ImageContents } from './contents.ts';
import { DataReader } from './data-reader.ts';
import { inspectLayers, type LayerFault } from './layer-faults.ts';
import { type Assessment, type Pass, PassMemory, stateOf } from './pass-memory.ts';
import { assignJudges, type JudgedImage, nodePolicyOf } from './policy-judges.ts';
import type { ReleaseNote } from './release.ts';
import { markReleases } from './release-marks.ts';
import { type ImageUse, readImageUsers } from './runtime.ts';
import { selectImages } from './select.ts';
import { readStorageConfig, type StorageConfig } from './storage-conf.ts';
import { isUnchanged } from './store.ts';
import { faultsOf, type SearchedFolder, type StoreFault, searched } from './store-faults.ts';
import { VerdictCache } from './verdict-cache.ts';
import { DEFAULT_SOURCES, type VerifyOptions } from './verify-options.ts';

export interface ImageVerification {
  /**
   * One for each image and name, in the order of the store; a nameless image has one as `<none>`. Then those by the
   * policies of namespaces, on the images that pods of the namespace use.
   */
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
  /** The policy that judges for the node as a whole. */
  readonly policyPath: string;
  /** Containers with the images they are made of. */
  readonly uses: readonly ImageUse[];
  /** When images in the store were made, by image id, as their records have it. */
  readonly created: ReadonlyMap<string, string>;
  /** Places besides the node's own that images, layers and artifacts come from. */
  readonly additional: AdditionalStores;
  /** Images judged anew in this pass; the others were known from earlier ones. */
  readonly evaluations: number;
}

/** Folders of additional stores, in the order of their configuration. */
export type AdditionalStores = Pick<
  StorageConfig,
  'additionalImageStores' | 'additionalLayerStores' | 'additionalArtifactStores'
>;

/** Times the store is read, if writers are at work in it. */
const ROUNDS = 3;

/**
 * Judges the images already on the node by the policies in force: each under each of its names, as CRI-O would when a
 * container is made of it. Only reads; never throws for a state of the node. Throws the signal's reason.
 */
export async function verifyImages(
  host: Host,
  trust: NodeTrust,
  options: VerifyOptions = {},
): Promise<ImageVerification> {
  const { references = [], cache = new VerdictCache(), memory = new PassMemory() } = options;
  const { clock = systemClock, sources = DEFAULT_SOURCES, signingSubkeys, contents } = options;
  const config = await readStorageConfig(host);
  const known = new Map<string, Known>();
  let evaluations = 0;
  for (let round = 1; ; round++) {
    await setImmediate();
    const nowMs = clock.nowMs();
    const store = await memory.readStore(host, config, nowMs);
    const { selected: images, notFound } = selectImages(store, references);
    const users = await readImageUsers(host, config, store.driver);
    const judging = [sources, signingSubkeys, contents, registriesIn(trust)];
    const selected = assignJudges(store, images, trust, users, ...judging);
    const reader = await DataReader.open(host, store, nowMs);
    const isOffline = options.sources === undefined;
    const pass: Pass = { host, store, reader, nowMs, isOffline };
    // What a writer has not touched needs no second look.
    const changed = selected.filter((one) => {
      if (known.get(one.key)?.state === stateOf(one)) return false;
      const assessment = memory.recall(pass, one, cache);
      if (assessment !== undefined) known.set(one.key, { assessment, state: stateOf(one) });
      return assessment === undefined;
    });
    const assessed = await assess(changed, trust, options, {
      pass,
      cache,
      ...(options.release === false ? {} : { candidates: memory.releases.candidates }),
    });
    evaluations += assessed.evaluations;
    const layers = await memory.layers.read(host, store);
    const isSettled = await isUnchanged(host, store);
    for (const [index, one] of changed.entries()) {
      const found = assessed.found[index];
      if (found === undefined) continue;
      const { judged } = found;
      if (isSettled) memory.keep(pass, one, judged, found.contents);
      const assessment = { verdict: judged.verdict, contents: found.contents };
      known.set(one.key, { state: stateOf(one), assessment });
    }
    if (!isSettled && round < ROUNDS) continue;
    if (references.length === 0) {
      cache.endPass();
      memory.endPass(selected);
    }
    const doubtful = new Set(isSettled ? [] : changed.map(({ key }) => key));
    const assessments = selected.flatMap((one) => {
      const found = known.get(one.key);
      if (found === undefined) return [];
      const assessment = usedBy(one, found.assessment);
      return [doubtful.has(one.key) ? unlessChanging(assessment) : assessment];
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
      policyPath: nodePolicyOf(trust).path,
      uses: users.uses,
      created: new Map(store.images.map(({ id, created = '' }) => [id, created])),
      additional: config,
      faults: faultsOf(config, store, users, layers),
      // An image that was removed meanwhile has no layers, and is no longer there to miss them.
      layerFaults: isSettled ? inspectLayers(layers, selected) : [],
      folders: store.folders.map(searched),
      notFound,
      evaluations,
    };
  }
}

interface Known {
  readonly state: string;
  readonly assessment: Assessment;
}

/** Who uses an image is a matter of now, also when the verdict on it is an earlier one. */
function usedBy({ image, judge }: JudgedImage, assessment: Assessment): Assessment {
  const { verdict, contents } = assessment;
  const pods = judge.users.get(image.id) ?? [];
  // On most images nothing is said anew, and what lives on need not be made anew.
  if (pods.length === 0 && verdict.pods.length === 0) return assessment;
  return { verdict: { ...verdict, pods }, contents };
}

/** What decides where signatures are looked for, by content. */
function registriesIn({ registriesD, registriesConf }: NodeTrust): readonly unknown[] {
  return [registriesD, registriesConf].map(({ path, files, problem }) => [path, files, problem]);
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
    contents:
      contents === undefined || contents.faults.length === 0
        ? contents
        : { imageId, compared: 0, faults: [], problem: message },
  };
}

function contentsOf(assessments: readonly Assessment[]): readonly ImageContents[] {
  const byImage = new Map<string, ImageContents>();
  for (const { contents } of assessments) {
    if (contents !== undefined) byImage.set(contents.imageId, contents);
  }
  return [...byImage.values()];
}

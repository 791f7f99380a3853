import { CodedError } from '../../../shared/errors.ts';
import type { Policy } from '../../../shared/trust/policy-types.ts';
import type { Host } from '../../host.ts';
import { openSources } from '../../signatures/index.ts';
import type { SourceId } from '../../signatures/source.ts';
import type { NodeTrust, PolicyFile } from '../../trust.ts';
import { keyPathsIn } from '../../trust-keys.ts';
import { readNamedImage } from '../named-image.ts';
import { assignJudges } from '../policy-judges.ts';
import { readImageUsers } from '../runtime.ts';
import { type SelectedImage, selectImages } from '../select.ts';
import { readStorageConfig } from '../storage-conf.ts';
import { type ImageStore, readImageStore } from '../store.ts';
import { faultsOf } from '../store-faults.ts';
import { RecordingHost } from './recorded-files.ts';
import type { NodeSnapshot, PolicyPlace } from './snapshot.ts';

/** Signatures that are on the node's own disk; servers are not asked. */
const SOURCES: readonly SourceId[] = ['store', 'lookaside'];

/**
 * Everything of a node that it takes to judge its images again elsewhere: policies, registries configuration, public keys
 * that these or a candidate name, records, manifests and signatures of all images, and who uses them. Nothing else is in it:
 * no layers, no configuration of containers, no secrets. Only reads.
 */
export async function takeSnapshot(
  host: Host,
  trust: NodeTrust,
  about: Pick<NodeSnapshot, 'node' | 'takenAt'>,
  candidate?: Policy,
): Promise<NodeSnapshot> {
  const recording = new RecordingHost(host);
  const config = await readStorageConfig(host);
  const store = await readImageStore(recording, config);
  const users = await readImageUsers(host, config, store.driver);
  for (const path of trustPlaces(trust, candidate)) await tryRead(recording.readBytes(path));
  const judged = assignJudges(store, selectImages(store, []).selected, trust, users);
  for (const one of judged) await readAll(recording, store, trust, one);
  return {
    ...about,
    storage: { ...config, driver: store.driver },
    uses: users.uses,
    gaps: faultsOf(config, store, users, []).map(({ message }) => message),
    trust: {
      policy: { ...placeOf(trust.policy), origin: trust.policy.origin },
      policyFolder: trust.crio.policyFolder,
      ...(trust.crio.signaturePolicy && {
        signaturePolicy: placeOf(trust.crio.signaturePolicy),
      }),
      namespacePolicies: trust.crio.namespacePolicies.map((file) => ({
        ...placeOf(file),
        ...(file.namespace === undefined ? {} : { namespace: file.namespace }),
      })),
      registriesD: { ...folderOf(trust.registriesD), origin: trust.registriesD.origin },
      registriesConf: folderOf(trust.registriesConf),
    },
    files: recording.files,
  };
}

function placeOf({ path, problem }: PolicyFile): PolicyPlace {
  return { path, ...(problem === undefined ? {} : { problem }) };
}

function folderOf({ path, files }: Folder): NodeSnapshot['trust']['registriesConf'] {
  return { path, files: files.map((file) => file.path) };
}

interface Folder {
  readonly path: string;
  readonly files: readonly { readonly path: string }[];
}

function trustPlaces(
  { policy, crio, registriesD, registriesConf, keyFiles }: NodeTrust,
  candidate: Policy | undefined,
): readonly string[] {
  const policies = [policy, crio.signaturePolicy, ...crio.namespacePolicies];
  const all = [...policies, ...registriesD.files, ...registriesConf.files];
  const paths = all.flatMap((file) => file?.path ?? []);
  const named = candidate === undefined ? [] : keyPathsIn(candidate);
  const places = [...paths, registriesConf.path, ...keyFiles.keys(), ...named];
  return [...new Set(places)].filter((path) => path.startsWith('/'));
}

/** Has everything read that a judge may ask for, whatever its policy. */
async function readAll(
  host: Host,
  store: ImageStore,
  trust: NodeTrust,
  selected: SelectedImage,
): Promise<void> {
  const named = await tryRead(readNamedImage(host, store, selected));
  if (named === undefined) return;
  const { image, manifestDigest, list, reference } = named;
  const { signal } = new AbortController();
  for (const source of openSources(SOURCES, { host, trust, store })) {
    const query = {
      image,
      manifestDigest,
      wantsSigstore: true,
      ...(list === undefined ? {} : { instance: manifestDigest }),
      ...(reference === undefined ? {} : { reference }),
    };
    await tryRead(Array.fromAsync(source.signatures(query, signal)));
  }
}

/** What cannot be read was recorded as that; it is judged as that. */
async function tryRead<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

import { CodedError } from '../shared/errors.ts';
import { type CrioConfig, crioText, crioTexts, readCrioConfig } from './crio-config.ts';
import type { Host } from './host.ts';

/** What CRI-O uses when `signature_policy_dir` is not set. */
const POLICY_FOLDER = '/etc/crio/policies';

/** What CRI-O's configuration says of policies and stores; undefined where it leaves the default. */
export interface CrioPlaces {
  /** `signature_policy`: CRI-O's own policy.json instead of the system's. */
  readonly signaturePolicy: string | undefined;
  /** `signature_policy_dir`: policies of namespaces. */
  readonly signaturePolicyFolder: string;
  readonly root: string | undefined;
  readonly runRoot: string | undefined;
  readonly storageDriver: string | undefined;
  readonly imageStore: string | undefined;
  /** `storage_option`, of all files: they come behind those of storage.conf. */
  readonly storageOptions: readonly string[];
  /** `additional_artifact_stores`: folders of OCI artifacts besides CRI-O's own. */
  readonly additionalArtifactStores: readonly string[];
  /** A file or a value that CRI-O would not start with; then everything else is its default. */
  readonly problems: readonly string[];
}

/** Reads what CRI-O's configuration says of policies and stores. Never throws for a state of the node. */
export async function readCrioPlaces(host: Host): Promise<CrioPlaces> {
  try {
    return placesIn((await readCrioConfig(host)) ?? { files: [] }, []);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return placesIn({ files: [] }, [error.message]);
  }
}

function placesIn(config: CrioConfig, problems: readonly string[]): CrioPlaces {
  // An empty text sets a value back to its default.
  const text = (...keys: readonly string[]): string | undefined =>
    crioText(config, 'crio', ...keys)?.value || undefined;
  return {
    signaturePolicy: text('image', 'signature_policy'),
    signaturePolicyFolder: text('image', 'signature_policy_dir') ?? POLICY_FOLDER,
    root: text('root'),
    runRoot: text('runroot'),
    storageDriver: text('storage_driver'),
    imageStore: text('imagestore'),
    // Each file adds to them; of the same option the last one counts.
    storageOptions: config.files.flatMap(
      (file) => crioTexts({ files: [file] }, 'crio', 'storage_option')?.value ?? [],
    ),
    additionalArtifactStores:
      crioTexts(config, 'crio', 'image', 'additional_artifact_stores')?.value ?? [],
    problems,
  };
}

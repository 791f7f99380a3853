import * as v from 'valibot';
import { API_VERSION } from '../../../shared/api.ts';
import { CodedError } from '../../../shared/errors.ts';
import type { TrustOrigin } from '../../trust.ts';
import type { TrustProblem } from '../../trust-files.ts';
import type { ImageUse } from '../runtime.ts';
import type { StorageConfig } from '../storage-conf.ts';
import { isHostErrorCode, type Recorded } from './recorded-files.ts';

/** A file that is no snapshot; the message names the member. */
export class SnapshotError extends CodedError<'ERR_SNAPSHOT'> {}

/** Where a policy is; its content is among the files. */
export interface PolicyPlace {
  readonly path: string;
  readonly problem?: TrustProblem | undefined;
}
interface FolderPlace {
  readonly path: string;
  /** Paths of the files in it that count. */
  readonly files: readonly string[];
}

/** A node at one moment, as far as its images are judged by it. */
export interface NodeSnapshot {
  readonly node: string;
  /** RFC 3339. */
  readonly takenAt: string;
  readonly storage: StorageConfig;
  readonly uses: readonly ImageUse[];
  /** What could not be read when it was taken. */
  readonly gaps: readonly string[];
  readonly trust: {
    readonly policy: PolicyPlace & { readonly origin: TrustOrigin };
    readonly policyFolder: string;
    readonly signaturePolicy?: PolicyPlace | undefined;
    readonly namespacePolicies: readonly (PolicyPlace & {
      readonly namespace?: string | undefined;
    })[];
    readonly registriesD: FolderPlace & { readonly origin: TrustOrigin };
    readonly registriesConf: FolderPlace;
  };
  readonly files: ReadonlyMap<string, Recorded>;
}

const text = v.string();
const path = v.pipe(text, v.regex(/^\//, 'expected an absolute path'));
const origin = v.picklist(['user', 'system', 'vendor']);
const problem = v.object({
  reason: text,
  message: text,
  path: text,
  member: v.optional(text),
  line: v.optional(v.number()),
  column: v.optional(v.number()),
});
const place = { path: text, problem: v.optional(problem) };
const folder = { path, files: v.array(path) };
const user = v.object({ namespace: v.optional(text), pod: v.optional(text), container: text });
const recorded = v.union([
  v.strictObject({ base64: v.pipe(text, v.base64()) }),
  v.strictObject({ absent: v.literal(true) }),
  v.strictObject({ code: v.pipe(text, v.check(isHostErrorCode, 'unknown code')), message: text }),
]);
const snapshot = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('NodeSnapshot'),
  node: text,
  takenAt: v.pipe(text, v.isoTimestamp()),
  storage: v.object({
    driver: v.pipe(text, v.regex(/^[a-z0-9-]+$/)),
    graphRoot: path,
    runRoot: path,
    imageStore: v.optional(path),
    additionalImageStores: v.array(path),
    additionalLayerStores: v.array(path),
    additionalArtifactStores: v.array(path),
    transientStore: v.boolean(),
    files: v.array(text),
    problems: v.array(text),
  }),
  uses: v.array(v.object({ image: text, user, isSandbox: v.boolean(), name: v.optional(text) })),
  gaps: v.array(text),
  trust: v.object({
    policy: v.object({ ...place, origin }),
    policyFolder: text,
    signaturePolicy: v.optional(v.object(place)),
    namespacePolicies: v.array(v.object({ ...place, namespace: v.optional(text) })),
    registriesD: v.object({ ...folder, origin }),
    registriesConf: v.object(folder),
  }),
  files: v.record(path, recorded),
});

/** A snapshot as JSON text. */
export function snapshotText({ files, ...rest }: NodeSnapshot): string {
  const written = [...files].map(([name, file]) => [
    name,
    'bytes' in file ? { base64: file.bytes.toString('base64') } : file,
  ]);
  const body = { apiVersion: API_VERSION, kind: 'NodeSnapshot', ...rest };
  return `${JSON.stringify({ ...body, files: Object.fromEntries(written) }, null, 1)}\n`;
}

/** Reads what `snapshotText` wrote. Throws `SnapshotError`. */
export function readSnapshot(content: string): NodeSnapshot {
  const parsed = v.safeParse(snapshot, parseJson(content), { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? 'snapshot';
    throw new SnapshotError('ERR_SNAPSHOT', `${where}: ${issue.message.slice(0, 200)}`);
  }
  const { files, apiVersion: _, kind: __, ...rest } = parsed.output;
  const entries = Object.entries(files).map(([name, file]): readonly [string, Recorded] => {
    if ('base64' in file) return [name, { bytes: Buffer.from(file.base64, 'base64') }];
    return [name, file as Recorded]; // its code was checked
  });
  return { ...rest, files: new Map(entries) } as NodeSnapshot; // an absent member is one that is undefined
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new SnapshotError('ERR_SNAPSHOT', 'expected JSON', { cause });
  }
}

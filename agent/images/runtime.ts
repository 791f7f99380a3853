import { messageOf } from '../../shared/errors.ts';
import type { ImageUser } from '../../shared/images.ts';
import { type Host, HostError } from '../host.ts';
import type { StorageConfig } from './storage-conf.ts';

/** Who uses which image, by image id, from the records that CRI-O and podman keep of their containers. */
export interface ImageUsers {
  readonly byImage: ReadonlyMap<string, readonly ImageUser[]>;
  /** Names by which they asked for an image, by image id, as they stand in their records. */
  readonly askedNames: ReadonlyMap<string, ReadonlySet<string>>;
  /** Files or records that could not be read: then there may be users that are not named. */
  readonly problems: readonly string[];
}

/** CRI-O's containers are volatile, podman's are not; `transient_store` moves both into the run root. */
const FILE_NAMES = ['containers.json', 'volatile-containers.json'] as const;
const LIMIT_BYTES = 32 * 1024 * 1024;

/** Reads who uses which image. No runtime is asked. Never throws for a state of the node. */
export async function readImageUsers(
  host: Host,
  config: StorageConfig,
  driver: string,
): Promise<ImageUsers> {
  const problems: string[] = [];
  const containers = new Map<string, Container>();
  for (const root of new Set([config.graphRoot, config.runRoot])) {
    for (const name of FILE_NAMES) {
      const path = `${root}/${driver}-containers/${name}`;
      for (const container of await readContainers(host, path, problems)) {
        containers.set(container.id, container);
      }
    }
  }
  const byImage = new Map<string, ImageUser[]>();
  const askedNames = new Map<string, Set<string>>();
  for (const container of containers.values()) {
    const users = byImage.get(container.image) ?? [];
    byImage.set(container.image, [...users, userOf(container, containers)]);
    const name = text(container.metadata, 'image-name');
    if (name === undefined) continue;
    askedNames.set(container.image, (askedNames.get(container.image) ?? new Set()).add(name));
  }
  for (const users of byImage.values()) users.sort(byPlace);
  return { byImage, askedNames, problems };
}

/** The names of the node's containers by their ids, from the records in these folders; without what cannot be read. */
export async function readContainerNames(
  host: Host,
  folders: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const path of folders.flatMap((folder) => FILE_NAMES.map((name) => `${folder}/${name}`))) {
    for (const container of await readContainers(host, path, [])) {
      const [name] = container.names;
      if (name !== undefined) names.set(container.id, name);
    }
  }
  return names;
}

/** A record of containers.json with its metadata unpacked. */
interface Container {
  readonly id: string;
  /** Image id; what the user asked for stands in the metadata only, and the name may have moved on since. */
  readonly image: string;
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Namespace and pod stand only in the pod's own record, whose id is the `pod-id` of its containers. */
function userOf(container: Container, all: ReadonlyMap<string, Container>): ImageUser {
  const { metadata, names, id } = container;
  const podId = text(metadata, 'pod-id');
  if (podId === undefined) return { container: text(metadata, 'name') ?? names[0] ?? id };
  const pod = podId === id ? container : all.get(podId);
  const namespace = pod === undefined ? undefined : text(pod.metadata, 'namespace');
  const podName = pod === undefined ? undefined : text(pod.metadata, 'metadata-name');
  const isPod = podId === id;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    pod: podName ?? text(metadata, 'pod-name') ?? podId,
    // The container that holds the pod's namespaces together has no name of its own.
    container: isPod ? 'POD' : (text(metadata, 'metadata-name') ?? names[0] ?? id),
  };
}

async function readContainers(
  host: Host,
  path: string,
  problems: string[],
): Promise<readonly Container[]> {
  try {
    const bytes = await host.readBytes(path, LIMIT_BYTES);
    if (bytes === undefined) return [];
    const list: unknown = JSON.parse(bytes.toString());
    if (list === null) return [];
    if (!Array.isArray(list)) throw new SyntaxError('expected a list of containers');
    return list.flatMap((entry: unknown, index) => {
      const container = toContainer(entry);
      if (container === undefined) problems.push(`${path}: [${index}]: no record of a container`);
      return container ?? [];
    });
  } catch (error) {
    if (error instanceof HostError) problems.push(error.message);
    else if (error instanceof SyntaxError) problems.push(`${path}: ${messageOf(error)}`);
    else throw error;
    return [];
  }
}

function toContainer(entry: unknown): Container | undefined {
  if (!isObject(entry)) return undefined;
  const id = text(entry, 'id');
  const image = text(entry, 'image');
  const metadata = parseMetadata(text(entry, 'metadata') ?? '{}');
  if (id === undefined || metadata === undefined) return undefined;
  const names = entry['names'];
  return {
    id,
    // A container made from a root folder has no image.
    image: image ?? '',
    names: Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
    metadata,
  };
}

function parseMetadata(metadata: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(metadata);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = members[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function byPlace(a: ImageUser, b: ImageUser): number {
  const [x, y] = [placeOf(a), placeOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function placeOf({ namespace = '', pod = '', container }: ImageUser): string {
  return `${namespace}/${pod}/${container}`;
}

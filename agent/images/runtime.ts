import { messageOf } from '../../shared/errors.ts';
import type { ImageUser } from '../../shared/images.ts';
import { tryParseReference } from '../../shared/trust/reference.ts';
import { type ContainerConfig, readContainerConfig } from '../containers.ts';
import { type Host, HostError } from '../host.ts';
import { judgedName } from './named-image.ts';
import type { StorageConfig } from './storage-conf.ts';

/** One container and the image it is made of. */
export interface ImageUse {
  /** Image id. */
  readonly image: string;
  readonly user: ImageUser;
  /** True for the container that only holds a pod's namespaces: its image is the runtime's choice, not the pod's. */
  readonly isSandbox: boolean;
  /**
   * The name by which the image was asked for, complete, without a tag beside a digest. Absent where the records have
   * none: the kubelet hands CRI-O the id of an image that it has looked up.
   */
  readonly name?: string;
}

/** Who uses which image, from the records that CRI-O and podman keep of their containers. */
export interface ImageUsers {
  readonly uses: readonly ImageUse[];
  /** The users alone, by image id. */
  readonly byImage: ReadonlyMap<string, readonly ImageUser[]>;
  /** Files or records that could not be read: then there may be users that are not named. */
  readonly problems: readonly string[];
}

/** CRI-O's containers are volatile, podman's are not; `transient_store` moves both into the run root. */
const FILE_NAMES = ['containers.json', 'volatile-containers.json'] as const;
const LIMIT_BYTES = 32 * 1024 * 1024;
/** The id of a container is the name of a folder: nothing but hex may become part of a path. */
const CONTAINER_ID = /^[0-9a-f]{1,128}$/;

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
  const places = { ...config, driver };
  const uses: ImageUse[] = [];
  for (const container of containers.values()) {
    const pod = podOf(container, containers);
    const known = useOf(container, pod, {});
    const told = isWhole(container, known)
      ? {}
      : await readConfig(host, places, container.id, problems);
    uses.push(told === undefined ? known : useOf(container, pod, told));
  }
  uses.sort(byPlace);
  const byImage = new Map(
    [...Map.groupBy(uses, ({ image }) => image)].map(([image, here]) => [
      image,
      here.map(({ user }) => user),
    ]),
  );
  return { uses, byImage, problems };
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
function podOf(
  { metadata }: Container,
  all: ReadonlyMap<string, Container>,
): Container | undefined {
  const id = text(metadata, 'pod-id');
  return id === undefined ? undefined : all.get(id);
}

/** What the records say, and where they are silent what the runtime was told. */
function useOf(
  { metadata, names, id, image }: Container,
  pod: Container | undefined,
  told: Partial<ContainerConfig>,
): ImageUse {
  const asked = [text(metadata, 'image-name'), told.image].find(isName);
  const name = asked === undefined ? {} : { name: judgedName(asked) };
  const podId = text(metadata, 'pod-id');
  const own = text(metadata, 'metadata-name') ?? told.container;
  if (podId === undefined && told.pod === undefined) {
    const container = text(metadata, 'name') ?? told.name ?? names[0] ?? id;
    return { image, user: { container }, isSandbox: false, ...name };
  }
  const isSandbox = podId === id || told.isSandbox === true;
  const podName = (pod && text(pod.metadata, 'metadata-name')) ?? told.pod;
  const namespace = (pod && text(pod.metadata, 'namespace')) ?? told.namespace;
  const user = {
    ...(namespace === undefined ? {} : { namespace }),
    pod: podName ?? text(metadata, 'pod-name') ?? podId ?? id,
    // The container that holds the pod's namespaces together has no name of its own.
    container: isSandbox ? 'POD' : (own ?? names[0] ?? id),
  };
  return { image, user, isSandbox, ...name };
}

/** An id is a way to ask for an image too, and no name. */
function isName(asked: string | undefined): asked is string {
  if (asked === undefined || /^(?:sha256:)?[0-9a-f]{64}$/.test(asked)) return false;
  return tryParseReference(asked) !== undefined;
}

/** Nothing is missing that config.json might have; podman's containers have no pod and none to be told of. */
function isWhole({ metadata }: Container, { user, isSandbox }: ImageUse): boolean {
  const hasPlace = user.pod === undefined || user.namespace !== undefined;
  return hasPlace && (isSandbox || text(metadata, 'image-name') !== undefined);
}

async function readConfig(
  host: Host,
  places: Parameters<typeof readContainerConfig>[1],
  id: string,
  problems: string[],
): Promise<ContainerConfig | undefined> {
  if (!CONTAINER_ID.test(id)) return undefined;
  try {
    return await readContainerConfig(host, places, id);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    problems.push(error.message);
    return undefined;
  }
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

function byPlace({ user: a }: ImageUse, { user: b }: ImageUse): number {
  const [x, y] = [placeOf(a), placeOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function placeOf({ namespace = '', pod = '', container }: ImageUser): string {
  return `${namespace}/${pod}/${container}`;
}

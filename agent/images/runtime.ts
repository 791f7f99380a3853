import type { ImageUser } from '../../shared/images.ts';
import { tryParseReference } from '../../shared/trust/reference.ts';
import { type ContainerIdentity, identityOf } from '../container-identity.ts';
import { readSpec } from '../container-store.ts';
import { type Host, HostError } from '../host.ts';
import { type Container, RECORD_FILES, readContainers, text } from './container-records.ts';
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
    for (const name of RECORD_FILES) {
      const path = `${root}/${driver}-containers/${name}`;
      for (const container of await readContainers(host, path, problems)) {
        containers.set(container.id, container);
      }
    }
  }
  const folders = [config.runRoot, config.graphRoot].map((root) => `${root}/${driver}-containers`);
  const uses: ImageUse[] = [];
  for (const container of containers.values()) {
    const pod = podOf(container, containers);
    const known = useOf(container, pod, {});
    const told = isWhole(container, known)
      ? {}
      : await readIdentity(host, folders, container, problems);
    uses.push(told === undefined ? known : useOf(container, pod, told));
  }
  uses.sort(byPlace);
  return usersOf(uses, problems);
}

/** Uses by image beside the uses themselves. */
export function usersOf(uses: readonly ImageUse[], problems: readonly string[]): ImageUsers {
  const byImage = new Map(
    [...Map.groupBy(uses, ({ image }) => image)].map(([image, here]) => [
      image,
      here.map(({ user }) => user),
    ]),
  );
  return { uses, byImage, problems };
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
  told: Partial<ContainerIdentity>,
): ImageUse {
  const asked = [text(metadata, 'image-name'), told.image].find(isName);
  const name = asked === undefined ? {} : { name: judgedName(asked) };
  const podId = text(metadata, 'pod-id');
  const own = text(metadata, 'metadata-name') ?? told.container;
  if (podId === undefined && told.podName === undefined) {
    const container = text(metadata, 'name') ?? told.name ?? names[0] ?? id;
    return { image, user: { container }, isSandbox: false, ...name };
  }
  const isSandbox = podId === id || told.isSandbox === true;
  const podName = (pod && text(pod.metadata, 'metadata-name')) ?? told.podName;
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

/** What the runtime was told; undefined where its config.json cannot be used. */
async function readIdentity(
  host: Host,
  folders: readonly string[],
  { id, names, metadata }: Container,
  problems: string[],
): Promise<Partial<ContainerIdentity> | undefined> {
  if (!CONTAINER_ID.test(id)) return undefined;
  const { spec, problem } = await readSpec(host, id, folders);
  // What is in it only adds to the record; one that is being written is nobody's fault.
  if (problem instanceof HostError) problems.push(problem.message);
  // podman's records name no pod; one without any metadata may be of either.
  const isPodman = text(metadata, 'pod-id') === undefined && Object.keys(metadata).length > 0;
  return spec && identityOf(spec, isPodman ? 'libpod' : 'crio', names[0]);
}

function byPlace({ user: a }: ImageUse, { user: b }: ImageUse): number {
  const [x, y] = [placeOf(a), placeOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function placeOf({ namespace = '', pod = '', container }: ImageUser): string {
  return `${namespace}/${pod}/${container}`;
}

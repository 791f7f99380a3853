import type { Files } from './store-tree.ts';

const FOLDER = '/var/lib/containers/storage/overlay-containers';

/** A container of a test and the image it is made of. */
export interface TestContainer {
  readonly image: string;
  /** Namespace of its pod; without it podman made the container. */
  readonly namespace?: string;
  /** The image as it was asked for; absent where the record does not say. */
  readonly asked?: string;
  /** The container that holds a pod's namespaces together. */
  readonly isSandbox?: boolean;
}

/** Records as CRI-O and podman leave them: one pod for each container of a namespace, made of an image of its own. */
export function containerFiles(containers: readonly TestContainer[]): Files {
  const records = containers.map((container, index) => recordsOf(container, index));
  return {
    [`${FOLDER}/containers.json`]: JSON.stringify(records.flatMap(({ podman }) => podman)),
    [`${FOLDER}/volatile-containers.json`]: JSON.stringify(records.flatMap(({ crio }) => crio)),
  };
}

function recordsOf(
  { image, namespace, asked, isSandbox = false }: TestContainer,
  index: number,
): { readonly podman: readonly object[]; readonly crio: readonly object[] } {
  const name = asked === undefined ? {} : { 'image-name': asked };
  const id = `c${index}`;
  if (namespace === undefined) {
    const metadata = JSON.stringify({ name: `demo-${index}`, ...name });
    return { podman: [{ id, image, metadata }], crio: [] };
  }
  const podId = `d${index}`;
  const pod = {
    id: podId,
    image: isSandbox ? image : 'f'.repeat(64),
    metadata: JSON.stringify({
      'pod-id': podId,
      'metadata-name': `web-${index}`,
      namespace,
      pod: true,
      ...(isSandbox ? name : {}),
    }),
  };
  const container = {
    id,
    image,
    metadata: JSON.stringify({ 'pod-id': podId, 'metadata-name': 'app', ...name }),
  };
  return { podman: [], crio: isSandbox ? [pod] : [pod, container] };
}

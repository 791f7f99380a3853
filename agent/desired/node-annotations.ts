import { ContentError } from '../content-error.ts';
import type { Host } from '../host.ts';

/**
 * Where the node keeps annotations of its own, the first that is there. The machine-config-server writes the first;
 * when the node has joined, the daemon renames it to the second, without the `s`. The third name is that of documents.
 */
const PATHS = [
  '/etc/machine-config-daemon/node-annotations.json',
  '/etc/machine-config-daemon/node-annotation.json.bak',
  '/etc/machine-config-daemon/node-annotations.json.bak',
];
const LIMIT_BYTES = 1024 * 1024;
/** Characters of one annotation; a reason is as long as the error it quotes. */
const MAX_LENGTH = 1000;
const PREFIX = 'machineconfiguration.openshift.io/';

/**
 * What the node itself keeps of the annotations the machine-config-operator works with. The cluster holds the
 * current ones: these are of the time the node joined, unless something writes them since. An empty text is absent.
 */
export interface NodeAnnotations {
  /** The file they were read from. */
  readonly path: string;
  /** Names of rendered MachineConfigs. */
  readonly currentConfig?: string;
  readonly desiredConfig?: string;
  /** `Done`, `Working`, `Rebooting`, `Degraded`, `Unreconcilable`, or what a later operator calls it. */
  readonly state?: string;
  /** Why it is degraded, in words of the daemon. */
  readonly reason?: string;
  /** Pull specifications of images of the operating system, with on-cluster layering. */
  readonly currentImage?: string;
  readonly desiredImage?: string;
}

/** Annotations that are no JSON object of texts; the message names the member. */
export class NodeAnnotationsError extends ContentError<
  'ERR_NODE_ANNOTATIONS_SYNTAX' | 'ERR_NODE_ANNOTATIONS_VALUE'
> {}

/** The annotations the node keeps; undefined where it keeps none. Throws `HostError` or `NodeAnnotationsError`. */
export async function readNodeAnnotations(host: Host): Promise<NodeAnnotations | undefined> {
  for (const path of PATHS) {
    const text = await host.readText(path, LIMIT_BYTES);
    if (text !== undefined && text.trim() !== '') return parseNodeAnnotations(path, text);
  }
  return undefined;
}

/** Reads annotations as the daemon does: one object, every value a text or null, names of others left alone. */
export function parseNodeAnnotations(path: string, text: string): NodeAnnotations {
  const values = new Map(Object.entries(parseObject(path, text)));
  for (const [name, value] of values) {
    if (value === null || typeof value === 'string') continue;
    const message = `${name}: expected text, found ${kindOf(value)}`;
    throw new NodeAnnotationsError('ERR_NODE_ANNOTATIONS_VALUE', path, message);
  }
  const member = <Name extends keyof NodeAnnotations>(name: Name): { [_ in Name]?: string } => {
    const value = values.get(`${PREFIX}${name}`);
    const picked: { [_ in Name]?: string } = {};
    if (typeof value === 'string' && value !== '') picked[name] = value.slice(0, MAX_LENGTH);
    return picked;
  };
  return {
    path,
    ...member('currentConfig'),
    ...member('desiredConfig'),
    ...member('state'),
    ...member('reason'),
    ...member('currentImage'),
    ...member('desiredImage'),
  };
}

/** True while the daemon applies a MachineConfig, or boots into one, as far as these annotations tell. */
export function isUpdating(annotations: NodeAnnotations): boolean {
  const { currentConfig, desiredConfig, currentImage, desiredImage, state } = annotations;
  if (state === 'Working' || state === 'Rebooting') return true;
  const isOther = (desired: string | undefined, current: string | undefined): boolean =>
    desired !== undefined && desired !== current;
  return isOther(desiredConfig, currentConfig) || isOther(desiredImage, currentImage);
}

function parseObject(path: string, text: string): object {
  const value = parseJson(path, text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const message = `the document: expected an object, found ${kindOf(value)}`;
  throw new NodeAnnotationsError('ERR_NODE_ANNOTATIONS_VALUE', path, message);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NodeAnnotationsError('ERR_NODE_ANNOTATIONS_SYNTAX', path, 'expected JSON');
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value;
}

import { ContentError } from './content-error.ts';
import { MACHINE_CONFIG_FOLDER } from './desired/machine-config.ts';
import type { Host } from './host.ts';
import { JsonMember } from './json-member.ts';

export const NODE_ANNOTATIONS: string = `${MACHINE_CONFIG_FOLDER}/node-annotations.json`;
const PREFIX = 'machineconfiguration.openshift.io/';

/**
 * What the machine-config-operator says of this node, where a file has it. The machine-config-server writes the file
 * for the first boot (one configuration, `Done`), and the daemon puts it away after it: it keeps up with nothing.
 */
export interface NodeAnnotations {
  readonly currentConfig: string | undefined;
  readonly desiredConfig: string | undefined;
  /** `Working`, `Done`, `Degraded`, `Rebooting`, `Unreconcilable`. */
  readonly state: string | undefined;
  readonly reason: string | undefined;
  /** When the file was written, milliseconds since 1970. */
  readonly writtenMs: number;
}

/** Annotations that are no map of texts. */
export class NodeAnnotationsError extends ContentError<'ERR_NODE_ANNOTATIONS'> {}

/** The annotations of this node; undefined where no file has them, as on every node that is in order. */
export async function readNodeAnnotations(host: Host): Promise<NodeAnnotations | undefined> {
  const text = await host.readText(NODE_ANNOTATIONS);
  const stat = await host.stat(NODE_ANNOTATIONS);
  if (text === undefined || stat === undefined || text.trim() === '') return undefined;
  const refuse = (message: string): Error =>
    new NodeAnnotationsError('ERR_NODE_ANNOTATIONS', NODE_ANNOTATIONS, message);
  const annotations = new JsonMember(parseJson(text, refuse), refuse).entries();
  const member = (name: string): string | undefined =>
    annotations.get(PREFIX + name)?.text() || undefined;
  return {
    currentConfig: member('currentConfig'),
    desiredConfig: member('desiredConfig'),
    state: member('state'),
    reason: member('reason'),
    writtenMs: stat.mtimeMs,
  };
}

function parseJson(text: string, refuse: (message: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('the document: expected JSON');
  }
}

import { messageOf } from '../../shared/errors.ts';
import { type Host, HostError } from '../host.ts';

/** CRI-O's containers are volatile, podman's are not; `transient_store` moves both into the run root. */
export const RECORD_FILES: readonly string[] = ['containers.json', 'volatile-containers.json'];
const LIMIT_BYTES = 32 * 1024 * 1024;

/** The names of the node's containers by their ids, from the records in these folders; without what cannot be read. */
export async function readContainerNames(
  host: Host,
  folders: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const path of folders.flatMap((folder) => RECORD_FILES.map((name) => `${folder}/${name}`))) {
    for (const container of await readContainers(host, path, [])) {
      const [name] = container.names;
      if (name !== undefined) names.set(container.id, name);
    }
  }
  return names;
}

/** A record of containers.json with its metadata unpacked. */
export interface Container {
  readonly id: string;
  /** Image id; what the user asked for stands in the metadata only, and the name may have moved on since. */
  readonly image: string;
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The records of one file; what cannot be read is told in `problems`. */
export async function readContainers(
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

/** A member that is text and not empty. */
export function text(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = members[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

import { readCrioService } from '../crio-service.ts';
import { type Host, HostError } from '../host.ts';
import { CRIO_SERVICE, type ServiceEnvironment } from '../service-environment.ts';

/** What the environment of the service that pulls says of stores; containers/storage types/options.go, cri-o criocli.go. */
export interface StorageEnvironment {
  /** `CONTAINERS_STORAGE_CONF`: read instead of every other file. */
  readonly conf?: string;
  /** `CONTAINERS_STORAGE_CONF_OVERRIDE`: read after all of them. */
  readonly override?: string;
  /** `XDG_CONFIG_HOME`: its storage.conf goes before the system's, for root too. */
  readonly configHome?: string;
  /** `STORAGE_DRIVER`. */
  readonly driver?: string;
  /** `STORAGE_OPTS`, in place of all options of storage.conf, also when it is empty. */
  readonly options?: readonly string[];
  /** What crio.conf would say, as CRI-O's own variables overrule it. */
  readonly crio: {
    readonly driver?: string;
    readonly root?: string;
    readonly runRoot?: string;
    readonly imageStore?: string;
    readonly options?: readonly string[];
  };
  readonly problems: readonly string[];
  /** A path with its variables replaced (`$NAME`, `${NAME}`); undefined when one of them is not known. */
  expand(path: string): string | undefined;
}

const NAMES = [
  'CONTAINERS_STORAGE_CONF',
  'CONTAINERS_STORAGE_CONF_OVERRIDE',
  'XDG_CONFIG_HOME',
  'HOME',
  'STORAGE_DRIVER',
  'STORAGE_OPTS',
  'CONTAINER_STORAGE_DRIVER',
  'CONTAINER_ROOT',
  'CONTAINER_RUNROOT',
  'CONTAINER_IMAGESTORE',
  'CONTAINER_STORAGE_OPT',
] as const;

/** Reads it from the units of the node. Never throws for a state of the node. */
export async function readStorageEnvironment(host: Host): Promise<StorageEnvironment> {
  const environment = await readCrioService(host);
  const { variables, undecided } = environment;
  const problems = [
    ...environment.problems,
    ...NAMES.flatMap((name) => undecided.get(name) ?? []),
  ].map((problem) => `environment of ${CRIO_SERVICE}: ${problem}`);
  const home = variables.get('HOME');
  if (home !== undefined && !variables.has('XDG_CONFIG_HOME')) {
    problems.push(...(await doubtOfHome(host, `${home}/.config/containers/storage.conf`)));
  }
  return { ...storageEnvironmentOf(environment), problems };
}

/** What variables say of stores; empty ones say nothing, but for `STORAGE_OPTS`. */
export function storageEnvironmentOf({
  variables,
}: Pick<ServiceEnvironment, 'variables'>): Omit<StorageEnvironment, 'problems'> {
  const text = <K extends string>(key: K, name: (typeof NAMES)[number]): { [P in K]?: string } => {
    const value = variables.get(name);
    return value ? ({ [key]: value } as { [P in K]?: string }) : {}; // a computed key is any string to the compiler
  };
  const options = variables.get('STORAGE_OPTS');
  const crioOptions = variables.get('CONTAINER_STORAGE_OPT');
  return {
    ...text('conf', 'CONTAINERS_STORAGE_CONF'),
    ...text('override', 'CONTAINERS_STORAGE_CONF_OVERRIDE'),
    ...text('configHome', 'XDG_CONFIG_HOME'),
    ...text('driver', 'STORAGE_DRIVER'),
    ...(options === undefined ? {} : { options: listOf(options) }),
    crio: {
      ...text('driver', 'CONTAINER_STORAGE_DRIVER'),
      ...text('root', 'CONTAINER_ROOT'),
      ...text('runRoot', 'CONTAINER_RUNROOT'),
      ...text('imageStore', 'CONTAINER_IMAGESTORE'),
      ...(crioOptions ? { options: listOf(crioOptions) } : {}),
    },
    expand: (path) => expanded(path, variables),
  };
}

function listOf(value: string): readonly string[] {
  return value.split(',').filter((option) => option !== '');
}

/** The library knows `$UID` by itself: a service of the system runs as root. */
function expanded(path: string, variables: ReadonlyMap<string, string>): string | undefined {
  let isKnown = true;
  const whole = path
    .replaceAll('$UID', '0')
    .replace(/\$(?:(\w+)|\{(\w+)\})?/g, (_, bare?: string, braced?: string) => {
      const value = variables.get(bare ?? braced ?? '');
      if (value === undefined) isKnown = false;
      return value ?? '';
    });
  return isKnown ? whole : undefined;
}

/** Only libraries of 2026 and later read the file in the home folder of root. */
async function doubtOfHome(host: Host, path: string): Promise<readonly string[]> {
  try {
    if ((await host.stat(path)) === undefined) return [];
    return [`${path}: whether it is read depends on the version of the node's tools`];
  } catch (error) {
    if (error instanceof HostError) return [error.message];
    throw error;
  }
}

import { CodedError } from '../errors.ts';
import { present } from './present.ts';
import { parseYaml, YamlError, type YamlValue } from './yaml.ts';

/** Why a folder registries.d cannot be used; any one makes the library refuse every image it reads from a registry. */
export type RegistriesDReason = 'yaml' | 'duplicate-default' | 'duplicate-scope' | 'url';

/** A folder registries.d that containers/image would refuse, with the file and the place in it. */
export class RegistriesDError extends CodedError<`ERR_REGISTRIES_D_${'SYNTAX' | 'DUPLICATE' | 'URL'}`> {
  readonly reason: RegistriesDReason;
  /** Name in the folder. */
  readonly file: string;
  /** Member at fault, `docker["quay.io"].lookaside`; '' for the file itself. */
  readonly path: string;
  /** From 1; absent where the fault has no place of its own. */
  readonly line?: number;
  readonly column?: number;

  constructor(reason: RegistriesDReason, message: string, place: Place, options?: ErrorOptions) {
    super(CODES[reason], `${place.file}: ${message}`, options);
    this.reason = reason;
    this.file = place.file;
    this.path = place.path;
    if (place.line !== undefined) this.line = place.line;
    if (place.column !== undefined) this.column = place.column;
  }
}

const CODES = {
  yaml: 'ERR_REGISTRIES_D_SYNTAX',
  'duplicate-default': 'ERR_REGISTRIES_D_DUPLICATE',
  'duplicate-scope': 'ERR_REGISTRIES_D_DUPLICATE',
  url: 'ERR_REGISTRIES_D_URL',
} as const;

interface Place {
  readonly file: string;
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

/** Where the signatures of one namespace are; old names of members are kept apart. Empty texts count as unset. */
export interface RegistriesDSection {
  readonly lookaside?: string;
  readonly lookasideStaging?: string;
  /** Old name of `lookaside`, which goes before it. */
  readonly sigstore?: string;
  readonly sigstoreStaging?: string;
  readonly useSigstoreAttachments?: boolean;
  /** Name in the folder. */
  readonly file: string;
}

/** Something that the library passes over in silence, so that it has no effect. */
export interface RegistriesDWarning {
  readonly file: string;
  /** Member in question; '' for the file itself. */
  readonly path: string;
  readonly message: string;
}

/** What one file of the folder says. */
export interface RegistriesDFile {
  readonly defaultDocker?: RegistriesDSection;
  /** By scope. */
  readonly docker: ReadonlyMap<string, RegistriesDSection>;
  readonly warnings: readonly RegistriesDWarning[];
}

/** Reads one file as Go's yaml.v3 reads it into its fields; throws `RegistriesDError`. */
export function readRegistriesDFile(file: string, content: string | Uint8Array): RegistriesDFile {
  try {
    return readFields(file, fieldsOf(parseYaml(content)));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { path, line, column } = error;
    throw new RegistriesDError(
      'yaml',
      error.message,
      { file, path, line, column },
      { cause: error },
    );
  }
}

type Fields = ReadonlyMap<string, YamlValue>;

/** A value that is null, or not there at all, has no members. */
function fieldsOf(value: YamlValue | undefined): Fields {
  return value === undefined || value.isNull ? new Map() : value.fields();
}

function readFields(file: string, fields: Fields): RegistriesDFile {
  const unknown = [...fields].filter(([name]) => name !== 'docker' && name !== 'default-docker');
  const warnings = unknown.map(([, value]) => unusedMember(file, value));
  const docker = new Map<string, RegistriesDSection>();
  for (const [scope, value] of fieldsOf(fields.get('docker'))) {
    docker.set(scope, readSection(file, value, warnings));
  }
  const defaultDocker = fields.get('default-docker');
  if (defaultDocker === undefined || defaultDocker.isNull) return { docker, warnings };
  return { defaultDocker: readSection(file, defaultDocker, warnings), docker, warnings };
}

const MEMBERS: ReadonlySet<string> = new Set([
  'lookaside',
  'lookaside-staging',
  'sigstore',
  'sigstore-staging',
  'use-sigstore-attachments',
]);

function readSection(
  file: string,
  value: YamlValue,
  warnings: RegistriesDWarning[],
): RegistriesDSection {
  const fields = fieldsOf(value);
  const text = (name: string) => fields.get(name)?.text() || undefined;
  for (const [name, field] of fields) {
    if (!MEMBERS.has(name)) warnings.push(unusedMember(file, field));
  }
  for (const name of ['lookaside', 'lookaside-staging']) {
    const oldName = name.replace('lookaside', 'sigstore');
    if (text(name) !== undefined && text(oldName) !== undefined) {
      const message = `${oldName} is not used: ${name} goes before its old name`;
      warnings.push({ file, path: value.path, message });
    }
  }
  return {
    ...present('lookaside', text('lookaside')),
    ...present('lookasideStaging', text('lookaside-staging')),
    ...present('sigstore', text('sigstore')),
    ...present('sigstoreStaging', text('sigstore-staging')),
    ...present('useSigstoreAttachments', fields.get('use-sigstore-attachments')?.boolean()),
    file,
  };
}

function unusedMember(file: string, { path }: YamlValue): RegistriesDWarning {
  return { file, path, message: 'is no member of registries.d and has no effect' };
}

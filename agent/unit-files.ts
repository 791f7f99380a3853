import type { Host } from './host.ts';

/** Lowest first: of drop-ins with one name the last folder's decides (systemd.unit(5)). */
const FOLDERS = ['/usr/lib/systemd/system', '/run/systemd/system', '/etc/systemd/system'] as const;
const MAX_EXPANSIONS = 200;

/** What a service of systemd runs, as far as its files tell without systemd. */
export interface ServiceUnit {
  /** Words of `ExecStart=`, with the variables of `Environment=` and `EnvironmentFile=` filled in where known. */
  readonly command: readonly string[];
  /** Files read, in the order they apply. */
  readonly files: readonly string[];
}

/** Reads `<name>` and its drop-ins; undefined where there is no such unit. Best effort: no specifiers, no templates. */
export async function readServiceUnit(host: Host, name: string): Promise<ServiceUnit | undefined> {
  const files = await unitFiles(host, name);
  if (files.length === 0) return undefined;
  let command: string[] = [];
  const environment = new Map<string, string>();
  for (const path of files) {
    for (const [key, value] of assignments((await host.readText(path)) ?? '')) {
      if (key === 'ExecStart') command = value === '' ? [] : words(value);
      else if (key === 'Environment')
        for (const word of words(value)) setVariable(environment, word);
      else if (key === 'EnvironmentFile') await readEnvironment(host, value, environment);
    }
  }
  return { command: expand(command, environment), files };
}

async function unitFiles(host: Host, name: string): Promise<readonly string[]> {
  const units: string[] = [];
  const dropIns = new Map<string, string>();
  for (const folder of FOLDERS) {
    if ((await host.stat(`${folder}/${name}`)) !== undefined) units.push(`${folder}/${name}`);
    for (const file of (await host.list(`${folder}/${name}.d`)) ?? []) {
      if (file.endsWith('.conf')) dropIns.set(file, `${folder}/${name}.d/${file}`);
    }
  }
  const unit = units.at(-1);
  if (unit === undefined) return [];
  const names = [...dropIns.keys()].sort();
  return [unit, ...names.flatMap((file) => dropIns.get(file) ?? [])];
}

/** Lines `key=value` of the section `[Service]`, those that end in `\` joined. */
function assignments(text: string): readonly (readonly [key: string, value: string])[] {
  let section = '';
  return text
    .replaceAll(/\\\r?\n/g, ' ')
    .split('\n')
    .flatMap((line): readonly (readonly [string, string])[] => {
      const trimmed = line.trim();
      const [, name] = /^\[(.*)\]$/.exec(trimmed) ?? [];
      if (name !== undefined) section = name;
      const equals = trimmed.indexOf('=');
      if (section !== 'Service' || equals < 1 || /^[#;]/.test(trimmed)) return [];
      return [[trimmed.slice(0, equals).trimEnd(), trimmed.slice(equals + 1).trimStart()]];
    });
}

/** Words divided by white space outside quotes. */
function words(text: string): string[] {
  return (text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) =>
    word.replaceAll(
      /"([^"]*)"|'([^']*)'/g,
      (_, double?: string, single?: string) => double ?? single ?? '',
    ),
  );
}

function setVariable(environment: Map<string, string>, word: string): void {
  const equals = word.indexOf('=');
  if (equals > 0) environment.set(word.slice(0, equals), word.slice(equals + 1));
}

async function readEnvironment(
  host: Host,
  value: string,
  environment: Map<string, string>,
): Promise<void> {
  const path = value.replace(/^-/, '');
  if (!path.startsWith('/') || path.includes('*')) return;
  for (const line of ((await host.readText(path)) ?? '').split('\n')) {
    const trimmed = line.trim();
    if (/^[#;]/.test(trimmed)) continue;
    const [word] = words(trimmed);
    if (word !== undefined) setVariable(environment, word);
  }
}

/** `${NAME}` stands for one word or a part of one, `$NAME` as a word of its own for as many as its value has. */
function expand(command: readonly string[], environment: ReadonlyMap<string, string>): string[] {
  return command.slice(0, MAX_EXPANSIONS).flatMap((word) => {
    const [, alone] = /^\$([A-Z_][A-Z0-9_]*)$/i.exec(word) ?? [];
    if (alone !== undefined) return words(environment.get(alone) ?? '');
    return word.replaceAll(
      /\$\{([A-Z_][A-Z0-9_]*)\}/gi,
      (_, name: string) => environment.get(name) ?? '',
    );
  });
}

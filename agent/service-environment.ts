import { posix } from 'node:path';
import { parseEnvironmentFile } from './environment-file.ts';
import { type Host, HostError } from './host.ts';
import { parseUnitFile } from './unit-file.ts';
import { unitTexts } from './unit-files.ts';
import { splitUnitWords } from './unit-words.ts';

/** Pulls the images of a node and runs its containers. */
export const CRIO_SERVICE = 'crio.service';

/** The variables that systemd gives to a service because its unit says so. */
export interface ServiceEnvironment {
  readonly variables: ReadonlyMap<string, string>;
  /** Variables that are set, to what the files do not tell: why, by name. */
  readonly undecided: ReadonlyMap<string, string>;
  /** What could not be read, or would keep the service from starting: variables may be missing. */
  readonly problems: readonly string[];
  /** The first file that is there and could not be read by us: what the service has of it is not known. */
  readonly unread?: HostError;
  /** What its unit runs; absent where there is none. */
  readonly unit?: ServiceUnit;
}

export interface ServiceUnit {
  /** The unit's own file; drop-ins may have changed what it says. */
  readonly path: string;
  /** Words of `ExecStart=`, as they stand. */
  readonly words: readonly string[];
  /** What ended the reading of its files. */
  readonly fault?: HostError;
}

/** Specifiers whose value is the same for the system's services on every node. */
const SPECIFIERS: Readonly<Record<string, (unit: string) => string>> = {
  '%': () => '%',
  n: (unit) => unit,
  N: withoutSuffix,
  p: withoutSuffix,
  C: () => '/var/cache',
  E: () => '/etc',
  L: () => '/var/log',
  S: () => '/var/lib',
  t: () => '/run',
  T: () => '/tmp',
  V: () => '/var/tmp',
  h: () => '/root',
};
/** Those that only the running node knows. Any other letter stands for itself. */
const UNKNOWN_SPECIFIERS = 'aAbBcdDfgGHiIjJlmMoqrRsuUvwWyY';

/**
 * The environment of a service as its unit file and its drop-ins set it: `Environment=`, `EnvironmentFile=`,
 * `PassEnvironment=`, `UnsetEnvironment=` (systemd.exec(5)). What systemd gives to every service is not in it. Never throws for a
 * state of the node; of a service that is not there nothing is set.
 */
export async function readServiceEnvironment(
  host: Host,
  unit: string,
): Promise<ServiceEnvironment> {
  const reading = new Reading(host, unit);
  try {
    await reading.readUnit();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    reading.end(error);
  }
  return reading.result();
}

class Reading {
  readonly problems: string[] = [];
  readonly #host: Host;
  readonly #unit: string;
  readonly #variables = new Map<string, string | undefined>();
  readonly #passed = new Set<string>();
  #unread: HostError | undefined;
  #path: string | undefined;
  #words: readonly string[] = [];
  #fault: HostError | undefined;
  #files: string[] = [];
  #unset: string[] = [];

  constructor(host: Host, unit: string) {
    this.#host = host;
    this.#unit = unit;
  }

  async readUnit(): Promise<void> {
    for await (const { path, text } of unitTexts(this.#host, this.#unit)) {
      this.#path ??= path;
      this.#apply(text, path);
    }
    for (const path of this.#files) await this.#readFile(path);
    for (const unset of this.#unset) this.#delete(unset);
  }

  /** No further file of the unit is read. */
  end(fault: HostError): void {
    this.#path ??= fault.path;
    this.#fault = fault;
    this.#note(fault);
  }

  #note(error: HostError): void {
    this.problems.push(error.message);
    if (isOurs(error)) this.#unread ??= error;
  }

  result(): ServiceEnvironment {
    const variables = new Map<string, string>();
    const undecided = new Map<string, string>();
    for (const name of this.#passed) {
      undecided.set(name, `${name} is passed on from systemd's own environment`);
    }
    for (const [name, value] of this.#variables) {
      undecided.delete(name);
      if (value !== undefined) variables.set(name, value);
      else undecided.set(name, `${name} is set with a specifier that only the running node knows`);
    }
    const [path, unread, fault] = [this.#path, this.#unread, this.#fault];
    return {
      variables,
      undecided,
      problems: this.problems,
      ...(unread && { unread }),
      ...(path === undefined
        ? {}
        : { unit: { path, words: this.#words, ...(fault && { fault }) } }),
    };
  }

  #apply(text: string, path: string): void {
    const { assignments, problem } = parseUnitFile(text);
    if (problem !== undefined) this.problems.push(`${path}: ${problem}`);
    for (const { section, name, value } of assignments) {
      if (section !== 'Service') continue;
      if (name === 'ExecStart') this.#words = wordsIn(value);
      else if (name === 'Environment') this.#setAll(value);
      else if (name === 'EnvironmentFile') {
        this.#files = value === '' ? [] : [...this.#files, value];
      } else if (name === 'UnsetEnvironment') {
        this.#unset = value === '' ? [] : [...this.#unset, ...wordsIn(value)];
      } else if (name === 'PassEnvironment') {
        if (value === '') this.#passed.clear();
        for (const passed of wordsIn(value)) this.#passed.add(passed);
      }
    }
  }

  #setAll(value: string): void {
    if (value === '') this.#variables.clear();
    for (const word of splitUnitWords(value).words) {
      const [name, text] = word === undefined ? [] : assignmentIn(word);
      if (name === undefined || text === undefined) continue;
      this.#variables.set(name, this.#resolved(text));
    }
  }

  /** Undefined where a specifier stands in it that only the running node knows. */
  #resolved(text: string): string | undefined {
    let isKnown = true;
    const resolved = text.replace(/%([\s\S])/g, (whole, letter: string) => {
      if (UNKNOWN_SPECIFIERS.includes(letter)) isKnown = false;
      return SPECIFIERS[letter]?.(this.#unit) ?? whole;
    });
    return isKnown ? resolved : undefined;
  }

  /** A name, or an assignment that goes only when it is that one. */
  #delete(unset: string): void {
    const [name = unset, value] = assignmentIn(unset);
    if (value === undefined || this.#variables.get(name) === value) this.#variables.delete(name);
    if (value === undefined) this.#passed.delete(name);
  }

  async #readFile(setting: string): Promise<void> {
    const isOptional = setting.startsWith('-');
    const path = this.#resolved(isOptional ? setting.slice(1) : setting);
    if (path === undefined || /[*?[]/.test(path)) {
      this.problems.push(`EnvironmentFile=${setting}: expected the path of one file`);
      return;
    }
    // What is no absolute path is passed over, with a warning.
    if (!path.startsWith('/')) return;
    try {
      const text = await this.#host.readText(posix.normalize(path));
      const isUsable = text !== undefined && !text.includes('\0');
      if (!isUsable && !isOptional) {
        this.problems.push(`${path}: expected a text file, without it the service does not start`);
      }
      for (const [name, value] of parseEnvironmentFile(isUsable ? text : '')) {
        if (isName(name)) this.#variables.set(name, value);
      }
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      if (!isOptional || isOurs(error)) this.#note(error);
    }
  }
}

/** What systemd can read all the same. */
function isOurs({ code }: HostError): boolean {
  return code === 'ERR_HOST_PERMISSION' || code === 'ERR_HOST_TOO_LARGE';
}

function wordsIn(value: string): readonly string[] {
  return splitUnitWords(value).words.flatMap((word) => word ?? []);
}

function assignmentIn(word: string): readonly [name?: string, value?: string] {
  const end = word.indexOf('=');
  const name = word.slice(0, Math.max(end, 0));
  return isName(name) ? [name, word.slice(end + 1)] : [];
}

function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

function withoutSuffix(unit: string): string {
  return unit.slice(0, unit.lastIndexOf('.'));
}

import { type TomlTable, tomlAt } from '../toml.ts';
import type { StorageEnvironment } from './storage-environment.ts';

/** The values of several storage.conf: the last one that has a member decides. What cannot be used goes to `problems`. */
export class StorageValues {
  readonly #tables: readonly TomlTable[];
  readonly #environment: StorageEnvironment;
  readonly #problems: string[];

  constructor(tables: readonly TomlTable[], environment: StorageEnvironment, problems: string[]) {
    this.#tables = tables;
    this.#environment = environment;
    this.#problems = problems;
  }

  last(...keys: readonly string[]): unknown {
    return this.#tables
      .map((table) => tomlAt(table, ...keys))
      .findLast((value) => value !== undefined);
  }

  text(...keys: readonly string[]): string | undefined {
    const value = this.last(...keys);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string') return value;
    this.#refuse(keys.join('.'), 'a string');
    return undefined;
  }

  /** A path as it stands. */
  path(...keys: readonly string[]): string | undefined {
    const value = this.text(...keys);
    return value === undefined ? undefined : this.onlyPaths([value], keys.join('.'))[0];
  }

  /** A path in which the library replaces variables of the environment it runs in. */
  expanded(...keys: readonly string[]): string | undefined {
    const value = this.text(...keys);
    const path = value === undefined ? undefined : this.#environment.expand(value);
    if (path?.startsWith('/')) return path;
    if (value !== undefined) {
      this.#refuse(keys.join('.'), 'an absolute path, in it no variable that nothing sets');
    }
    return undefined;
  }

  texts(...keys: readonly string[]): readonly string[] {
    const value = this.last(...keys) ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.#refuse(keys.join('.'), 'a list of paths');
    return [];
  }

  onlyPaths(values: readonly string[], name: string): readonly string[] {
    return values.filter((value) => {
      if (!value.startsWith('/')) this.#refuse(name, 'an absolute path');
      return value.startsWith('/');
    });
  }

  #refuse(name: string, expected: string): void {
    this.#problems.push(`storage.conf: ${name}: expected ${expected}`);
  }
}

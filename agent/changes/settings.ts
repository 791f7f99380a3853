import { CodedError } from '../../shared/errors.ts';
import { memberPath } from '../../shared/trust/member-path.ts';
import { readToml } from '../../shared/trust/toml.ts';
import { yamlValue } from './yaml-value.ts';

/** How a file of settings is written; `lines` is `name = value` with # for comments. */
export type SettingsFormat = 'toml' | 'yaml' | 'lines';

/** Text of each value by the place of its setting: `crio.runtime.selinux`, `registry["quay.io"].blocked`. */
export type Settings = ReadonlyMap<string, string>;

/** More than the longest configuration anybody reads; what has more is not taken apart. */
const MAX_CHARACTERS = 64 * 1024;
const MAX_SETTINGS = 2000;
const MAX_DEPTH = 24;
/** What tells one table of a list from the next, in the order of preference. */
const NAMES = ['prefix', 'location', 'name'];

/** The settings of a file; undefined for a text that is not what its format asks, or far too long. */
export function readSettings(format: SettingsFormat, text: string): Settings | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const settings = new Map<string, string>();
  try {
    if (format === 'lines') readLines(text, settings);
    else addSettings(format === 'toml' ? readToml(text) : yamlValue(text), '', 0, settings);
    return settings;
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

class SettingsError extends CodedError<'ERR_SETTINGS'> {}

function readLines(text: string, settings: Map<string, string>): void {
  for (const [, name = '', value = ''] of text.matchAll(
    /^[ \t]*-?([\w./*-]+)[ \t]*=[ \t]*(.*)$/gm,
  )) {
    set(settings, name, value.trim());
  }
}

function addSettings(value: unknown, path: string, depth: number, all: Map<string, string>): void {
  if (depth > MAX_DEPTH) throw new SettingsError('ERR_SETTINGS', 'expected less deep nesting');
  if (Array.isArray(value) && value.some(isTable)) {
    const names = namesOf(value);
    for (const [index, item] of value.entries()) {
      addSettings(item, `${path}[${names[index] ?? index}]`, depth + 1, all);
    }
  } else if (isTable(value)) {
    for (const [name, member] of Object.entries(value)) {
      addSettings(member, memberPath(path, name), depth + 1, all);
    }
  } else if (value !== null && value !== undefined) set(all, path, textOf(value));
}

function set(all: Map<string, string>, path: string, text: string): void {
  if (all.size >= MAX_SETTINGS) throw new SettingsError('ERR_SETTINGS', 'expected fewer settings');
  all.set(path, text);
}

/** Quoted names of the tables in a list where each has one of its own; else they go by their numbers. */
function namesOf(tables: readonly unknown[]): readonly string[] {
  const names = tables.map((table) => {
    const name = isTable(table) && NAMES.map((key) => table[key]).find(isText);
    return name ? JSON.stringify(name) : '';
  });
  return names.includes('') || new Set(names).size < names.length ? [] : names;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Times of TOML are objects too, but have no members of their own. */
function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? `${member}` : member));
}

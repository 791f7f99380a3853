import { hash } from 'node:crypto';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** Members of an object that are put in order one by one. */
const FEW = 24;

/** Canonical JSON (RFC 8785): members sorted by UTF-16 code units, no white space; `undefined` members are left out. */
export function canonicalJson(value: Json): string {
  // Every hash of a section goes through here, item by item: what JSON.stringify can do it does several times faster.
  const sorted = inOrder(value);
  return sorted === undefined ? write(value) : JSON.stringify(sorted);
}

/** Whether an object keeps a member of this name in the order it was set: not the numbers, and `__proto__` not at all. */
function isOrdered(name: string): boolean {
  const first = name.charCodeAt(0);
  return (first < 0x30 || first > 0x39) && name !== '__proto__';
}

/** A copy with its members in canonical order; undefined when no object can have them in that order. */
function inOrder(value: Json): Json | undefined {
  if (value === null || typeof value !== 'object') return finite(value);
  if (isList(value)) {
    const items: Json[] = [];
    for (const item of value) {
      const sorted = inOrder(item);
      if (sorted === undefined) return undefined;
      items.push(sorted);
    }
    return items;
  }
  const members: Record<string, Json> = {};
  for (const name of sortedNames(value)) {
    const member = value[name];
    if (member === undefined) continue;
    const sorted = isOrdered(name) ? inOrder(member) : undefined;
    if (sorted === undefined) return undefined;
    members[name] = sorted;
  }
  return members;
}

function write(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(finite(value));
  if (isList(value)) return `[${value.map((item) => write(item)).join(',')}]`;
  const members: string[] = [];
  for (const name of sortedNames(value)) {
    const member = value[name];
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${write(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** Names of members by UTF-16 code units. Few are put in order faster than `sort` begins. */
function sortedNames(value: object): readonly string[] {
  const names = Object.keys(value);
  if (names.length > FEW) return names.sort();
  for (let next = 1; next < names.length; next++) {
    const name = names[next] ?? '';
    let place = next;
    for (; place > 0; place--) {
      const before = names[place - 1] ?? '';
      if (before <= name) break;
      names[place] = before;
    }
    names[place] = name;
  }
  return names;
}

function finite<Value extends Json>(value: Value): Value {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`canonical JSON has no ${value}`);
  }
  return value;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

/** SHA-256 as `sha256:<hex>`. */
export function sha256(data: string | Uint8Array): string {
  return `sha256:${hash('sha256', data, 'hex')}`;
}

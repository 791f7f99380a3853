const LONGEST = 80;

/** The place of a member in a document: `transports.docker-daemon["quay.io"][0].type`. */
export function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(name) || name.length > LONGEST) return `${path}[${quoted(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** A value in messages: quoted, control characters escaped, no more than a word of it. */
export function quoted(value: string): string {
  return JSON.stringify(
    value.length <= LONGEST ? value : `${value.slice(0, LONGEST).toWellFormed()}…`,
  );
}

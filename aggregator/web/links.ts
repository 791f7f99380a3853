import { ago } from '../../shared/ago.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { type Html, html } from './html.ts';
import { cut } from './words.ts';

/** A path with those parameters that have a value. */
export function pathTo(
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** A name as one part of a path; half a character, which no path can hold, is replaced. */
export function segment(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}

export function nodeLink(name: string, tab?: string): Html {
  return html`<a href="${pathTo(`/nodes/${segment(name)}`, { tab })}"><bdi>${cut(name, 64)}</bdi></a>`;
}

export function ruleLink(ruleId: string): Html {
  return html`<a href="/checks/${segment(ruleId)}"><bdi>${cut(ruleId, 64)}</bdi></a>`;
}

/** Names with links, the first ones of many. */
export function nodeLinks(names: readonly string[], most: number = 8): Html {
  const shown = names.slice(0, most).map((name, at) => html`${at > 0 && ', '}${nodeLink(name)}`);
  const more = names.length - most;
  return html`${shown}${more > 0 && html` and <strong>${more}</strong> more`}`;
}

/** A time as how long ago, and by the clock. */
export function time(at: string | null, nowMs: number): Html {
  if (at === null) return html`never`;
  return html`<time datetime="${at}" title="${at}">${ago(at, nowMs)} ago</time>`;
}

/** A time by the clock, to the second, in UTC. */
export function clockTime(atMs: number): Html {
  const at = rfc3339(atMs);
  return html`<time datetime="${at}">${at.slice(0, 10)} ${at.slice(11, 19)} UTC</time>`;
}

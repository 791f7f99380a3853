import { VERSION } from '../../shared/version.ts';
import type { Assets } from './assets.ts';
import { type Content, type Html, html } from './html.ts';
import { clockTime } from './links.ts';
import type { Section, Topic, View } from './page.ts';
import type { PageSession } from './sessions.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const SECTIONS: readonly (readonly [Section, string, string])[] = [
  ['overview', '/', 'Overview'],
  ['nodes', '/nodes', 'Nodes'],
  ['trust', '/trust', 'Trust'],
  ['images', '/images', 'Images'],
  ['checks', '/checks', 'Checks'],
  ['drift', '/drift', 'Drift'],
  ['simulate', '/simulate', 'Simulate'],
  ['coverage', '/coverage', 'Coverage'],
];

export interface Frame {
  readonly assets: Assets;
  readonly theme: Theme;
  /** Nobody is signed in: no navigation. */
  readonly session?: PageSession | undefined;
  readonly section?: Section;
  readonly topics?: readonly Topic[];
  /** Path and query of the page. */
  readonly url: string;
  readonly nowMs: number;
}

/** The whole document around what a page says. */
export function layout({ title, main, hasChart, isUnderWay }: View, frame: Frame): Html {
  const { assets, theme, session, topics = [] } = frame;
  const chart =
    hasChart === true &&
    html`
<link rel="stylesheet" href="${assets.pathOf('uplot.css')}">
<script defer src="${assets.pathOf('uplot.js')}"></script>`;
  return html`<!doctype html>
<html lang="en" data-theme="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – nodeseal</title>${
    isUnderWay &&
    html`
<noscript><meta http-equiv="refresh" content="2"></noscript>`
  }
<link rel="icon" href="${assets.pathOf('icon.svg')}">
<link rel="stylesheet" href="${assets.pathOf('page.css')}">${chart}
<script type="module" src="${assets.pathOf('page.js')}"></script>
</head>
<body data-topics="${topics.join(' ')}">
<a class="skip" href="#main">Skip to the content</a>
${header(session, frame)}
<main id="main" tabindex="-1">
<div class="title"><h1>${title}</h1>${topics.length > 0 && liveBar(frame)}</div>
${main}
</main>
<footer><p>nodeseal ${VERSION}</p></footer>
</body>
</html>
`;
}

function header(session: PageSession | undefined, frame: Frame): Html {
  if (session === undefined) return html`<header><p class="brand">nodeseal</p></header>`;
  const links = SECTIONS.map(([section, path, word]) => {
    const current = section === frame.section && html` aria-current="page"`;
    return html`<li><a href="${path}"${current}>${word}</a></li>`;
  });
  return html`<header><p class="brand"><a href="/">nodeseal</a></p>
<nav aria-label="Pages"><ul>${links}</ul></nav>
<div class="account">${themeForm(session, frame)}
<p>${session.person.name} (${session.person.role})</p>
<form method="post" action="/sign-out">${formToken(session)}<button>Sign out</button></form></div></header>`;
}

function themeForm(session: PageSession, { theme, url }: Frame): Html {
  const options = THEMES.map((each) => {
    return html`<option value="${each}"${each === theme && html` selected`}>${each}</option>`;
  });
  return html`<form method="post" action="/theme">${formToken(session)}
<input type="hidden" name="back" value="${url}">
<label>Theme <select name="theme">${options}</select></label> <button>Set</button></form>`;
}

/** Stands in every form that changes something. */
export function formToken({ formToken: token }: PageSession): Html {
  return html`<input type="hidden" name="formToken" value="${token}">`;
}

function liveBar({ nowMs }: Frame): Content {
  return html`<div class="live"><p id="as-of" data-live>as of ${clockTime(nowMs)}</p>
<p id="live-state" role="status"></p>
<button type="button" id="pause" aria-pressed="false" hidden>Pause updates</button></div>`;
}

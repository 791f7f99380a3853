import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT: string = join(import.meta.dirname, '../..');

/** A fenced block. */
export interface Block {
  /** `docs/backup.md:12` */
  readonly at: string;
  /** What stands after the fence: `sh run`. */
  readonly info: string;
  readonly text: string;
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Everything between single backticks outside of blocks, white space as one blank. */
  readonly spans: readonly string[];
  /** Indented lines that show a command, without prompt and `sudo`. */
  readonly shown: readonly string[];
  /** Targets of links that do not leave the repository. */
  readonly links: readonly string[];
}

const FENCE = /^( *)```(.*)\n([\s\S]*?)^\1```$/gm;

/** README and the pages of docs. */
export function readPages(): readonly Page[] {
  return ['README.md', ...globSync('docs/*.md', { cwd: ROOT }).sort()].map(readPage);
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const prose = text.replace(FENCE, '');
  return {
    path,
    text,
    blocks: [...text.matchAll(FENCE)].map(
      ({ index, 1: indent = '', 2: info = '', 3: body = '' }) => ({
        at: `${path}:${text.slice(0, index).split('\n').length}`,
        info,
        text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }),
    ),
    spans: [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) =>
      span.replace(/\s+/g, ' ').trim(),
    ),
    shown: [...prose.matchAll(/^ {4}\$ (?:sudo )?(.*)$/gm)].map(([, line = '']) => line),
    links: [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !link.includes('://')),
  };
}

/** Anchors of the headings of a page, as GitHub makes them. */
export function anchorsOf({ text }: Page): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences of the packages that are shipped: a file of each, the text of the licence as its authors wrote it. */
export const NOTICES = 'THIRD-PARTY-NOTICES';

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[-.].*)?$/i;

/**
 * Packages without a file of the licence that they name. MIT asks for its text beside the copy: it stands here, with the
 * holder that package.json or README names.
 */
const HOLDERS: Readonly<Record<string, string>> = {
  'abstract-logging': 'James Sumners',
  'pg-types': 'Brian M. Carlson',
  pgpass: 'Hannes Hörl',
};

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** `folder` holds what `modules` name. Throws for a package whose licence has no text. */
export function thirdPartyNotices(folder: string, modules: readonly string[]): string {
  const parts = modules.map((path) => {
    const at = join(folder, path);
    const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as Manifest; // npm took it
    const { name, version, license } = manifest;
    return `${name} ${version} (${license})\n\n${licenceOf(at, manifest).trimEnd()}\n`;
  });
  const line = `\n${'-'.repeat(80)}\n\n`;
  return `nodeseal comes with these packages, each under its own licence.\n${line}${parts.join(line)}`;
}

function licenceOf(folder: string, { name, license }: Manifest): string {
  const files = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .sort();
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.some((text) => text.length > 100)) return texts.join('\n\n');
  const holder = HOLDERS[name];
  if (license === 'MIT' && holder !== undefined) return mit(holder);
  throw new Error(`${name}: no text of its licence (${license})`);
}

function mit(holder: string): string {
  return `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}

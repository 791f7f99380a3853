import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checks } from '../../agent/checks/index.ts';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { translateButane } from '../machineconfig/translate.ts';
import { catalogue, PAGE } from './catalogue.ts';
import { daemonPages } from './daemon-manual.ts';
import { commandPages, MANUAL_FOLDER } from './manual.ts';

// `npm run docs`: writes the page of all rules, the manual and the MachineConfig anew. Tests fail while they are not what this writes.
writeFileSync(join(PACKAGE_FOLDER, PAGE), catalogue(checks));

const machineConfig = join(PACKAGE_FOLDER, 'packaging/machineconfig/nodeseal-agent');
writeFileSync(
  `${machineConfig}.yaml`,
  translateButane(readFileSync(`${machineConfig}.bu`, 'utf8')),
);

const folder = join(PACKAGE_FOLDER, MANUAL_FOLDER);
mkdirSync(folder, { recursive: true });
const today = new Date().toISOString().slice(0, 10);
const pages = [...(await commandPages()), ...daemonPages()];
for (const page of pages) {
  const file = join(folder, `${page.name}.${page.section}`);
  const before = textOf(file);
  // A page keeps its date until it says something else.
  const date = /^\.TH \S+ \d (\S+)/m.exec(before)?.[1];
  if (date === undefined || page.at(date) !== before) writeFileSync(file, page.at(today));
}
const names = new Set(pages.map(({ name, section }) => `${name}.${section}`));
for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name));

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

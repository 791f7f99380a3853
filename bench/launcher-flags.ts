import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../shared/version.ts';

/** The flags of V8 that bin/nodeseal-agent gives its program. */
export function launcherFlags(): readonly string[] {
  const text = readFileSync(join(PACKAGE_FOLDER, 'bin/nodeseal-agent'), 'utf8');
  const [, words = ''] = /exec node ([\s\S]*?) \S*main\.js/.exec(text) ?? [];
  const flags = (words.match(/--[\w-]+(?:=\S+)?/g) ?? []).filter((flag) => flag !== '--require');
  if (flags.length === 0) throw new Error('bin/nodeseal-agent: no flags of Node.js found');
  return flags;
}

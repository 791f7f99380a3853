import { readFileSync } from 'node:fs';
import t from 'tap';
import { VERSION } from '../../shared/version.ts';

const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
t.ok(manifest.includes(`"version": "${VERSION}"`), `${VERSION} is the one of package.json`);

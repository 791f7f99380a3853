import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checks } from '../../agent/checks/index.ts';
import { catalogue, PAGE } from './catalogue.ts';

// `npm run docs`: writes the page of all rules anew. A test fails while it is not what this writes.
writeFileSync(join(import.meta.dirname, '../..', PAGE), catalogue(checks));

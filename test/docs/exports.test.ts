import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { EXPORT_FORMATS } from '../../shared/exports/index.ts';
import { OSCAL_VERSION } from '../../shared/exports/oscal.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/exports.md'), 'utf8');

t.test('the page names every format, and no other', async (t) => {
  const [, table = ''] = page.split('| Format | For | Held against |');
  const named = [...(table.split('\n## ')[0]?.matchAll(/^\| `(\w+)` \|/gm) ?? [])];
  t.strictSame(
    named.map(([, id]) => id),
    EXPORT_FORMATS.map(({ id }) => id),
  );
  t.match(page, `OSCAL ${OSCAL_VERSION}`);
});

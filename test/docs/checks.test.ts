import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checks } from '../../agent/checks/index.ts';
import { catalogue, PAGE } from '../../packaging/docs/catalogue.ts';
import { checkOf } from '../support/checks.ts';

t.test('the page of rules is what `npm run docs` writes', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../..', PAGE), 'utf8');
  t.equal(page, catalogue(checks));
});

t.test('the page says everything of every rule', async (t) => {
  const page = catalogue(checks);
  for (const { id, title, severity, rationale, remediation, mappings } of checks.flatMap(
    ({ rules }) => rules,
  )) {
    const [, entry = ''] = page.split(`\n### ${id}\n`);
    const [own = ''] = entry.split(/\n##/);
    for (const text of [title, `Severity: ${severity}.`, rationale, remediation.text]) {
      t.ok(own.includes(text), `${id}: ${text}`);
    }
    for (const { id: control } of mappings) t.ok(own.includes(control), `${id}: ${control}`);
  }
});

t.test('a link of the overview leads to its rule', async (t) => {
  t.match(catalogue([checkOf('x')]), '| [x.a](#xa) | high | Title of x.a |');
  t.match(catalogue([checkOf('x')]), '\n- Controls: derived: CIS 1.1\n');
});

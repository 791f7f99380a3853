import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../aggregator/config.ts';
import { parseConfig } from '../../shared/config.ts';
import { runTlsAggregator } from '../support/tls-aggregator.ts';
import { ROOT, readPage } from './markdown.ts';

/** Families of an exposition: `name type help`. */
function familiesIn(text: string): readonly string[] {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, a, b]) => [a, b]));
  return [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(
    ([, name, help]) => `${name} ${types.get(name)} ${help}`,
  );
}

const ROW = /^\| `(\w+)` \| (\w+) \| ?(.*?) ?\| (.*) \|$/gm;
const rows = [...readPage('docs/metrics.md').text.matchAll(ROW)].map(
  ([, name = '', type = '', labels = '', help = '']) => ({
    family: `${name} ${type} ${help}`,
    name,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label).sort(),
  }),
);

t.test('the page has every metric that an aggregator shows, and no other', async (t) => {
  const { alerts } = parseConfig(
    'alerts: {webhooks: [{url: "http://127.0.0.1:9/"}]}',
    'test',
    configSchema,
  );
  await using server = await runTlsAggregator(t.testdir({}), { alerts });
  const { body } = await server.get('/metrics');
  t.same(rows.map(({ family }) => family).sort(), [...familiesIn(String(body))].sort());
});

t.test('and their labels', async (t) => {
  const text = readFileSync(join(ROOT, 'test/fixtures/metrics/exposition.txt'), 'utf8');
  for (const { name, labels } of rows) {
    const series = [...text.matchAll(new RegExp(`^${name}(?:_total)?\\{(.*)\\} `, 'gm'))];
    for (const [, shown = ''] of series) {
      const found = [...shown.matchAll(/(\w+)="/g)].map(([, label = '']) => label).sort();
      t.same(labels, found, name);
    }
  }
  t.ok(rows.some(({ labels }) => labels.includes('condition')));
});

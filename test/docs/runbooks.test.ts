import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { ROOT } from './markdown.ts';

interface Rules {
  readonly spec: {
    readonly groups: readonly {
      readonly rules: readonly {
        readonly alert: string;
        readonly annotations: Readonly<Record<string, string>>;
      }[];
    }[];
  };
}

t.test('every alert has its section, and every section its alert', async (t) => {
  const text = readFileSync(join(ROOT, 'packaging/monitoring/prometheusrule.yaml'), 'utf8');
  const rules = (parse(text) as Rules).spec.groups.flatMap((group) => group.rules);
  const page = readFileSync(join(ROOT, 'docs/runbooks.md'), 'utf8');
  const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
  t.same([...sections].sort(), rules.map(({ alert }) => alert).sort());
  for (const { alert, annotations } of rules) {
    t.equal(annotations['runbook'], `docs/runbooks.md#${alert.toLowerCase()}`, alert);
  }
});

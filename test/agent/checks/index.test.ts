import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { runChecks } from '../../../agent/runner.ts';
import { findingKey } from '../../../shared/findings.ts';
import { contextAt } from '../../support/host-tree.ts';

t.test('this machine is looked at without a crash, every rule answered', async (t) => {
  const results = await runChecks(checks, contextAt('/'));
  const found = results.flatMap(({ results }) => results);
  t.strictSame(
    found.filter(({ reason }) => reason === 'crashed' || reason === 'no-statement'),
    [],
  );
  t.equal(new Set(found.map(findingKey)).size, found.length, 'no two findings have one key');
});

t.test('rules have ids of their check, each once, and say why and what to do', async (t) => {
  const ids = new Set<string>();
  for (const check of checks) {
    for (const rule of check.rules) {
      t.ok(rule.id.startsWith(`${check.id}.`), rule.id);
      t.notOk(ids.has(rule.id));
      ids.add(rule.id);
      t.match(rule.title, /^\S.*[^.]$/);
      t.match(rule.rationale, /\.$/);
      t.match(rule.remediation.text, /\.$/);
      t.ok(rule.mappings.length > 0, `${rule.id} is mapped`);
    }
    for (const path of [...check.watches, ...(check.polls ?? [])]) t.match(path, /^\//);
  }
});

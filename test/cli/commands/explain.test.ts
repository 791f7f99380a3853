import { join } from 'node:path';
import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { runCli } from '../fake-io.ts';

const RULES = checks.flatMap(({ rules }) => rules);

t.test('every rule is listed and explained', async (t) => {
  const list = await runCli(['explain', '-o', 'name']);
  t.equal(list.stdout, RULES.map(({ id }) => `rule/${id}\n`).join(''));
  for (const { id, title, severity } of RULES) {
    const { exit, stdout } = await runCli(['explain', id]);
    t.equal(exit, 0);
    t.match(stdout, `Rule:      ${id}\n`);
    t.match(stdout, `Severity:  ${severity}\n`);
    t.match(stdout.replaceAll(/\s+/g, ' '), `Asks: ${title} Severity:`);
    t.match(stdout, /\nFix: {7}\S/);
    t.notMatch(stdout, /undefined|\[object/);
  }
});

t.test('a check explains all its rules, and a rule can be asked for as JSON', async (t) => {
  const [first] = checks;
  if (first === undefined) throw new Error('there are no checks');
  const whole = await runCli(['explain', first.id]);
  t.equal(whole.stdout.match(/^Rule:/gm)?.length, first.rules.length);
  const json = JSON.parse((await runCli(['explain', `rule/${RULES[0]?.id}`, '-o', 'json'])).stdout);
  t.match(json, { kind: 'RuleList', items: [{ id: RULES[0]?.id, rationale: String }] });
});

t.test('with a profile it is said how a rule counts there', async (t) => {
  const explain = async (...words: string[]) => await runCli(['explain', ...words]);
  const rule = 'seccomp.kubelet-default';
  t.notMatch((await explain(rule)).stdout, 'Profile:');
  const unscored = await explain(rule, '--profile', 'openshift-default');
  t.match(
    unscored.stdout.replaceAll(/\s+/g, ' '),
    'Profile: openshift-default: asked, and a failure is told without counting (unscored)',
  );
  const strict = await explain(rule, '--profile', 'openshift-strict');
  t.match(strict.stdout, /\nSeverity: {2}medium\n/);
  t.match(strict.stdout, /\nProfile: {3}openshift-strict: asked, and a failure counts\n$/);
  const file = join(
    t.testdir({
      'p.yaml': 'title: T\ndescription: D\nrules: {seccomp: {selected: false, role: unscored}}\n',
    }),
    'p.yaml',
  );
  t.match((await explain(rule, '--profile', file)).stdout, /:\s+not asked \(unchecked\)\n$/);
  const json = JSON.parse((await explain(rule, '--profile', 'stig', '-o', 'json')).stdout);
  t.match(json.items, [
    { id: rule, severity: 'medium', tailoring: { profile: 'stig', selected: true, role: 'full' } },
  ]);
  const wide = await explain('--profile', 'openshift-default', '-o', 'wide');
  t.match(wide.stdout, /seccomp.kubelet-default +info +unscored /);
  t.equal((await explain(rule, '--profile', 'none')).exit, 7);
});

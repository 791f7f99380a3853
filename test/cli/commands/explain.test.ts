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

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { GenericSchema } from 'valibot';
import { checks } from '../../agent/checks/index.ts';
import * as agent from '../../agent/config.ts';
import { readExceptions } from '../../agent/exceptions-file.ts';
import { readProfile, SHIPPED_PROFILES } from '../../agent/profile-file.ts';
import { DEFAULT_VALUES } from '../../agent/profile-values.ts';
import * as aggregator from '../../aggregator/config.ts';
import { parseConfig } from '../../shared/config.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

function example(program: string): string {
  return new RegExp(`\`\`\`yaml ${program}\\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? '';
}

/** Keys of the outermost mapping, as written. */
function keysOf(text: string): string[] {
  return [...text.matchAll(/^(\w+):/gm)].map(([, key]) => key ?? '').sort();
}

const programs: readonly (readonly [string, GenericSchema<unknown, object>, readonly string[]])[] =
  [
    ['agent', agent.configSchema, []],
    // Of use to whoever starts an agent beside it.
    ['aggregator', aggregator.configSchema, ['bootstrapAgent']],
  ];

t.test('the example of a profile is one, and shows everything it can say', async (t) => {
  const file = join(t.testdir({ 'p.yaml': example('profile') }), 'p.yaml');
  const profile = await readProfile(file, checks);
  t.match(profile, { title: 'Payment cluster', values: { fips: 'required' } });
  t.strictSame(profile.rules.get('node.mco-state'), {
    selected: true,
    role: 'full',
    severity: 'high',
  });
  const [, values = ''] = example('profile').split('\nvalues:\n');
  const shown = [...values.matchAll(/^ {2}(\w+):/gm)].map(([, key]) => key ?? '');
  t.strictSame(shown.sort(), Object.keys(DEFAULT_VALUES).sort());
  for (const name of SHIPPED_PROFILES) t.ok(page.includes(name), name);
});

t.test('the example of exceptions is a file of exceptions', async (t) => {
  const file = join(t.testdir({ 'e.yaml': example('exceptions') }), 'e.yaml');
  t.match(await readExceptions(file, checks), [
    { key: 'fips.kernel-enabled on edge-*', until: '2027-03-31' },
    { owner: 'alice', subject: '/etc/containers/registries.d/lab.yaml' },
  ]);
});

for (const [program, schema, unspoken] of programs) {
  t.test(`the page shows every key of the ${program}, and no other`, async (t) => {
    const text = example(program);
    t.not(text, '', 'there is an example');
    const effective = Object.keys(parseConfig(text, `${program}.yaml`, schema));
    const known = effective.map((key) => (key === 'intervalMs' ? 'interval' : key));
    t.same(keysOf(text), known.filter((key) => !unspoken.includes(key)).sort());
  });
}

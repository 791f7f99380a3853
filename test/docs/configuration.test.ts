import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { GenericSchema } from 'valibot';
import * as agent from '../../agent/config.ts';
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
    // Of use to whoever starts an agent beside it, and to tests.
    ['aggregator', aggregator.configSchema, ['bootstrapAgent', 'limits']],
  ];

for (const [program, schema, unspoken] of programs) {
  t.test(`the page shows every key of the ${program}, and no other`, async (t) => {
    const text = example(program);
    t.not(text, '', 'there is an example');
    const effective = Object.keys(parseConfig(text, `${program}.yaml`, schema));
    const known = effective.map((key) => (key === 'intervalMs' ? 'interval' : key));
    t.same(keysOf(text), known.filter((key) => !unspoken.includes(key)).sort());
  });
}

import { checks } from '../../agent/checks/index.ts';
import { API_VERSION } from '../../shared/api.ts';
import type { Mapping, Rule } from '../../shared/findings.ts';
import { matches } from '../../shared/pattern.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { NO_HEADERS_OPTION, outputOption } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { wrap } from '../output/finding.ts';
import { isFormat } from '../output/format.ts';
import { listText } from '../output/list.ts';
import { rulesOf, unknownRule } from '../rules.ts';

const PRESENTATION: Presentation<Rule> = {
  resource: 'rule',
  nameOf: ({ id }) => id,
  columns: [
    { header: 'RULE', key: 'id', value: ({ id }) => id },
    { header: 'SEVERITY', key: 'severity', value: ({ severity }) => severity },
    {
      header: 'CONTROLS',
      key: 'mappings',
      value: ({ mappings }) => mappings.map(mappingText).join(';'),
      wide: true,
    },
    { header: 'TITLE', key: 'title', value: ({ title }) => title, shrink: 'end' },
  ],
};

export const explain: Command = {
  description: `Says what a rule asks, why, how to put it right, and which controls it maps to. Without a rule: the list of all.`,
  arguments: [
    { name: 'RULE', description: 'rules or checks; * stands for anything', repeatable: true },
  ],
  options: [outputOption(), NO_HEADERS_OPTION],
  examples: [
    { line: 'nodeseal explain selinux.enforcing', meaning: 'one rule, in words' },
    { line: 'nodeseal explain -o csv > rules.csv', meaning: 'every rule with its controls' },
  ],
  async run(invocation, io) {
    const asked = invocation.positional.map((word) => word.replace(/^(?:rule|finding)\//, ''));
    const rules = asked.length === 0 ? rulesOf(checks) : asked.flatMap(rulesFor);
    const style = styleOf(io, invocation.value('color'));
    const output = invocation.value('output') ?? 'table';
    if (asked.length > 0 && output === 'table') {
      const columns = Math.min(style.columns, 100);
      io.stdout.write(rules.map((rule) => ruleText(rule, columns)).join('\n'));
      return EXIT.clean;
    }
    const list = { apiVersion: API_VERSION, kind: 'RuleList', items: rules };
    const headers = !invocation.flag('no-headers');
    if (isFormat(output)) io.stdout.write(listText(list, PRESENTATION, output, style, headers));
    return EXIT.clean;
  },
};

function rulesFor(word: string): readonly Rule[] {
  const check = checks.find(({ id }) => id === word);
  const found = check?.rules ?? rulesOf(checks).filter(({ id }) => matches(word, id));
  if (found.length === 0) throw unknownRule(word, checks);
  return found;
}

function ruleText(
  { id, title, severity, rationale, remediation, mappings }: Rule,
  columns: number,
): string {
  const part = (name: string, text: string): string => {
    const margin = ' '.repeat(11);
    const lines = wrap(text, columns - margin.length);
    return `${`${name}:`.padEnd(margin.length)}${lines.join(`\n${margin}`)}\n`;
  };
  return [
    part('Rule', id),
    part('Asks', title),
    part('Severity', severity),
    part('Why', rationale),
    part('Fix', `${remediation.text} (${remediation.kind})`),
    part('Controls', mappings.map(mappingText).join(', ') || '-'),
  ].join('');
}

/** `STIG CNTR-OS-000540`, with `~` before what is our own judgement. */
function mappingText({ framework, id, basis }: Mapping): string {
  return `${basis === 'derived' ? '~' : ''}${framework} ${id}`;
}
